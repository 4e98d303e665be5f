package tail

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/offsetlog"
)

const patience = 30 * time.Second

// follower runs a tail over a real protocol, and keeps the ledger it makes.
type follower struct {
	tail   *Tail
	mu     sync.Mutex
	ledger ledger
	groups map[string]replicator.Change
	kinds  map[replicator.ChangeKind]int
	upAt   int64 // records read when it said first that it had caught up
}

func follow(t *testing.T, brokers []string) *follower {
	t.Helper()
	c := kafka.Open(kafka.Config{Name: "west", Brokers: brokers}, nil)
	f := &follower{ledger: ledger{}, groups: map[string]replicator.Change{}, kinds: map[replicator.ChangeKind]int{}}
	f.tail = New(Options{Cluster: c, Out: f.take, Refresh: 100 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.tail.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		c.Close()
	})
	return f
}

func (f *follower) take(_ context.Context, b replicator.Batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range b.Changes {
		f.kinds[c.Kind]++
		if c.Group != nil {
			f.groups[c.Commit.Group] = c
			continue
		}
		f.ledger.apply(c)
	}
	if b.CaughtUp && f.upAt == 0 {
		f.upAt = int64(len(f.ledger))
	}
	return nil
}

func (f *follower) with(check func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return check()
}

func eventually(t *testing.T, what string, holds func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Real fetches from the embedded broker: markers, a trailing abort, empty partitions, a compacted log.
func TestOverTheWire(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(2))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	f := follow(t, k.ListenAddrs())
	eventually(t, "caught up without a topic", func() error { return wantUp(f, true, false) })
	if err := k.CreateTopic(Topic, 4, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "found the topic", func() error { return wantUp(f, true, true) })

	write := func(txn string, commit bool, partition int32, keys []replicator.Key, offset int64) {
		t.Helper()
		opts := []kgo.Opt{kgo.SeedBrokers(k.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}
		if txn != "" {
			opts = append(opts, kgo.TransactionalID(txn))
		}
		cl, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		if txn != "" {
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range keys {
			r := commitRecord(0, key, offset)
			record := &kgo.Record{Topic: Topic, Partition: partition, Key: r.Key, Value: r.Value}
			if err := cl.ProduceSync(t.Context(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if txn != "" {
			if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range int64(50) {
		write("", false, 1, []replicator.Key{k0, k1}, i)
	}
	write("a", true, 1, []replicator.Key{k1}, 100)
	write("b", false, 1, []replicator.Key{k0}, 101)
	want := map[replicator.Key]int64{k0: 49, k1: 100}
	same := func(f *follower) func() error {
		return func() error {
			return f.with(func() error {
				if got := f.ledger.offsets(); !maps.Equal(got, want) {
					return fmt.Errorf("ledger %v, want %v", got, want)
				}
				return nil
			})
		}
	}
	eventually(t, "followed", same(f))
	k.Compact()
	again := follow(t, k.ListenAddrs())
	eventually(t, "a second tail", same(again))
	eventually(t, "caught up past an aborted end", func() error { return wantUp(again, true, true) })
	if again.upAt != 2 {
		t.Errorf("caught up with %d keys", again.upAt)
	}

	k.RemoveNode(0) // leaders move
	write("", false, 1, []replicator.Key{k2}, 7)
	want[k2] = 7
	eventually(t, "a broker less", same(f))
}

func wantUp(f *follower, up, exists bool) error {
	if s := f.tail.State(); s.CaughtUp != up || s.Exists != exists {
		return fmt.Errorf("state %+v", s)
	}
	return nil
}

// BenchmarkFetch reads a million commits from the embedded broker: fetch, decode, hand on.
func BenchmarkFetch(b *testing.B) {
	const records, perBatch = 1_000_000, 500
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(8, Topic))
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	for i := range records {
		group := fmt.Sprintf("group-%d", i/16%10_000)
		value := offsetlog.AppendCommit(nil, offsetlog.CommitValue{Version: 4, Offset: int64(i), LeaderEpoch: 1, TopicID: [16]byte{1}})
		key := offsetlog.AppendKey(nil, offsetlog.CommitKey(group, "orders.created", int32(i%16)))
		cl.Produce(b.Context(), &kgo.Record{Topic: Topic, Partition: int32(i / perBatch % 8), Key: key, Value: value}, nil)
	}
	if err := cl.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c := kafka.Open(kafka.Config{Brokers: k.ListenAddrs()}, nil)
		ctx, cancel := context.WithCancel(b.Context())
		n := 0
		t := New(Options{Cluster: c, Out: func(_ context.Context, batch replicator.Batch) error {
			if n += len(batch.Changes); batch.CaughtUp {
				cancel()
			}
			return nil
		}})
		t.Run(ctx)
		c.Close()
		if n != records {
			b.Fatalf("%d of %d changes", n, records)
		}
	}
	b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "commits/s")
}
