package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// CommitterOptions of a Committer. The zero value is usable.
type CommitterOptions struct {
	// ConnectionsPerBroker bounds how many commits are on the way to one coordinator at a time. Default 8. The commits a second to
	// a broker are at most connections / round trip.
	ConnectionsPerBroker int
}

// Committer commits offsets from outside a group: generation -1, no member. The broker refuses that for a group with
// members, and that refusal is the fence that leftoff relies on; TxnOffsetCommit, which has none, is never used.
type Committer struct {
	c    *Cluster
	pool *pool

	mu    sync.Mutex
	stamp map[int32]bool // by broker: OffsetCommit version 4 is there
}

// NewCommitter makes a Committer; it dials when it commits. Close it.
func (c *Cluster) NewCommitter(o CommitterOptions) *Committer {
	if o.ConnectionsPerBroker <= 0 {
		o.ConnectionsPerBroker = 8
	}
	return &Committer{c: c, pool: newPool(c, o.ConnectionsPerBroker), stamp: map[int32]bool{}}
}

// Close closes the connections. Commits under way return ErrClosed.
func (m *Committer) Close() error {
	m.pool.close()
	return nil
}

// The largest request: brokers write one as one batch, of at most max.message.bytes of the offsets topic (default 1 MiB, not
// compressed by default). A record takes about 70 bytes beside the names and the metadata.
const (
	maxCommits     = 1000
	maxCommitBytes = 800 << 10
	commitOverhead = 80
)

// Commit writes the offsets of one group. Calls for different groups run in parallel; calls for one group must not overlap,
// or their order is anybody's.
//
// With retention > 0 it is OffsetCommit version 4, whose value the broker stores as v1 with expireTimestamp − commitTimestamp =
// retention (the stamp); where a broker has no version 4, and with retention 0, it is version 8. The leader epoch is always -1.
//
// More than 1,000 offsets go as several requests. Coordinators are found, found again and waited for (codes 14, 15, 16, lost connections) until
// ctx ends or, without a deadline, for Config.RetryFor. Nothing is sent after ctx has ended. A commit whose connection died may have been carried
// out, and is sent again.
//
// results has one entry per offset: nil when it is written, else an *Error: Class Live (the group has members), Share, Missing, Unauthorized, or what
// was still temporary at the end. An offset whose metadata the broker found too large is written without: its result
// is ErrMetadataDropped. err says that the coordinator could not be asked at all.
func (m *Committer) Commit(ctx context.Context, group string, retention time.Duration, offsets []CommitOffset) (results []error, err error) {
	ctx, cancel := m.c.patient(ctx)
	defer cancel()
	r := &commitRun{m: m, group: group, retention: retention, offsets: offsets, results: make([]error, len(offsets)), bare: map[int]bool{}}
	for _, part := range r.parts() {
		r.persist(ctx, part)
	}
	tps := make([]TopicPartition, len(offsets))
	failed := map[TopicPartition]error{}
	for i, o := range offsets {
		tps[i] = TopicPartition{o.Topic, o.Partition}
		if r.results[i] != nil && r.results[i] != ErrMetadataDropped {
			failed[tps[i]] = r.results[i]
		}
	}
	if len(failed) == 0 {
		return r.results, nil
	}
	return r.results, unasked(tps, failed)
}

// stamps says whether a broker takes OffsetCommit version 4, asking once.
func (m *Committer) stamps(ctx context.Context, id int32, addr string) (bool, error) {
	m.mu.Lock()
	yes, known := m.stamp[id]
	m.mu.Unlock()
	if known {
		return yes, nil
	}
	const offsetCommit = 8
	err := m.pool.call(ctx, addr, func(b *sarama.Broker) error {
		r, err := b.ApiVersions(apiVersions())
		if err != nil {
			return err
		}
		for _, k := range r.ApiKeys {
			if k.ApiKey == offsetCommit {
				yes = k.MinVersion <= stampVersion && stampVersion <= k.MaxVersion
			}
		}
		return nil
	})
	if err == nil {
		m.mu.Lock()
		m.stamp[id] = yes
		m.mu.Unlock()
	}
	return yes, err
}

// forget asks again: a broker that was lost may come back as another version.
func (m *Committer) forget(id int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.stamp, id)
}
