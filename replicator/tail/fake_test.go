package tail

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/offsetlog"
)

// fakeCluster serves an offsets topic from memory.
type fakeCluster struct {
	mu       sync.Mutex
	topic    *kafka.TopicInfo
	logs     map[int32]*fakeLog
	down     error           // of Topics and ListOffsets
	noLeader map[int32]error // of single partitions
	fetchers []*fakeFetcher
	limit    int // batches a poll brings of a partition
}

type fakeLog struct {
	batches    []kafka.Batch
	start, end int64
	fail       error // what a fetch answers
}

func newFakeCluster() *fakeCluster {
	return &fakeCluster{logs: map[int32]*fakeLog{}, noLeader: map[int32]error{}, limit: 2}
}

// create makes the topic, or adds partitions.
func (c *fakeCluster) create(id byte, partitions int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.topic = &kafka.TopicInfo{Name: Topic, ID: [16]byte{id}, Internal: true}
	for p := range partitions {
		c.topic.Partitions = append(c.topic.Partitions, kafka.PartitionInfo{ID: p})
		if c.logs[p] == nil {
			c.logs[p] = &fakeLog{}
		}
	}
}

// append writes one batch, whose offsets are set here; hole more offsets are taken by what was compacted away behind it.
func (c *fakeCluster) append(p int32, b kafka.Batch, hole int64) {
	c.mu.Lock()
	l := c.logs[p]
	b.BaseOffset = l.end
	for i := range b.Records {
		b.Records[i].Offset = l.end + int64(i)
	}
	b.LastOffset = l.end + int64(len(b.Records)) - 1 + hole
	l.end = b.LastOffset + 1
	l.batches = append(l.batches, b)
	c.mu.Unlock()
	c.wake()
}

func (c *fakeCluster) edit(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	c.wake()
}

func (c *fakeCluster) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.fetchers {
		select {
		case f.signal <- struct{}{}:
		default:
		}
	}
}

func (c *fakeCluster) Topics(context.Context, []string) (map[string]kafka.TopicInfo, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down != nil || c.topic == nil {
		return nil, c.down
	}
	return map[string]kafka.TopicInfo{Topic: *c.topic}, nil
}

func (c *fakeCluster) ListOffsets(_ context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down != nil {
		return nil, c.down
	}
	m := map[kafka.TopicPartition]kafka.OffsetResult{}
	for _, tp := range tps {
		l := c.logs[tp.Partition]
		r := kafka.OffsetResult{Offset: l.start, Err: c.noLeader[tp.Partition]}
		if at == kafka.Latest {
			r.Offset = l.end
		}
		m[tp] = r
	}
	return m, nil
}

func (c *fakeCluster) NewFetcher(kafka.FetchOptions) fetcher {
	f := &fakeFetcher{c: c, at: map[int32]int64{}, signal: make(chan struct{}, 1)}
	c.mu.Lock()
	c.fetchers = append(c.fetchers, f)
	c.mu.Unlock()
	return f
}

type fakeFetcher struct {
	c       *fakeCluster
	at      map[int32]int64
	signal  chan struct{}
	problem error
}

func (f *fakeFetcher) Assign(tp kafka.TopicPartition, offset int64) {
	f.c.edit(func() { f.at[tp.Partition] = offset })
}

func (f *fakeFetcher) Poll(ctx context.Context) ([]kafka.Fetched, error) {
	for {
		f.c.mu.Lock()
		fs := f.ready()
		f.c.mu.Unlock()
		if len(fs) > 0 {
			return fs, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.signal:
		}
	}
}

func (f *fakeFetcher) ready() (fs []kafka.Fetched) {
	for p, at := range f.at {
		l := f.c.logs[p]
		r := kafka.Fetched{TopicPartition: kafka.TopicPartition{Topic: Topic, Partition: p}, HighWatermark: l.end, LogStart: l.start, Next: at}
		switch {
		case l.fail != nil:
			r.Err = l.fail
		case at < l.start || at > l.end:
			r.Err = &kafka.Error{Op: "fetch", Err: kafka.ErrOffsetOutOfRange}
		}
		if r.Err != nil {
			delete(f.at, p)
			fs = append(fs, r)
			continue
		}
		for i := range l.batches {
			if l.batches[i].LastOffset >= at && len(r.Batches) < f.c.limit {
				r.Batches = append(r.Batches, l.batches[i])
				r.Next = l.batches[i].LastOffset + 1
			}
		}
		if len(r.Batches) == 0 && at < l.end {
			r.Next = l.end // a tail without a single batch left
		}
		if r.Next != at {
			f.at[p] = r.Next
			fs = append(fs, r)
		}
	}
	slices.SortFunc(fs, func(a, b kafka.Fetched) int { return int(a.Partition - b.Partition) })
	return fs
}

func (f *fakeFetcher) Problem() error { f.c.mu.Lock(); defer f.c.mu.Unlock(); return f.problem }
func (f *fakeFetcher) Close() error   { return nil }

func plain(rs ...kafka.Record) kafka.Batch { return kafka.Batch{ProducerID: -1, Records: rs} }

func txn(producer int64, rs ...kafka.Record) kafka.Batch {
	return kafka.Batch{ProducerID: producer, Transactional: true, Records: rs}
}

func marker(producer int64, commit bool) kafka.Batch {
	return kafka.Batch{ProducerID: producer, Transactional: true, Control: true, Records: []kafka.Record{{Key: offsetlog.AppendMarker(nil, commit)}}}
}

var errDown = errors.New("connection refused")
