package mirror

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// Cluster is what the mirror needs of a cluster; *kafka.Cluster is one.
type Cluster interface {
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	FetchOne(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
	TopicConfigs(ctx context.Context, topic string) (map[string]kafka.TopicConfig, error)
	CreateTopic(ctx context.Context, t kafka.TopicSpec) error
	CreatePartitions(ctx context.Context, topic string, n int32) error
	InitProducer(ctx context.Context) (kafka.ProducerID, error)
	NewFetcher(o kafka.FetchOptions) *kafka.Fetcher
	NewProducer(o kafka.ProducerOptions) *kafka.Producer
}

// askTimeout bounds a question, so that a dead cluster shows in the state; shortTimeout one that can do without an answer.
const (
	askTimeout   = 10 * time.Second
	shortTimeout = time.Second
	probeBytes   = 1 << 20
	readerBytes  = 8 << 20
)

// side is one partition on one cluster.
type side struct {
	cluster Cluster
	tp      kafka.TopicPartition
	epoch   *atomic.Int32 // leader epoch, as last seen in the metadata
}

// Ends asks for log start, high watermark and last stable offset, in this order: the last one then lies below only where a
// transaction is open. The epoch is from before: a newer one makes the next
// look compare again.
func (s side) Ends(ctx context.Context) (ends, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	e := ends{epoch: s.epoch.Load()}
	for _, q := range []struct {
		at  kafka.When
		set *int64
	}{{kafka.Earliest, &e.start}, {kafka.Latest, &e.high}, {kafka.Stable, &e.stable}} {
		got, err := s.cluster.ListOffsets(ctx, q.at, []kafka.TopicPartition{s.tp})
		if err == nil {
			err = got[s.tp].Err
		}
		if err != nil {
			return ends{}, fmt.Errorf("ends of %s: %w", s.tp, err)
		}
		*q.set = got[s.tp].Offset
	}
	return e, nil
}

// secondaryLog reads the secondary with single probes.
type secondaryLog struct{ side }

func (l secondaryLog) Read(ctx context.Context, from int64) (*kafka.Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	f, err := l.cluster.FetchOne(ctx, l.tp, from, probeBytes)
	if err != nil {
		return nil, fmt.Errorf("read %s at %d: %w", l.tp, from, err)
	}
	return &f, nil
}

// primaryLog reads the primary through the partition's feed, so that aborted transactions are listed. It must be read below
// the readable end only: at the end a feed waits.
type primaryLog struct {
	side
	port port

	mu         sync.Mutex
	held       []kafka.Fetched
	bytes      int
	paused     bool
	next       int64
	generation int
	on         bool
	wake       chan struct{}
}

func newPrimaryLog(s side, f *feeds) *primaryLog {
	l := &primaryLog{side: s, wake: make(chan struct{}, 1)}
	l.port = port{feeds: f, tp: s.tp, put: l.put}
	return l
}

func (l *primaryLog) put(d delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.on || d.generation != l.generation {
		return
	}
	l.held = append(l.held, d.Fetched)
	if l.bytes += size(&d.Fetched); l.bytes > readerBytes && !l.paused {
		l.paused = true
		l.port.Pause()
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// release forgets what was read ahead: the feed goes to the partition now.
func (l *primaryLog) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on, l.held, l.bytes, l.paused = false, nil, 0, false
}

func (l *primaryLog) Read(ctx context.Context, from int64) (*kafka.Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	l.mu.Lock()
	if !l.on || l.next != from {
		l.generation++
		l.on, l.held, l.bytes, l.paused, l.next = true, nil, 0, false, from
		l.port.Start(from, l.generation)
	}
	l.mu.Unlock()
	for {
		if f, ok := l.take(from); ok {
			if f.Err != nil {
				l.release()
				return nil, fmt.Errorf("read %s at %d: %w", l.tp, from, f.Err)
			}
			return f, nil
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			l.release()
			return nil, fmt.Errorf("read %s at %d: %w", l.tp, from, ctx.Err())
		}
	}
}

// take returns the next fetch that made progress.
func (l *primaryLog) take(from int64) (*kafka.Fetched, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.held) > 0 {
		f := l.held[0]
		l.held = l.held[1:]
		if l.bytes -= size(&f); l.paused && l.bytes < readerBytes/2 {
			l.paused = false
			l.port.Resume()
		}
		if f.Err != nil || f.Next > from {
			l.next = f.Next
			return &f, true
		}
	}
	return nil, false
}

func size(f *kafka.Fetched) int {
	n := 0
	for i := range f.Batches {
		for j := range f.Batches[i].Records {
			n += f.Batches[i].Records[j].Size()
		}
	}
	return n
}

// outlet produces to one partition of the secondary.
type outlet struct {
	producer *kafka.Producer
	tp       kafka.TopicPartition
}

func (o outlet) Send(b kafka.ProduceBatch, done func(base, logStart int64, err error)) {
	o.producer.Produce(o.tp, b, func(r kafka.ProduceResult) { done(r.BaseOffset, r.LogStart, r.Err) })
}
