package region

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/region/script"
)

const limit = 20 * time.Second

// ground is a region with one topic, a script client, and a judge that reads its log. The judge's secondary is the same region.
type ground struct {
	*Region
	*script.Client
	h *judge.History
}

func start(t *testing.T, o Options) *ground {
	t.Helper()
	r, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		r.Close() // twice is fine
		for _, err := range r.Failures() {
			t.Errorf("append failed: %v", err)
		}
	})
	if err := r.Cluster().CreateTopic("orders", 4, nil); err != nil {
		t.Fatal(err)
	}
	g := &ground{Region: r}
	if g.Client, err = script.Dial(r.KgoOpts()...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Client.Close)
	c := judge.Cluster{Opts: r.KgoOpts()}
	if g.h, err = judge.Watch(context.Background(), c, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.h.Close)
	return g
}

// log reads what is in `__consumer_offsets` now.
func (g *ground) log(t *testing.T) *judge.Log {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := g.h.CaughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	if b := g.h.Primary.Broken(); len(b) > 0 {
		t.Fatalf("undecodable: %v", b)
	}
	return g.h.Primary
}

func order(partition int32, offset int64) script.Offset {
	return script.Offset{Topic: "orders", Partition: partition, Offset: offset, Metadata: "m"}
}

func key(group string, partition int32) judge.Key {
	return judge.Key{Group: group, Topic: "orders", Partition: partition}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestValues(t *testing.T) {
	for _, version := range []int16{3, 4} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			g := start(t, Options{Brokers: 3, ValueVersion: version})
			must(t, g.Commit(t.Context(), "a", 0, order(0, 7)), g.Commit(t.Context(), "b", 42*time.Hour, order(0, 8)))
			log := g.log(t)
			a, _ := log.Value(key("a", 0))
			if a.Offset != 7 || a.Metadata != "m" || a.LeaderEpoch != -1 || a.Version != version || a.Retention != -1 {
				t.Errorf("a: %+v", a)
			}
			if id := g.Cluster().TopicInfo("orders").TopicID; (version == 4) != (a.TopicID == id) {
				t.Errorf("topic id %x, want %x in version 4 only", a.TopicID, id)
			}
			b, _ := log.Value(key("b", 0))
			if b.Offset != 8 || b.Version != 1 || b.Retention != 42*time.Hour {
				t.Errorf("b: %+v", b)
			}
		})
	}
}

func TestPartitionFor(t *testing.T) {
	for group, want := range map[string]int32{"my-group": 12, "orders": 31, "group-ü": 2} {
		if got := PartitionFor(group, 50); got != want {
			t.Errorf("%s is in %d, want %d", group, got, want)
		}
	}
}

// TestVisibleBeforeAnswer: what a client knows to be committed is in the log.
func TestVisibleBeforeAnswer(t *testing.T) {
	g := start(t, Options{})
	var slowest time.Duration
	for i := range int64(200) {
		begin := time.Now()
		must(t, g.Commit(t.Context(), "a", 0, order(0, i)))
		slowest = max(slowest, time.Since(begin))
		info := g.Cluster().PartitionInfo(offsetsTopic, PartitionFor("a", 8))
		if info.HighWatermark != i+1 || info.LastStableOffset != i+1 {
			t.Fatalf("after commit %d the log ends at %d, stable %d", i, info.HighWatermark, info.LastStableOffset)
		}
	}
	t.Logf("slowest commit %v", slowest)
}

// TestConcurrentCommits: whatever the order, the log ends as kfake ends.
func TestConcurrentCommits(t *testing.T) {
	g := start(t, Options{Brokers: 3})
	var all sync.WaitGroup
	for w := range 8 {
		cl, err := script.Dial(g.KgoOpts()...)
		must(t, err)
		t.Cleanup(cl.Close)
		all.Go(func() {
			for i := range 100 {
				if err := cl.Commit(t.Context(), fmt.Sprintf("g%d", i%3), 0, order(int32(i%4), int64(w*1000+i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	log := g.log(t)
	if n := len(log.Writes()); n != 800 {
		t.Fatalf("%d records, want 800", n)
	}
	for k, w := range log.Ledger() {
		if have := g.Cluster().GroupInfo(k.Group).Commits[k.Topic][k.Partition].Offset; have != w.Value.Offset {
			t.Errorf("%v: the log says %d, the broker %d", k, w.Value.Offset, have)
		}
	}
}

func TestRefusedIsNotWritten(t *testing.T) {
	g := start(t, Options{})
	f := g.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: "a", Err: kerr.GroupAuthorizationFailed, Count: 1})
	defer f.Remove()
	if err := g.Commit(t.Context(), "a", 0, order(0, 1)); !errors.Is(err, kerr.GroupAuthorizationFailed) {
		t.Fatalf("got %v", err)
	}
	if err := g.Commit(t.Context(), "a", 0, script.Offset{Topic: "nowhere"}); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Fatalf("got %v", err)
	}
	if n := len(g.log(t).Writes()); n != 0 {
		t.Fatalf("%d records", n)
	}
}

// TestKill: the region is gone for everybody, and comes back with its data.
func TestKill(t *testing.T) {
	g := start(t, Options{Brokers: 2})
	must(t, g.Commit(t.Context(), "a", 0, order(0, 1)))
	g.log(t)
	g.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := g.Commit(ctx, "a", 0, order(0, 2)); err == nil {
		t.Fatal("a dead region took a commit")
	}
	must(t, g.Restart(), g.Restart())
	must(t, g.Commit(t.Context(), "a", 0, order(0, 3)))
	if v, _ := g.log(t).Value(key("a", 0)); v.Offset != 3 {
		t.Fatalf("got %+v", v)
	}
	if n := len(g.log(t).Writes()); n != 2 {
		t.Fatalf("%d records, want 2: a dead region took a commit", n)
	}
}

// TestLostAnswer: the connection dies between the commit and its answer.
func TestLostAnswer(t *testing.T) {
	g := start(t, Options{})
	dropped := false
	g.Cluster().ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		dropped = true
		g.Cluster().DropControl()
		go g.KillBroker(0)
		return nil, nil, false
	})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	first := g.Commit(ctx, "a", 0, order(0, 1))
	must(t, g.Restart())
	must(t, g.Commit(t.Context(), "a", 0, order(1, 2)))
	if !dropped {
		t.Fatal("nothing was dropped")
	}
	_, logged := g.log(t).Value(key("a", 0))
	_, stored := g.Cluster().GroupInfo("a").Commits["orders"][0]
	if logged != stored || (first == nil && !logged) {
		t.Fatalf("the log has it: %v, the broker has it: %v, the client heard %v", logged, stored, first)
	}
}

// TestTransactionTimeout: an abandoned transaction blocks the stable offset until the broker aborts it.
func TestTransactionTimeout(t *testing.T) {
	g := start(t, Options{})
	tx, err := g.Producer(t.Context(), "t", time.Second, false)
	must(t, err)
	must(t, tx.Commit(t.Context(), "a", order(0, 1)), g.Commit(t.Context(), "a", 0, order(1, 2)))
	info := g.Cluster().PartitionInfo(offsetsTopic, PartitionFor("a", 8))
	if info.LastStableOffset != 0 || info.HighWatermark != 2 {
		t.Fatalf("stable %d, end %d, want 0 and 2", info.LastStableOffset, info.HighWatermark)
	}
	until(t, func() bool { _, aborted := g.log(t).Pending(); return aborted == 1 })
	if _, ok := g.log(t).Value(key("a", 0)); ok {
		t.Fatal("an aborted commit counts")
	}
}

// until waits for a condition.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
		select {
		case <-t.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestRealConsumers joins with a real client by either protocol and lets its session end by itself.
func TestRealConsumers(t *testing.T) {
	for _, next := range []bool{false, true} {
		t.Run(fmt.Sprintf("kip848=%v", next), func(t *testing.T) {
			g := start(t, Options{Configs: map[string]string{"group.consumer.heartbeat.interval.ms": "100"}})
			opts := []kgo.Opt{kgo.ConsumerGroup("g"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit()}
			ctx := t.Context()
			if next {
				//lint:ignore SA1029 franz-go looks it up under this name
				ctx = context.WithValue(ctx, "opt_in_kafka_next_gen_balancer_beta", true)
			}
			cl, err := kgo.NewClient(append(g.KgoOpts(), append(opts, kgo.WithContext(ctx))...)...)
			must(t, err)
			defer cl.Close()
			until(t, func() bool { return g.log(t).Members("g") == 1 })
			if got := g.Cluster().GroupInfo("g"); len(got.Members) != 1 {
				t.Fatalf("%+v", got)
			}
			if err := g.Commit(t.Context(), "g", time.Hour, order(0, 1)); !errors.Is(err, kerr.UnknownMemberID) {
				t.Fatalf("a living group took a commit from outside: %v", err)
			}
			var kinds []int16
			for k := range g.log(t).Skipped() {
				kinds = append(kinds, k)
			}
			if (len(kinds) > 0) != next {
				t.Errorf("KIP-848 records of types %v", kinds)
			}
			must(t, cl.LeaveGroupContext(t.Context()))
			until(t, func() bool { return g.log(t).Members("g") == 0 })
			must(t, g.Commit(t.Context(), "g", time.Hour, order(0, 1)))
		})
	}
}

// TestFakeTime: an hour passes in a bubble.
func TestFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(Network)
		west, err := Start(Options{Name: "west", Brokers: 2, Network: network})
		must(t, err)
		defer west.Close()
		east, err := Start(Options{Name: "east", Network: network})
		must(t, err)
		defer east.Close()
		for _, r := range []*Region{west, east} {
			must(t, r.Cluster().CreateTopic("orders", 4, nil))
			cl, err := script.Dial(r.KgoOpts()...)
			must(t, err)
			must(t, cl.Commit(t.Context(), "a", 0, order(0, 1)))
			m, err := cl.JoinClassic(t.Context(), "g", "orders")
			must(t, err)
			if err := cl.Commit(t.Context(), "g", 0, order(0, 2)); !errors.Is(err, kerr.UnknownMemberID) {
				t.Fatalf("a living group took a commit from outside: %v", err)
			}
			defer cl.Close()
			defer func() { must(t, cl.Commit(t.Context(), "g", 0, order(0, 2))) }()
			_ = m
		}
		time.Sleep(time.Hour) // fake: the members' sessions are over by then
	})
}

// TestOldBroker: a region that speaks only what Kafka 2.8 does.
func TestOldBroker(t *testing.T) {
	g := start(t, Options{ValueVersion: 3, Kfake: []kfake.Opt{kfake.MaxVersions(kversion.V2_8_0())}})
	tx, err := g.Producer(t.Context(), "t", time.Minute, false)
	must(t, err, g.Commit(t.Context(), "a", time.Hour, order(0, 1)))
	must(t, tx.Commit(t.Context(), "a", order(1, 2)))
	must(t, tx.End(t.Context(), true))
	m, err := g.JoinClassic(t.Context(), "a", "orders")
	must(t, err)
	must(t, m.Commit(t.Context(), order(2, 3)))
	for p := range int32(3) {
		if v, ok := g.log(t).Value(key("a", p)); !ok || v.Offset != int64(p)+1 {
			t.Errorf("%d: %+v", p, v)
		}
	}
	if n := g.log(t).Members("a"); n != 1 {
		t.Errorf("%d members, want 1", n)
	}
}

// TestDeletedTopic: its offsets go in every group, and a recreated topic has another id.
func TestDeletedTopic(t *testing.T) {
	g := start(t, Options{})
	must(t, g.CreateTopic(t.Context(), "gone", 1))
	gone := script.Offset{Topic: "gone", Offset: 9}
	must(t, g.Commit(t.Context(), "a", 0, gone, order(0, 1)), g.Commit(t.Context(), "b", 0, gone))
	first, _ := g.log(t).Value(judge.Key{Group: "a", Topic: "gone"})
	must(t, g.DeleteTopic(t.Context(), "gone"))
	for k, w := range g.log(t).Ledger() {
		if (w.Value == nil) != (k.Topic == "gone") {
			t.Errorf("%v: %+v", k, w.Value)
		}
	}
	must(t, g.CreateTopic(t.Context(), "gone", 1))
	must(t, g.Commit(t.Context(), "a", 0, gone))
	if second, _ := g.log(t).Value(judge.Key{Group: "a", Topic: "gone"}); second.TopicID == first.TopicID {
		t.Error("the recreated topic has the same id")
	}
}
