package mm2

import (
	"context"
	"errors"
	"sync"

	"github.com/leftoff/leftoff/replicator/kafka"
)

var errDown = errors.New("connection refused")

// fakeCluster holds topics in memory, one record a batch.
type fakeCluster struct {
	mu       sync.Mutex
	topics   map[string]*fakeTopic
	down     error
	fetchers []*fakeFetcher
}

type fakeTopic struct {
	id    byte
	parts []*fakeLog
}

type fakeLog struct {
	start, end int64
	records    []kafka.Record
	fail       error // what a fetch answers
}

func newFake() *fakeCluster { return &fakeCluster{topics: map[string]*fakeTopic{}} }

// create makes a topic, in place of one of that name.
func (c *fakeCluster) create(name string, id byte, partitions int) {
	c.edit(func() {
		t := &fakeTopic{id: id}
		for range partitions {
			t.parts = append(t.parts, &fakeLog{})
		}
		c.topics[name] = t
	})
}

// put appends records, whose offsets are set here.
func (c *fakeCluster) put(name string, partition int32, rs ...kafka.Record) {
	c.edit(func() {
		l := c.topics[name].parts[partition]
		for _, r := range rs {
			r.Offset = l.end
			l.records = append(l.records, r)
			l.end++
		}
	})
}

func (c *fakeCluster) edit(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	for _, f := range c.fetchers {
		select {
		case f.signal <- struct{}{}:
		default:
		}
	}
}

func (c *fakeCluster) log(tp kafka.TopicPartition) (*fakeLog, error) {
	t := c.topics[tp.Topic]
	switch {
	case c.down != nil:
		return nil, c.down
	case t == nil || int(tp.Partition) >= len(t.parts):
		return nil, &kafka.Error{Op: "fetch", Err: kafka.ErrUnknownTopic, Class: kafka.Missing}
	}
	return t.parts[tp.Partition], nil
}

func (c *fakeCluster) Topics(_ context.Context, names []string) (map[string]kafka.TopicInfo, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down != nil {
		return nil, c.down
	}
	if names == nil {
		for n := range c.topics {
			names = append(names, n)
		}
	}
	all := map[string]kafka.TopicInfo{}
	for _, n := range names {
		if t := c.topics[n]; t != nil {
			all[n] = kafka.TopicInfo{Name: n, ID: [16]byte{t.id}, Partitions: make([]kafka.PartitionInfo, len(t.parts))}
		}
	}
	return all, nil
}

func (c *fakeCluster) ListOffsets(_ context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down != nil {
		return nil, c.down
	}
	all := map[kafka.TopicPartition]kafka.OffsetResult{}
	for _, tp := range tps {
		l, err := c.log(tp)
		switch {
		case err != nil:
			all[tp] = kafka.OffsetResult{Offset: -1, Err: err}
		case at == kafka.Earliest:
			all[tp] = kafka.OffsetResult{Offset: l.start}
		default:
			all[tp] = kafka.OffsetResult{Offset: l.end}
		}
	}
	return all, nil
}

func (c *fakeCluster) FetchOne(_ context.Context, tp kafka.TopicPartition, at int64, _ int32) (kafka.Fetched, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, err := c.log(tp)
	if err != nil {
		return kafka.Fetched{}, err
	}
	got := l.fetch(tp, at, 100)
	return got, got.Err
}

// fetch brings up to n records.
func (l *fakeLog) fetch(tp kafka.TopicPartition, at int64, n int) kafka.Fetched {
	got := kafka.Fetched{TopicPartition: tp, HighWatermark: l.end, LastStable: l.end, LogStart: l.start, Next: at, Err: l.fail}
	if at < l.start || at > l.end {
		got.Err = &kafka.Error{Op: "fetch", Err: kafka.ErrOffsetOutOfRange, Class: kafka.OutOfRange}
	}
	if got.Err != nil {
		return got
	}
	for _, r := range l.records {
		if r.Offset >= at && len(got.Batches) < n {
			got.Batches = append(got.Batches, kafka.Batch{BaseOffset: r.Offset, LastOffset: r.Offset, ProducerID: -1, Records: []kafka.Record{r}})
			got.Next = r.Offset + 1
		}
	}
	if len(got.Batches) < n {
		got.Next = l.end
	}
	return got
}

func (c *fakeCluster) NewFetcher(kafka.FetchOptions) fetcher {
	f := &fakeFetcher{c: c, at: map[kafka.TopicPartition]int64{}, signal: make(chan struct{}, 1)}
	c.mu.Lock()
	c.fetchers = append(c.fetchers, f)
	c.mu.Unlock()
	return f
}

type fakeFetcher struct {
	c      *fakeCluster
	at     map[kafka.TopicPartition]int64
	signal chan struct{}
}

func (f *fakeFetcher) Assign(tp kafka.TopicPartition, at int64) { f.c.edit(func() { f.at[tp] = at }) }
func (f *fakeFetcher) Unassign(tp kafka.TopicPartition)         { f.c.edit(func() { delete(f.at, tp) }) }
func (f *fakeFetcher) Close() error                             { return nil }

func (f *fakeFetcher) Problem() error { f.c.mu.Lock(); defer f.c.mu.Unlock(); return f.c.down }

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
	if f.c.down != nil {
		return nil
	}
	for tp, at := range f.at {
		l, err := f.c.log(tp)
		got := kafka.Fetched{TopicPartition: tp, Next: at, Err: err}
		if err == nil {
			got = l.fetch(tp, at, 3)
		}
		switch {
		case got.Err != nil:
			delete(f.at, tp)
		case got.Next == at:
			continue
		default:
			f.at[tp] = got.Next
		}
		fs = append(fs, got)
	}
	return fs
}

func syncRecord(topic string, partition int32, up, down int64) kafka.Record {
	k, v := AppendSync(nil, nil, Sync{topic, partition, up, down})
	return kafka.Record{Key: k, Value: v}
}

func checkpointRecordOf(group, topic string, partition int32, up, down int64) kafka.Record {
	k, v := AppendCheckpoint(nil, nil, Checkpoint{CheckpointKey{group, topic, partition}, up, down, ""})
	return kafka.Record{Key: k, Value: v}
}

func junk(s string) kafka.Record { return kafka.Record{Key: []byte(s), Value: []byte(`{"n":1}`)} }
