package kafka

import (
	"context"
	"slices"
	"time"
)

// What CommitterOptions default to.
const (
	DefaultCommitConnections = 16
	DefaultCommitsInFlight   = 512
)

// CommitterOptions of a Committer. The zero value is usable.
type CommitterOptions struct {
	// ConnectionsPerBroker bounds the connections to one coordinator, opened as groups need them. Default
	// DefaultCommitConnections. A connection carries many commits at a time, of which the broker handles one after the other.
	ConnectionsPerBroker int
	// InFlightPerBroker bounds how many commits are on the way to one coordinator at a time, also those that nobody waits for
	// any more. Default DefaultCommitsInFlight. The commits a second to a broker are at most that / round trip; fewer are sent
	// while more would only wait in the broker.
	InFlightPerBroker int
}

// Committer commits offsets from outside a group: generation -1, no member. The broker refuses that for a group with
// members, and that refusal is the fence that leftoff relies on; TxnOffsetCommit, which has none, is never used.
type Committer struct {
	c     *Cluster
	pipes *berths
}

// NewCommitter makes a Committer; it dials when it commits. Close it.
func (c *Cluster) NewCommitter(o CommitterOptions) *Committer {
	if o.ConnectionsPerBroker <= 0 {
		o.ConnectionsPerBroker = DefaultCommitConnections
	}
	if o.InFlightPerBroker <= 0 {
		o.InFlightPerBroker = DefaultCommitsInFlight
	}
	return &Committer{c: c, pipes: newBerths(c, o.ConnectionsPerBroker, o.InFlightPerBroker)}
}

// Close closes the connections. Commits under way return ErrClosed.
func (m *Committer) Close() error {
	m.pipes.close()
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
	return m.commit(ctx, &commitRun{m: m, group: group, retention: retention, offsets: offsets})
}

// CommitFirst is Commit, ahead of those that wait for their turn at the same broker.
func (m *Committer) CommitFirst(ctx context.Context, group string, retention time.Duration, offsets []CommitOffset) (results []error, err error) {
	return m.commit(ctx, &commitRun{m: m, group: group, retention: retention, offsets: offsets, first: true})
}

func (m *Committer) commit(ctx context.Context, r *commitRun) ([]error, error) {
	ctx, cancel := m.c.patient(ctx)
	defer cancel()
	r.results = make([]error, len(r.offsets))
	for _, part := range r.parts() {
		r.persist(ctx, part)
	}
	return r.results, r.unasked()
}

// unasked is the error that says the coordinator could not be asked at all.
func (r *commitRun) unasked() error {
	ok := func(err error) bool { return err == nil || err == ErrMetadataDropped }
	if !slices.ContainsFunc(r.results, func(err error) bool { return !ok(err) }) {
		return nil
	}
	tps := make([]TopicPartition, len(r.offsets))
	failed := map[TopicPartition]error{}
	for i, o := range r.offsets {
		tps[i] = TopicPartition{o.Topic, o.Partition}
		if !ok(r.results[i]) {
			failed[tps[i]] = r.results[i]
		}
	}
	return unasked(tps, failed)
}
