package mm2

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/kafka"
)

func TestMain(m *testing.M) { rig.Main(m) }

const syncsName = "mm2-offset-syncs.east.internal"

// bench runs a Syncs over a fake cluster, in fake time.
type bench struct {
	t     *testing.T
	c     *fakeCluster
	syncs *Syncs
	got   []Sync
	stop  context.CancelFunc
	err   error
	ended bool
}

func start(t *testing.T, c *fakeCluster, from Position) *bench {
	b := &bench{t: t, c: c}
	b.syncs = newSyncs(c, SyncsOptions{Topic: syncsName, From: from, Out: func(topic string, p int32, up, down int64) {
		b.got = append(b.got, Sync{topic, p, up, down})
	}})
	ctx, cancel := context.WithCancel(t.Context())
	b.stop = cancel
	go func() {
		b.err = b.syncs.Run(ctx)
		b.ended = true
	}()
	b.settle(0)
	return b
}

// settle lets d of fake time pass, until everything waits.
func (b *bench) settle(d time.Duration) { time.Sleep(d); synctest.Wait() }

func (b *bench) end() {
	b.stop()
	synctest.Wait()
	if !b.ended || !errors.Is(b.err, context.Canceled) {
		b.t.Errorf("Run ended %v with %v", b.ended, b.err)
	}
}

func (b *bench) want(up bool, upstream ...int64) {
	b.t.Helper()
	var got []int64
	for _, s := range b.got {
		got = append(got, s.Upstream)
	}
	if !slices.Equal(got, upstream) {
		b.t.Errorf("got syncs of %v, want %v", got, upstream)
	}
	if b.syncs.CaughtUp() != up {
		b.t.Errorf("caught up is not %v: %+v", up, b.syncs.State())
	}
}

func (b *bench) wantProblem(parts ...string) {
	b.t.Helper()
	problem := b.syncs.State().Problem
	if len(parts) == 0 && problem != "" {
		b.t.Errorf("problem %q", problem)
	}
	for _, p := range parts {
		if !strings.Contains(problem, p) {
			b.t.Errorf("problem %q does not say %q", problem, p)
		}
	}
}

func (c *fakeCluster) sync(up ...int64) {
	for _, u := range up {
		c.put(syncsName, 0, syncRecord("orders", 0, u, u+1))
	}
}

func run(t *testing.T, f func(*testing.T, *fakeCluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := newFake()
		c.create(syncsName, 1, 1)
		f(t, c)
	})
}

func TestSyncsReadAndFollowed(t *testing.T) {
	run(t, func(t *testing.T, c *fakeCluster) {
		c.sync(1, 2, 3, 4, 5)
		c.put(syncsName, 0, kafka.Record{Key: []byte("k")}) // a tombstone says nothing
		b := start(t, c, Position{})
		b.want(true, 1, 2, 3, 4, 5)
		c.sync(6)
		b.settle(0)
		b.want(true, 1, 2, 3, 4, 5, 6)
		if p, ok := b.syncs.Position(); !ok || p != (Position{[16]byte{1}, 7}) {
			t.Errorf("position %+v %v", p, ok)
		}
		if s := b.syncs.State(); s.Records != 6 || s.Malformed != 0 || s.Restarts != 0 || !s.Exists || s.Error != nil || s.Topic != syncsName {
			t.Errorf("state %+v", s)
		}
		b.wantProblem()
		b.end()
	})
}

func TestSyncsFromAPosition(t *testing.T) {
	for name, c := range map[string]struct {
		from     Position
		change   func(*fakeCluster)
		want     []int64
		restarts int
	}{
		"goes on":         {from: Position{[16]byte{1}, 3}, want: []int64{4, 5}},
		"nothing new":     {from: Position{[16]byte{1}, 5}},
		"recreated":       {from: Position{[16]byte{9}, 3}, want: []int64{1, 2, 3, 4, 5}, restarts: 1},
		"cut":             {from: Position{[16]byte{1}, 99}, want: []int64{1, 2, 3, 4, 5}, restarts: 1},
		"no ids":          {from: Position{Next: 3}, want: []int64{4, 5}},
		"log start moved": {from: Position{[16]byte{1}, 1}, change: func(c *fakeCluster) { c.topics[syncsName].parts[0].start = 3 }, want: []int64{4, 5}, restarts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, f *fakeCluster) {
				f.sync(1, 2, 3, 4, 5)
				if c.change != nil {
					f.edit(func() { c.change(f) })
				}
				b := start(t, f, c.from)
				b.want(true, c.want...)
				if s := b.syncs.State(); s.Restarts != c.restarts {
					t.Errorf("state %+v", s)
				}
				if p, ok := b.syncs.Position(); !ok || p != (Position{[16]byte{1}, 5}) {
					t.Errorf("position %+v %v", p, ok)
				}
				b.end()
			})
		})
	}
}

// TestSyncsThroughTrouble: a topic that does not exist yet, a cluster that is down, a topic that is deleted, and comes back.
func TestSyncsThroughTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFake()
		c.down = errDown
		b := start(t, c, Position{})
		b.settle(10 * time.Second)
		b.want(false)
		if s := b.syncs.State(); !errors.Is(s.Error, errDown) {
			t.Errorf("state %+v", s)
		}
		c.edit(func() { c.down = nil })
		b.settle(2 * time.Second)
		b.want(false) // two answers are not believed
		b.settle(3 * time.Second)
		b.want(true)
		b.wantProblem("there is no topic")
		c.create(syncsName, 1, 1)
		c.sync(1, 2)
		b.settle(2 * time.Second)
		b.want(true, 1, 2)
		b.wantProblem()

		c.edit(func() { delete(c.topics, syncsName) })
		b.settle(5 * time.Second)
		b.wantProblem(syncsName+" was deleted", "Try: ")
		if s := b.syncs.State(); s.Exists {
			t.Errorf("state %+v", s)
		}
		c.create(syncsName, 2, 1)
		c.sync(8)
		b.settle(2 * time.Second)
		b.want(true, 1, 2, 8)
		b.wantProblem()

		c.create(syncsName, 3, 1) // between two looks
		c.sync(9)
		b.settle(2 * time.Second)
		b.want(true, 1, 2, 8, 9)
		if s := b.syncs.State(); s.Restarts != 2 || !s.Exists {
			t.Errorf("state %+v", s)
		}
		b.end()
	})
}

// TestSyncsLosePlace: cut below the position, and deleted from the front past it, while reading.
func TestSyncsLosePlace(t *testing.T) {
	run(t, func(t *testing.T, c *fakeCluster) {
		c.sync(1, 2, 3)
		b := start(t, c, Position{})
		c.edit(func() {
			l := c.topics[syncsName].parts[0]
			l.records, l.end = l.records[:1], 1
			l.records[0].Value = syncRecord("orders", 0, 7, 8).Value
		})
		b.settle(2 * time.Second)
		b.want(true, 1, 2, 3, 7)
		c.edit(func() {
			l := c.topics[syncsName].parts[0]
			l.start, l.end, l.records = 50, 50, nil
		})
		c.sync(20)
		b.settle(2 * time.Second)
		b.want(true, 1, 2, 3, 7, 20)
		if s := b.syncs.State(); s.Restarts != 2 || s.Error != nil {
			t.Errorf("state %+v", s)
		}
		c.edit(func() { c.topics[syncsName].parts[0].fail = kafka.ErrUnauthorized })
		c.sync(21)
		b.settle(3 * time.Second)
		if s := b.syncs.State(); !errors.Is(s.Error, kafka.ErrUnauthorized) {
			t.Errorf("state %+v", s)
		}
		c.edit(func() { c.topics[syncsName].parts[0].fail = nil })
		b.settle(3 * time.Second)
		b.want(true, 1, 2, 3, 7, 20, 21)
		if s := b.syncs.State(); s.Error != nil {
			t.Errorf("state %+v", s)
		}
		b.end()
	})
}

// TestNotASyncsTopic: nothing is used of a topic that is mostly something else, whatever comes first in it.
func TestNotASyncsTopic(t *testing.T) {
	run(t, func(t *testing.T, c *fakeCluster) {
		c.sync(1, 2)
		for range 200 {
			c.put(syncsName, 0, junk("a customer"))
		}
		c.sync(3)
		b := start(t, c, Position{})
		b.want(true)
		b.wantProblem(syncsName+" is not an offset-syncs topic: 200 of 203 records do not decode", "(key: topic: ", ". Try: ")
		if _, ok := b.syncs.Position(); ok {
			t.Error("a position in a topic that is not believed")
		}
		b.end()
	})
}

// TestSomeJunk: the rest is used, and it is said.
func TestSomeJunk(t *testing.T) {
	run(t, func(t *testing.T, c *fakeCluster) {
		c.put(syncsName, 0, junk("x"))
		c.sync(1, 2)
		b := start(t, c, Position{})
		b.want(true, 1, 2)
		b.wantProblem("1 of 3 records", "left out")
		b.end()
	})
	run(t, func(t *testing.T, c *fakeCluster) { // the first thing seen after a saved position, and then syncs again
		c.sync(1)
		c.put(syncsName, 0, junk("x"))
		b := start(t, c, Position{[16]byte{1}, 1})
		b.wantProblem("is not an offset-syncs topic")
		c.sync(2, 3)
		b.settle(0)
		b.want(true, 2, 3)
		b.wantProblem("1 of 3 records")
		b.end()
	})
}
