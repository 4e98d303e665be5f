package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// fakeCluster holds topics in memory, one record a batch.
type fakeCluster struct {
	mu     sync.Mutex
	topics map[string]*fakeTopic
	down   error
	fails  map[string]error // by method
	block  chan struct{}    // FetchOne waits for it
	probes int
	lists  int
}

type fakeTopic struct {
	id    [16]byte
	err   error
	parts []*fakeLog
}

type fakeLog struct {
	start, end, stable int64 // stable: held back by this many offsets
	records            map[int64]kafka.Record
	control            map[int64]bool
	epoch              int32
}

func newFake() *fakeCluster {
	return &fakeCluster{topics: map[string]*fakeTopic{}, fails: map[string]error{}}
}

func (c *fakeCluster) edit(f func()) { c.mu.Lock(); f(); c.mu.Unlock() }

func (c *fakeCluster) create(name string, id byte, partitions int) {
	c.edit(func() {
		t := &fakeTopic{id: [16]byte{id}}
		for range partitions {
			t.parts = append(t.parts, &fakeLog{records: map[int64]kafka.Record{}, control: map[int64]bool{}})
		}
		c.topics[name] = t
	})
}

// record numbered i, the same on every call.
func record(i int64) kafka.Record {
	return kafka.Record{Timestamp: 1_700_000_000_000 + i, Key: fmt.Append(nil, "k", i), Value: bytes.Repeat([]byte{byte(i)}, int(i%7)),
		Headers: []kafka.Header{{Key: []byte("h"), Value: nil}}}
}

func (l *fakeLog) append(rs ...kafka.Record) {
	for _, r := range rs {
		r.Offset = l.end
		l.records[l.end] = r
		l.end++
	}
}

func (l *fakeLog) marker() {
	l.records[l.end] = kafka.Record{Offset: l.end, Key: []byte{0, 0, 0, 1}}
	l.control[l.end] = true
	l.end++
}

func records(from, to int64) (rs []kafka.Record) {
	for i := from; i < to; i++ {
		rs = append(rs, record(i))
	}
	return rs
}

func (l *fakeLog) cut(end int64) {
	for o := range l.records {
		if o >= end {
			delete(l.records, o)
		}
	}
	l.end = end
}

func (l *fakeLog) trim(start int64) {
	for o := range l.records {
		if o < start {
			delete(l.records, o)
		}
	}
	l.start, l.end = start, max(start, l.end)
}

func (c *fakeCluster) answers(method string) error {
	if c.down != nil {
		return c.down
	}
	return c.fails[method]
}

func (c *fakeCluster) Topics(_ context.Context, names []string) (map[string]kafka.TopicInfo, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.answers("Topics"); err != nil {
		return nil, err
	}
	if names == nil {
		for name := range c.topics {
			names = append(names, name)
		}
	}
	m := map[string]kafka.TopicInfo{}
	for _, name := range names {
		t, ok := c.topics[name]
		if !ok {
			continue
		}
		info := kafka.TopicInfo{Name: name, ID: t.id, Err: t.err}
		for i, l := range t.parts {
			info.Partitions = append(info.Partitions, kafka.PartitionInfo{ID: int32(i), LeaderEpoch: l.epoch})
		}
		if t.err != nil {
			info = kafka.TopicInfo{Name: name, Err: t.err}
		}
		m[name] = info
	}
	return m, nil
}

func (c *fakeCluster) log(tp kafka.TopicPartition) *fakeLog {
	t, ok := c.topics[tp.Topic]
	if !ok || int(tp.Partition) >= len(t.parts) {
		return nil
	}
	return t.parts[tp.Partition]
}

func (c *fakeCluster) ListOffsets(_ context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists++
	if err := c.answers("ListOffsets"); err != nil {
		return nil, err
	}
	m := map[kafka.TopicPartition]kafka.OffsetResult{}
	for _, tp := range tps {
		l := c.log(tp)
		switch {
		case l == nil:
			m[tp] = kafka.OffsetResult{Offset: -1, Err: kafka.ErrUnknownTopic}
		case at == kafka.Earliest:
			m[tp] = kafka.OffsetResult{Offset: l.start}
		case at == kafka.Stable:
			m[tp] = kafka.OffsetResult{Offset: l.end - l.stable}
		default:
			m[tp] = kafka.OffsetResult{Offset: l.end}
		}
	}
	return m, nil
}

func (c *fakeCluster) FetchOne(ctx context.Context, tp kafka.TopicPartition, offset int64, _ int32) (kafka.Fetched, error) {
	c.mu.Lock()
	block := c.block
	c.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return kafka.Fetched{}, ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probes++
	if err := c.answers("FetchOne"); err != nil {
		return kafka.Fetched{}, err
	}
	l := c.log(tp)
	if l == nil {
		return kafka.Fetched{}, kafka.ErrUnknownTopic
	}
	if offset < l.start || offset > l.end {
		return kafka.Fetched{}, kafka.ErrOffsetOutOfRange
	}
	f := kafka.Fetched{TopicPartition: tp, HighWatermark: l.end, LogStart: l.start, Next: offset}
	for ; f.Next < l.end && len(f.Batches) < 3; f.Next++ {
		if r, ok := l.records[f.Next]; ok {
			f.Batches = append(f.Batches, kafka.Batch{BaseOffset: f.Next, LastOffset: f.Next, Control: l.control[f.Next], Records: []kafka.Record{r}})
		}
	}
	return f, nil
}

var errDown = errors.New("connection refused")
