package mirror

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	rig.Main(m)
}

// ground is a pair of clusters, embedded or real.
type ground struct {
	brokers [2][]string
	regions [2]*region.Region
}

func embedded(t testing.TB) *ground {
	g := &ground{}
	for i, name := range []string{"west", "east"} {
		r, err := region.Start(region.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		g.regions[i], g.brokers[i] = r, r.Bootstrap()
	}
	return g
}

func real(t testing.TB) *ground {
	if testing.Short() {
		t.Skip("real Kafka under -short")
	}
	primary, secondary := rig.Shared(t)
	return &ground{brokers: [2][]string{primary.Bootstrap(), secondary.Bootstrap()}}
}

func (g *ground) client(t testing.TB, side replicator.Side, opts ...kgo.Opt) *kgo.Client {
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(g.brokers[side]...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (g *ground) admin(t testing.TB, side replicator.Side) *kadm.Client {
	return kadm.NewClient(g.client(t, side))
}

func (g *ground) create(t testing.TB, side replicator.Side, topic string, partitions int32, configs map[string]string) {
	t.Helper()
	set := map[string]*string{}
	for k, v := range configs {
		set[k] = kadm.StringPtr(v)
	}
	r, err := g.admin(t, side).CreateTopic(context.Background(), partitions, 1, set, topic)
	if err = errors.Join(err, r.Err); err != nil {
		t.Fatalf("create %s: %v", topic, err)
	}
}

// produce writes n records with unique values, keyed, some with headers, some with null and some with empty values.
func (g *ground) produce(t testing.TB, side replicator.Side, topic string, from, n int) {
	t.Helper()
	c := g.client(t, side, kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(time.Millisecond))
	var mu sync.Mutex
	var failed error
	for i := from; i < from+n; i++ {
		c.Produce(context.Background(), record(i), func(_ *kgo.Record, err error) {
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	if err := errors.Join(c.Flush(context.Background()), failed); err != nil {
		t.Fatalf("produce to %s: %v", topic, err)
	}
	c.Close()
}

func record(i int) *kgo.Record {
	r := &kgo.Record{Key: fmt.Appendf(nil, "account %d", i%997), Value: fmt.Appendf(nil, "payment %d %s", i, strings.Repeat("x", i%50))}
	switch i % 11 {
	case 3:
		r.Headers = []kgo.RecordHeader{{Key: "id", Value: fmt.Appendf(nil, "%d", i)}, {Key: "empty", Value: []byte{}}, {Key: "null"}}
	case 5:
		r.Key, r.Value = fmt.Appendf(nil, "null %d", i), nil
	case 7:
		r.Key, r.Value = fmt.Appendf(nil, "empty %d", i), []byte{}
	}
	return r
}

// transact writes transactions of size records, every tenth aborted, the last one too.
func (g *ground) transact(t testing.TB, topic string, from, transactions, size int) {
	t.Helper()
	c := g.client(t, replicator.Primary, kgo.DefaultProduceTopic(topic), kgo.TransactionalID("tx-"+topic), kgo.ProducerLinger(0))
	ctx := context.Background()
	for tx := range transactions {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for i := range size {
			c.Produce(ctx, record(from+tx*size+i), nil)
		}
		end := kgo.TryCommit
		if tx%10 == 3 || tx == transactions-1 {
			end = kgo.TryAbort
		}
		if err := errors.Join(c.Flush(ctx), c.EndTransaction(ctx, end)); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
}

// running is a mirror at work.
type running struct {
	*Source
	index  *checkpoint.Index
	cancel context.CancelFunc
	done   chan struct{}
}

// mirror starts a mirror of the given topic names; stop it with stop, or the end of the test does.
func (g *ground) mirror(t testing.TB, dir string, topics ...string) *running {
	t.Helper()
	index, err := checkpoint.Open(filepath.Join(dir, "index.db"), checkpoint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := run(g, index, logger(t), topics...)
	t.Cleanup(func() { r.stop(t) })
	return r
}

func logger(t testing.TB) *zap.Logger {
	if os.Getenv("MIRROR_TRACE") == "" {
		return zap.NewNop()
	}
	return zaptest.NewLogger(t)
}

func run(g *ground, index *checkpoint.Index, log *zap.Logger, topics ...string) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{index: index, cancel: cancel, done: make(chan struct{})}
	clusters := [2]*kafka.Cluster{}
	for i, name := range []string{"primary", "secondary"} {
		clusters[i] = kafka.Open(kafka.Config{Name: name, Brokers: g.brokers[i]}, log)
	}
	r.Source = New(Options{
		Primary: clusters[0], Secondary: clusters[1], Index: index, Logger: log, Refresh: 200 * time.Millisecond,
		Select: func(topic string) (string, bool) {
			for _, s := range topics {
				if s == topic {
					return s, true
				}
			}
			return "", false
		},
	})
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	wg.Go(func() { // the daemon's keeper
		for ctx.Err() == nil {
			select {
			case <-time.After(100 * time.Millisecond):
				_ = index.Flush()
			case <-ctx.Done():
			}
		}
	})
	go func() {
		wg.Wait()
		clusters[0].Close()
		clusters[1].Close()
		close(r.done)
	}()
	return r
}

func (r *running) stop(t testing.TB) {
	t.Helper()
	r.cancel()
	<-r.done
	if err := r.index.Check(); err != nil && !errors.Is(err, checkpoint.ErrClosed) {
		t.Errorf("index check: %v", err)
	}
	if err := r.index.Close(); err != nil {
		t.Errorf("close index: %v", err)
	}
}

// await waits for a condition.
func await(t testing.TB, what string, within time.Duration, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// settle waits until the mirror has copied everything there is.
func (g *ground) settle(t testing.TB, r *running, topic string) {
	t.Helper()
	listed, err := g.admin(t, replicator.Primary).ListCommittedOffsets(context.Background(), topic)
	if err != nil {
		t.Fatal(err)
	}
	ends := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	deadline := time.Now().Add(60 * time.Second)
	for {
		behind := ""
		done := map[int32]bool{}
		for _, s := range r.State() {
			if s.Topic == topic {
				done[s.Partition] = s.Phase == Copying && s.Copied >= ends[s.Partition]
				behind += fmt.Sprintf(" %d:%s %d/%d %s", s.Partition, s.Phase, s.Copied, ends[s.Partition], s.Detail)
			}
		}
		all := len(done) == len(ends)
		for _, d := range done {
			all = all && d
		}
		if all {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not copied:%s problems %v", behind, r.Problems())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// exact compares both sides and every position with the judge's.
func (g *ground) exact(t testing.TB, r *running, topic string, o judge.Options) judge.Summary {
	t.Helper()
	copies, err := judge.Compare(context.Background(), judge.At(g.brokers[0]...), judge.At(g.brokers[1]...), topic, topic, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range copies.Partitions() {
		start, end, _, _ := copies.Bounds(p)
		wrong := 0
		for u := start; u <= end; u++ {
			m := r.Forward(topic, [16]byte{}, p, u)
			if want := copies.T(p, u); m.Position.Offset != want || m.Position.Confidence != translate.Exact {
				if wrong++; wrong <= 5 {
					t.Errorf("%s/%d: Forward(%d) = %+v %s %s, T = %d", topic, p, u, m.Position, m.Reason, m.Detail, want)
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%s/%d: %d of %d positions are not exact", topic, p, wrong, end-start+1)
		}
	}
	total := copies.Total()
	deleted := int64(0)
	for _, p := range copies.Partitions() {
		_, _, start, _ := copies.Bounds(p)
		deleted += start
	}
	if total.Missing+total.Waiting > deleted {
		t.Errorf("%s: %d records were not copied: %+v", topic, total.Missing+total.Waiting, total)
	}
	return total
}

// end is the readable end of a topic's partition 0; -1 while there is none.
func (g *ground) end(t testing.TB, side replicator.Side, topic string) int64 {
	t.Helper()
	listed, err := g.admin(t, side).ListCommittedOffsets(context.Background(), topic)
	o, ok := listed.Lookup(topic, 0)
	if err != nil || !ok || o.Err != nil {
		return -1
	}
	return o.Offset
}
