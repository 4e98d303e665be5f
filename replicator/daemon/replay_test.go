package daemon

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

var errKilled = errors.New("killed")

// dying is the primary as a replay reads it, until it dies at an offset, some time: what is about to be produced is read once before.
type dying struct {
	*kafka.Cluster
	at    int64
	times int
}

func (d *dying) FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error) {
	if offset >= d.at {
		if d.times--; d.times <= 0 {
			return kafka.Fetched{}, errKilled
		}
		return d.Cluster.FetchCommitted(ctx, tp, offset, maxBytes)
	}
	got, err := d.Cluster.FetchCommitted(ctx, tp, offset, maxBytes)
	for i, b := range got.Batches {
		if b.LastOffset >= d.at { // the rest is asked for, which is the end
			got.Batches, got.Next = got.Batches[:i+1], d.at
			records := b.Records
			for len(records) > 0 && records[len(records)-1].Offset >= d.at {
				records = records[:len(records)-1]
			}
			got.Batches[i].Records = records
			break
		}
	}
	return got, err
}

// deadLog is leftoff-state of a process that dies when it has written some events.
type deadLog struct {
	failover.Log
	lives int
}

func (d *deadLog) Append(ctx context.Context, values [][]byte) error {
	if d.lives--; d.lives < 0 {
		return errKilled
	}
	return d.Log.Append(ctx, values)
}

// A replay that is killed anywhere, again and again, with producers on the secondary in between, produces each record once, and says where each one is.
func TestReplayIsKilled(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	for round := range 6 {
		a := newAbroad(t)
		a.produce(replicator.Secondary, 0, 3)
		n := 1_000 + random.IntN(900)
		a.many(replicator.Primary, n)
		all := []failover.Unmirrored{{Topic: "orders", From: 2, To: 400}, {Topic: "orders", From: 420, To: int64(n)}}
		kept := &failover.KafkaLog{Cluster: a.l.clusters[1]}
		replayer := func(from failover.Origin, log failover.Log) failover.Replayer {
			return failover.Replayer{Store: failover.NewStore(log, "link"), ID: "home", Who: "me", From: from, To: a.l.clusters[1], There: func(s string) string { return s }}
		}
		for range 1 + random.IntN(4) {
			var err error
			if random.IntN(3) == 0 {
				err = replayer(a.l.clusters[0], &deadLog{kept, random.IntN(2)}).Replay(t.Context(), all)
			} else {
				err = replayer(&dying{a.l.clusters[0], 2 + random.Int64N(int64(n)), 1 + random.IntN(2)}, kept).Replay(t.Context(), all)
			}
			if err != nil && !errors.Is(err, errKilled) {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
			a.produce(replicator.Secondary, 10_000, 10_000+random.IntN(3))
		}
		if random.IntN(2) == 0 { // the other choices write down what there is, and a replay goes on from there
			if err := replayer(a.l.clusters[0], kept).Settle(t.Context()); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
		}
		for range 2 {
			if err := replayer(a.l.clusters[0], kept).Replay(t.Context(), all); err != nil {
				t.Fatalf("seed %d, round %d: %v", seed, round, err)
			}
		}
		a.replayedOnce(kept, all, fmt.Sprintf("seed %d, round %d", seed, round))
	}
}

// many writes records of the numbers 0, …, n−1, some in a batch.
func (a *abroad) many(side replicator.Side, n int) {
	a.Helper()
	var all []*kgo.Record
	for i := range n {
		all = append(all, &kgo.Record{Value: fmt.Appendf(nil, "order %d", i), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i))})
	}
	if err := a.clients[side].ProduceSync(context.Background(), all...).FirstErr(); err != nil {
		a.Fatal(err)
	}
}

// replayedOnce holds what is written down against what stands on the secondary past its first three records.
func (a *abroad) replayedOnce(kept failover.Log, all []failover.Unmirrored, what string) {
	a.Helper()
	k, err := failover.NewStore(kept, "link").Load(context.Background())
	if err != nil {
		a.Fatal(err)
	}
	origin := map[int64]int64{}
	for _, r := range k.AllReplays() {
		for _, p := range r.Parts {
			for _, place := range p.Places {
				for i := range place[2] {
					origin[place[0]+i] = place[1] + i
				}
			}
		}
	}
	want := map[string]bool{}
	for _, d := range all {
		for at := d.From; at < d.To; at++ {
			want[fmt.Sprintf("order %d", at)] = true
		}
	}
	tp := kafka.TopicPartition{Topic: "orders"}
	ends, err := a.l.clusters[1].ListOffsets(context.Background(), kafka.Latest, []kafka.TopicPartition{tp})
	if err != nil {
		a.Fatal(err)
	}
	_, err = records(context.Background(), a.l.clusters[1], tp, 3, ends[tp].Offset, func(r *kafka.Record, _ bool) bool {
		value := string(r.Value)
		from, known := origin[r.Offset]
		switch {
		case value == "order 10000" || value == "order 10001":
			if known {
				a.Errorf("%s: %d is somebody's, and is said to be %d", what, r.Offset, from)
			}
		case !want[value]:
			a.Fatalf("%s: %s at %d is there a second time, or should not be", what, value, r.Offset)
		case !known || value != fmt.Sprintf("order %d", from):
			a.Fatalf("%s: %s at %d is said to be %d (known: %t)", what, value, r.Offset, from, known)
		}
		delete(want, value)
		return true
	})
	if err != nil || len(want) > 0 {
		a.Errorf("%s: %v, %d records were not replayed", what, err, len(want))
	}
}

// Two who replay at the same time: one of them does, and the other is told.
func TestTwoReplays(t *testing.T) {
	a := newAbroad(t)
	a.produce(replicator.Primary, 0, 20)
	kept := &failover.KafkaLog{Cluster: a.l.clusters[1]}
	all := []failover.Unmirrored{{Topic: "orders", From: 5, To: 20}}
	done := make(chan error, 2)
	for range 2 {
		go func() {
			store := failover.NewStore(&failover.KafkaLog{Cluster: a.l.clusters[1]}, "link")
			done <- failover.Replayer{Store: store, ID: "home", Who: "me", From: a.l.clusters[0], To: a.l.clusters[1], There: func(s string) string { return s }}.Replay(context.Background(), all)
		}()
	}
	for range 2 {
		if err := <-done; err != nil && !errors.Is(err, failover.ErrOvertaken) {
			t.Log(err) // the broker refuses a batch of the slower one
		}
	}
	a.produce(replicator.Secondary, 10_000, 10_000)
	r := failover.Replayer{Store: failover.NewStore(kept, "link"), ID: "home", Who: "me", From: a.l.clusters[0], To: a.l.clusters[1], There: func(s string) string { return s }}
	if err := r.Replay(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	tp := kafka.TopicPartition{Topic: "orders"}
	ends, err := a.l.clusters[1].ListOffsets(t.Context(), kafka.Latest, []kafka.TopicPartition{tp})
	if err != nil || ends[tp].Offset != 15 {
		t.Errorf("%v: %d records on the secondary, want 15", err, ends[tp].Offset)
	}
}

// What was replayed is no sign of somebody else's mirror that goes on, also while the replay is not written down to its end; what such a mirror copies
// beside it is.
func TestReplayIsNoDoubt(t *testing.T) {
	a := newAbroad(t)
	a.produce(replicator.Primary, 0, 40)
	a.produce(replicator.Secondary, 0, 30)
	mark := failover.Mark{Primary: 30, Secondary: 30}
	found := a.diverged("home", mark)
	only(t, "before", found, 30, 40)
	r := failover.Replayer{Store: a.r.memory.store, ID: "home", Who: "me", From: a.l.clusters[0], To: a.l.clusters[1], There: func(s string) string { return s }}
	broken := r
	broken.Store = failover.NewStore(&deadLog{&failover.KafkaLog{Cluster: a.l.clusters[1]}, 1}, "link")
	if err := broken.Replay(t.Context(), found.Found); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	for _, what := range []string{"broken off", "ended"} {
		d := a.diverged("home", mark)
		if only(t, what, d, 30, 40); len(d.Doubts) > 0 {
			t.Errorf("%s: %q", what, d.Doubts)
		}
		if err := r.Replay(t.Context(), found.Found); err != nil {
			t.Fatal(err)
		}
	}
	a.produce(replicator.Secondary, 33, 35)
	if d := a.diverged("home", mark); len(d.Doubts) != 1 {
		t.Errorf("a mirror goes on: %q", d.Doubts)
	}
}
