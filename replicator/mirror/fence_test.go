package mirror

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// A fence leaves nothing on the wire: what the secondary acknowledges late would land between the records of its own producers.
func TestFenceLeavesNothingOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(unique)
		w.p.inbox.wake, w.p.now = make(chan struct{}, 1), time.Now
		w.write(9, data)
		going, fence := context.WithCancel(t.Context())
		ended := false
		go func() { w.p.loop(t.Context(), going); ended = true }()
		synctest.Wait()
		for w.feed.deliver(w.p) {
			synctest.Wait()
		}
		if len(w.wire.requests) == 0 {
			t.Fatal("nothing is on the wire")
		}
		fence()
		synctest.Wait()
		w.write(5, data)
		if w.feed.deliver(w.p) {
			t.Error("still fetches")
		}
		w.p.inbox.fetch(delivery{Fetched: w.primary.fetch(9), generation: 1}) // was on its way
		for {
			synctest.Wait()
			if len(w.wire.requests)+len(w.wire.answers) == 0 {
				break
			}
			if ended {
				t.Fatalf("ended with %d batches on the wire", len(w.wire.requests)+len(w.wire.answers))
			}
			if !w.wire.arrive(w.second) {
				w.wire.respond()
			}
		}
		if front, _ := w.index.Frontier(); !ended || w.second.end() != 9 || front.Primary != 9 || front.Secondary != 9 {
			t.Errorf("ended %v, the secondary ends at %d, the frontier is %+v", ended, w.second.end(), front)
		}
	})
}

// A fence that comes while both sides are compared ends at once: nothing is on the wire then, and nothing may get there.
func TestFenceWhileComparing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(unique)
		w.p.inbox.wake, w.p.now = make(chan struct{}, 1), time.Now
		w.write(9, data)
		w.primary.down = true
		going, fence := context.WithCancel(t.Context())
		ended := false
		go func() { w.p.loop(t.Context(), going); ended = true }()
		synctest.Wait()
		fence()
		synctest.Wait()
		if !ended || w.feed.on || w.p.sends.Load() > 0 {
			t.Errorf("ended %v, fetches %v, sent %d", ended, w.feed.on, w.p.sends.Load())
		}
	})
}

// Topics are fenced and let go while the mirror finds them, starts, and restarts them. Behind a fence the secondary never moves.
func TestFenceAnyTime(t *testing.T) {
	g := embedded(t)
	var topics []string
	for i := range 4 {
		topics = append(topics, fmt.Sprintf("%s-%d", rig.Name(t, "any"), i))
	}
	for _, topic := range topics {
		g.create(t, replicator.Primary, topic, 2, nil)
		g.produce(t, replicator.Primary, topic, 0, 200)
	}
	r := g.mirror(t, t.TempDir(), topics...)
	written := 200
	for round := range 12 {
		if err := r.Fence(t.Context(), topics); err != nil {
			t.Fatal(err)
		}
		was := g.ends(t, topics)
		g.produce(t, replicator.Primary, topics[round%len(topics)], written, 50)
		written += 50
		if now := g.ends(t, topics); now != was {
			t.Fatalf("round %d: behind the fence the secondary went from %s to %s", round, was, now)
		}
		if m := r.Forward(topics[0], [16]byte{}, 0, 1); m.Reason != replicator.HandedOver {
			t.Fatalf("round %d: a fenced topic answers %+v", round, m)
		}
		r.Unfence(topics)
	}
	for _, topic := range topics {
		g.settle(t, r, topic)
	}
	if len(r.Fenced()) > 0 {
		t.Error(r.Fenced())
	}
}

func (g *ground) ends(t testing.TB, topics []string) string {
	t.Helper()
	listed, err := g.admin(t, replicator.Secondary).ListEndOffsets(context.Background(), topics...)
	if err != nil && len(listed) == 0 {
		return ""
	}
	return fmt.Sprint(listed.KOffsets())
}

// On an empty disk, with the primary gone, nothing is known of a topic but that it was switched. That is an answer.
func TestFencedAndUnknown(t *testing.T) {
	x, err := checkpoint.Open(filepath.Join(t.TempDir(), "index.db"), checkpoint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	notified := 0
	s := New(Options{
		Index: x, Select: func(topic string) (string, bool) { return "west." + topic, true },
		Notify: func(replicator.Advance) { notified++ },
	})
	if err := s.Fence(t.Context(), []string{"orders"}); err != nil {
		t.Fatal(err)
	}
	if m := s.Forward("orders", [16]byte{}, 0, 7); m.Reason != replicator.HandedOver || m.Topic != "west.orders" {
		t.Errorf("%+v", m)
	}
	s.Unfence([]string{"orders"})
	if m := s.Forward("orders", [16]byte{}, 0, 7); m.Reason != replicator.TopicMissing {
		t.Errorf("%+v", m)
	}
	<-s.look
	was := notified
	s.Unfence(nil)
	if err := s.Fence(t.Context(), nil); err != nil || notified != was || len(s.look) > 0 {
		t.Errorf("nothing was fenced nor let go, and somebody was woken: %v, %d", err, notified-was)
	}
}
