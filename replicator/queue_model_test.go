package replicator

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The queue against a list that is searched: the group that was sent longest ago is next, then the one that came first.
func TestQueueIsOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var waiting []*group // in the order in which they came
		idle := make([]*group, 12)
		for i := range idle {
			idle[i] = &group{name: fmt.Sprint(i)}
		}
		now := uint32(0)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				if len(idle) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(idle)-1).Draw(t, "who")
				g := idle[i]
				idle = slices.Delete(idle, i, i+1)
				waiting = append(waiting, g)
				q.put(g)
			},
			"take": func(t *rapid.T) {
				now += rapid.Uint32Range(0, 3).Draw(t, "ticks")
				var want *group
				for _, g := range waiting {
					if want == nil || g.sentAt < want.sentAt {
						want = g
					}
				}
				g := q.take()
				if g != want || g != nil && g.queued != 0 {
					t.Fatalf("took %+v, want %+v", g, want)
				}
				if g == nil {
					return
				}
				g.sentAt = now
				waiting = slices.DeleteFunc(waiting, func(x *group) bool { return x == g })
				idle = append(idle, g)
			},
			"": func(t *rapid.T) {
				if q.len() != len(waiting) {
					t.Fatalf("%d wait, want %d", q.len(), len(waiting))
				}
			},
		})
	})
}

// crowd is a loop with many groups, little room, and a secondary that answers when and what it likes. Checked at each request:
//
//  1. its group has no other in flight, and may be written
//  2. it carries the newest commit of each partition that is due
//  3. no other group in the same queue that is due was sent longer ago
//
// and after each event: nothing that is due waits while there is room for it. In the end everything is written, nobody is queued
// or counted as in flight.
type crowd struct {
	*bench
	rt     *rapid.T
	newest map[Key]int64
	sent   map[*group]int // when its newest request left, in tenths of a second
	echoes []Change       // written, not yet read from the secondary's log
}

const crowded = 8 // groups

func (c *crowd) group(i int) *group { return c.l.group(fmt.Sprint("g", i)) }

// due are the partitions of a group that hold something else than the newest commit, and may be written now.
func (c *crowd) due(g *group) (all []Key) {
	if g.inFlight || !mayWrite(g.verdict.Kind) {
		return nil
	}
	g.each(func(r *row) {
		written := r.held.state == present && r.held.offset == c.newest[r.key()]
		if !written && (r.failed == NoReason || r.retryAt() <= c.now.UnixMilli()) {
			all = append(all, r.key())
		}
	})
	return all
}

func (c *crowd) launch(_ context.Context, g *group, a Admitted) {
	if slices.ContainsFunc(c.flying, func(f flight) bool { return f.g == g }) {
		c.rt.Fatalf("%s has two requests in flight", g.name)
	}
	if !mayWrite(g.verdict.Kind) {
		c.rt.Fatalf("%s is held", g.name)
	}
	g.inFlight = false // as it was when it was taken
	want := c.due(g)
	g.inFlight = true
	var got []Key
	for _, o := range a.Offsets() {
		if got = append(got, o.Key); o.Offset != c.newest[o.Key] {
			c.rt.Fatalf("%v: %d, the newest is %d", o.Key, o.Offset, c.newest[o.Key])
		}
	}
	for _, k := range want {
		if !slices.Contains(got, k) {
			c.rt.Fatalf("%v is due and not in the request %v", k, got)
		}
	}
	was := c.sent[g]
	c.sent[g] = 1 + int(c.now.UnixMilli()-benchStart)/100
	for i := range crowded {
		if other := c.group(i); other != g && other.troubled() == g.troubled() && c.sent[other] < was && len(c.due(other)) > 0 {
			c.rt.Fatalf("%s, sent at %d, goes before %s, sent at %d", g.name, was, other.name, c.sent[other])
		}
	}
	c.flying = append(c.flying, flight{g, a})
}

// answer takes a request off the wire. logFirst: its entries are read from the log before that.
func (c *crowd) answer(i int, o Outcome, logFirst bool) {
	f := c.flying[i]
	c.flying = slices.Delete(c.flying, i, i+1)
	var outcomes []Outcome
	for _, x := range f.a.Offsets() {
		outcomes = append(outcomes, o)
		if o == Written {
			c.echoes = append(c.echoes, Change{Commit: Commit{Key: x.Key, Offset: x.Offset, LeaderEpoch: -1, Retention: f.a.Retention().Milliseconds()}})
		}
	}
	if logFirst {
		c.echo()
	}
	c.l.answered(sent{f.g, f.a, Result{Outcomes: outcomes}})
	c.l.flow(context.Background())
}

func (c *crowd) echo() {
	c.put(Secondary, c.echoes...)
	c.echoes = nil
}

func (c *crowd) wait(d time.Duration) {
	c.now = c.now.Add(d)
	c.l.retryDue()
	c.l.flow(context.Background())
}

// check is what holds after each event.
func (c *crowd) check() {
	troubled := 0
	for _, f := range c.flying {
		if !f.g.inFlight {
			c.rt.Fatalf("%s is in flight, and does not know it", f.g.name)
		}
		if f.g.troubled() {
			troubled++
		}
	}
	if len(c.flying) != c.l.inFlight || troubled != c.l.inTrouble || len(c.flying) > c.l.opt.MaxInFlight {
		c.rt.Fatalf("%d in flight, %d of them troubled: the loop counts %d and %d", len(c.flying), troubled, c.l.inFlight, c.l.inTrouble)
	}
	if err := c.l.misplaced(); err != nil {
		c.rt.Fatal(err)
	}
	for i := range crowded {
		g := c.group(i)
		room := c.l.inFlight < c.l.pace.room && (!g.troubled() || c.l.inTrouble < c.l.pace.troubled())
		if due := c.due(g); len(due) > 0 && (room || g.queued == 0) {
			c.rt.Fatalf("%s waits for %v, room: %t, queued: %d", g.name, due, room, g.queued)
		}
	}
}

// misplaced finds a group that is queued with nothing to plan, or the other way round, or in the wrong queue.
func (l *Loop) misplaced() error {
	in := map[*group]int{}
	for i, q := range []queue{l.queue, l.troubled} {
		for _, g := range q.line {
			if in[g]++; in[g] > 1 || g.queued == 0 || g.troubled() != (i == 1) {
				return fmt.Errorf("%s: in line %d, fails %d, queued %d, seen %d times", g.name, i, g.fails, g.queued, in[g])
			}
		}
	}
	for _, g := range l.table.groups {
		want := l.writable() && !g.inFlight && g.hasTurn()
		if want != (in[g] > 0) || want != (g.queued > 0) {
			return fmt.Errorf("%s: in flight %t, %d dirty, queued %d, in %d lines", g.name, g.inFlight, len(g.dirty), g.queued, in[g])
		}
		dirty := 0
		g.each(func(r *row) {
			if r.has(rowDirty) {
				dirty++
			}
		})
		if dirty != len(g.dirty) {
			return fmt.Errorf("%s: %d rows are dirty, %d listed", g.name, dirty, len(g.dirty))
		}
	}
	return nil
}

// rest lets everything be answered and read.
func (c *crowd) rest() {
	for i := range crowded {
		if g := c.group(i); g.verdict.Kind == VerdictHandedOver {
			if _, err := c.l.reclaim(g.name, "test"); err != nil {
				c.rt.Fatal(err)
			}
		}
	}
	for range 50 {
		c.wait(6 * time.Second)
		for len(c.flying) > 0 {
			c.answer(0, Written, false)
			c.check()
		}
		c.echo()
	}
	for k, u := range c.newest {
		if r := c.l.known(k); r.held.state != present || r.held.offset != u || r.has(rowDirty|rowSending|rowAwaiting) || r.reason != NoReason {
			c.rt.Fatalf("%v: want %d, have %+v", k, u, r)
		}
	}
	if c.l.inFlight != 0 || c.l.inTrouble != 0 || c.l.queue.len() != 0 || c.l.troubled.len() != 0 || len(c.l.retry) != 0 {
		c.rt.Fatalf("at rest: in flight %d, troubled %d, queued %d and %d, to be tried again %d",
			c.l.inFlight, c.l.inTrouble, c.l.queue.len(), c.l.troubled.len(), len(c.l.retry))
	}
}

func TestWhatIsDueIsSent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		room := rapid.IntRange(1, 6).Draw(rt, "room")
		c := &crowd{bench: newBench(t, func(o *Options) { o.MaxInFlight = room }), rt: rt, newest: map[Key]int64{}, sent: map[*group]int{}}
		c.l.launch = c.launch
		late := rapid.Bool().Draw(rt, "catches up late") // commits are read before the secondary is
		if !late {
			c.put(Secondary)
		}
		whose := func() string { return fmt.Sprint("g", rapid.IntRange(0, crowded-1).Draw(rt, "group")) }
		rt.Repeat(map[string]func(*rapid.T){
			"commit": func(*rapid.T) {
				var all []Change
				for range rapid.IntRange(1, 6).Draw(rt, "commits") {
					k := Key{whose(), "t", rapid.Int32Range(0, 2).Draw(rt, "partition")}
					c.newest[k] = rapid.Int64Range(0, 20).Draw(rt, "offset")
					all = append(all, Change{Commit: Commit{Key: k, Offset: c.newest[k], LeaderEpoch: 5}})
				}
				c.put(Primary, all...)
			},
			"answer": func(rt *rapid.T) {
				if len(c.flying) == 0 {
					rt.Skip()
				}
				o := rapid.SampledFrom([]Outcome{Written, Written, Written, Unanswered, Unanswered, RefusedMissing, RefusedAccess}).Draw(rt, "outcome")
				c.answer(rapid.IntRange(0, len(c.flying)-1).Draw(rt, "which"), o, rapid.Bool().Draw(rt, "log first"))
			},
			"lost": func(rt *rapid.T) { // a broker is away for a while
				for range rapid.IntRange(1, 10).Draw(rt, "requests") {
					if len(c.flying) > 0 {
						c.answer(0, Unanswered, false)
					}
				}
			},
			"echo":  func(*rapid.T) { c.echo(); late = false },
			"wait":  func(*rapid.T) { c.wait(time.Duration(rapid.IntRange(1, 4000).Draw(rt, "ms")) * time.Millisecond) },
			"sweep": func(*rapid.T) { c.l.takeTick(); c.l.flow(context.Background()) },
			"corrected": func(*rapid.T) {
				c.l.Notify(Advance{Topic: "t", Partition: -1, All: true})
				c.l.takeAdvances()
				c.l.flow(context.Background())
			},
			"hand over": func(rt *rapid.T) {
				if _, err := c.l.handOver(whose(), "test"); err != nil {
					rt.Skip()
				}
				c.l.flow(context.Background())
			},
			"reclaim": func(rt *rapid.T) {
				if _, err := c.l.reclaim(whose(), "test"); err != nil {
					rt.Skip()
				}
				c.l.flow(context.Background())
			},
			"": func(*rapid.T) {
				if !late {
					c.check()
				}
			},
		})
		c.echo()
		c.rest()
	})
}
