package acceptance

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// goConsumer is a consumer of a second client library, franz-go.
type goConsumer struct {
	client *kgo.Client
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	records []rig.Consumed
	last    map[string]map[int32]int64
	failed  error
}

func startFranzGo(t testing.TB, c *rig.Cluster, o rig.ConsumerOptions, poll int) *goConsumer {
	t.Helper()
	reset, isolation := kgo.NoResetOffset(), kgo.ReadUncommitted()
	if o.Reset == "earliest" {
		reset = kgo.NewOffset().AtStart()
	}
	if o.Committed {
		isolation = kgo.ReadCommitted()
	}
	client := c.Client(t, kgo.ConsumerGroup(o.Group), kgo.ConsumeTopics(o.Topics...), kgo.ConsumeResetOffset(reset), kgo.FetchIsolationLevel(isolation),
		kgo.DisableAutoCommit(), kgo.FetchMinBytes(fetchLeast), kgo.FetchMaxPartitionBytes(int32(fetchMost(o))), kgo.FetchMaxWait(100*time.Millisecond))
	ctx, cancel := context.WithCancel(context.Background())
	g := &goConsumer{client: client, cancel: cancel, ended: make(chan struct{}), last: map[string]map[int32]int64{}}
	go func() {
		defer close(g.ended)
		g.run(ctx, o, poll)
	}()
	t.Cleanup(func() { cancel(); <-g.ended })
	return g
}

// run reads and commits now and then, until it is told to stop.
func (g *goConsumer) run(ctx context.Context, o rig.ConsumerOptions, poll int) {
	tick := time.NewTicker(max(o.Pause, time.Millisecond))
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; {
		fetches := g.client.PollRecords(ctx, poll)
		g.take(ctx, fetches)
		if n += fetches.NumRecords(); n >= o.CommitEvery {
			n = 0
			g.commit()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (g *goConsumer) take(ctx context.Context, fetches kgo.Fetches) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := fetches.Err(); err != nil && ctx.Err() == nil {
		g.failed = errors.Join(g.failed, err)
	}
	fetches.EachRecord(func(r *kgo.Record) {
		if g.last[r.Topic] == nil {
			g.last[r.Topic] = map[int32]int64{}
		}
		g.records, g.last[r.Topic][r.Partition] = append(g.records, consumed(r)), r.Offset
	})
}

func (g *goConsumer) commit() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := g.client.CommitUncommittedOffsets(ctx); err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.failed = errors.Join(g.failed, err)
	}
}

func (g *goConsumer) Records() []rig.Consumed {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.records)
}

func (g *goConsumer) Delivered(topic string, partition int32) (last int64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last, ok = g.last[topic][partition]
	return last, ok
}

func (g *goConsumer) Failure() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		return ""
	}
	return g.failed.Error()
}

func (g *goConsumer) Leave(t testing.TB) {
	t.Helper()
	g.cancel()
	<-g.ended
	g.commit()
	g.client.Close()
	if f := g.Failure(); f != "" {
		t.Fatalf("franz-go consumer: %s", f)
	}
}
