package replicator

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func commitOf(group string, offset int64) Change {
	return Change{Commit: Commit{Key: Key{group, "t", 0}, Offset: offset, LeaderEpoch: 5}}
}

// land answers the oldest request in flight, and lets the loop send what is next.
func (b *bench) land(o Outcome) (group string) {
	b.t.Helper()
	if len(b.flying) == 0 {
		b.t.Fatal("nothing in flight")
	}
	f := b.flying[0]
	b.flying = b.flying[1:]
	outcomes := make([]Outcome, len(f.a.Offsets()))
	for i := range outcomes {
		outcomes[i] = o
	}
	b.l.answered(sent{f.g, f.a, Result{Outcomes: outcomes}})
	b.l.flow(context.Background())
	return f.a.Group()
}

// A thousand groups commit all the time over a line that takes four at a time. A group that commits once is next, or nearly.
func TestQuietGroupDoesNotWaitBehindBusyOnes(t *testing.T) {
	const busy, room = 1000, 4
	b := newBench(t, func(o *Options) { o.MaxInFlight = room })
	b.put(Secondary)
	everybody := func(offset int64) {
		var all []Change
		for i := range busy {
			all = append(all, commitOf(fmt.Sprint("busy-", i), offset))
		}
		b.put(Primary, all...)
	}
	everybody(1)
	for range busy {
		b.now = b.now.Add(time.Millisecond / 2)
		b.land(Written)
	}
	everybody(2)
	if n := b.l.queue.len(); n < busy-2*room {
		t.Fatalf("only %d wait: the test shows nothing", n)
	}
	b.put(Primary, commitOf("quiet", 1))
	for n := 1; ; n++ {
		if g := b.land(Written); g == "quiet" {
			break
		}
		if n > room+1 {
			t.Fatalf("not among the next %d requests", n)
		}
	}
}

// Whoever overtakes does so once: a group that commits all the time is served when each of the others was.
func TestBusyGroupsAreServedBesideQuietOnes(t *testing.T) {
	const quiet = 50
	b := newBench(t, func(o *Options) { o.MaxInFlight = 1 })
	b.put(Secondary)
	b.put(Primary, commitOf("busy", 1))
	b.land(Written)
	b.put(Primary, commitOf("blocker", 1))
	b.put(Primary, commitOf("busy", 2))
	for n := 0; ; n++ { // each time there is one more of them, and those that were served commit again
		b.now = b.now.Add(10 * time.Second)
		for i := range min(n, quiet) {
			b.put(Primary, commitOf(fmt.Sprint("quiet-", i), int64(n)))
		}
		if b.land(Written) == "busy" {
			break
		}
		if n > quiet+1 {
			t.Fatalf("not among the next %d requests", n)
		}
	}
}

// Groups of a broker that does not answer leave most of the room to the others.
func TestTroubledGroupsLeaveRoom(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxInFlight = 16 })
	b.put(Secondary)
	for i := range 100 {
		b.put(Primary, commitOf(fmt.Sprint("lost-", i), 1))
	}
	for range 300 {
		for len(b.flying) > 0 {
			b.land(Unanswered)
		}
		b.now = b.now.Add(time.Second)
		b.l.retryDue()
		b.l.flow(context.Background())
	}
	if len(b.flying) == 0 || len(b.flying) > b.l.pace.troubled() {
		t.Fatalf("%d requests of troubled groups in flight, room for %d", len(b.flying), b.l.pace.troubled())
	}
	if b.l.pace.room != 16 {
		t.Errorf("the room shrank to %d: known trouble is no reason", b.l.pace.room)
	}
	for name, g := range b.l.table.groups { // those that wait for a try say why, however long that takes
		if e := b.l.entry(b.l.known(Key{name, "t", 0})); !g.inFlight && e.Reason != Unreachable {
			t.Fatalf("%s: %+v", name, e)
		}
	}
	was := len(b.flying)
	b.put(Primary, commitOf("well", 1))
	if len(b.flying) != was+1 {
		t.Fatal("a healthy group waits")
	}
	for i := 0; i < 1000 && b.l.table.groups["lost-99"].fails > 0; i++ { // all of them get their turn in the end
		for len(b.flying) > 0 {
			b.land(Written)
		}
		b.now = b.now.Add(time.Second)
		b.l.retryDue()
		b.l.flow(context.Background())
	}
	for name, g := range b.l.table.groups {
		if g.fails > 0 || len(g.dirty) > 0 {
			t.Fatalf("%s was left behind", name)
		}
	}
	if b.l.inTrouble != 0 || b.l.inFlight != 0 {
		t.Fatalf("%d troubled of %d in flight", b.l.inTrouble, b.l.inFlight)
	}
}

// A group that another process owns is not written, and not forgotten either: it may be ours later.
func TestNotOwnerIsLookedAtAgain(t *testing.T) {
	mine := false
	b := newBench(t, func(o *Options) { o.Owner = func(string) bool { return mine } })
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.quiet()
	mine = true
	b.l.takeTick()
	b.l.flow(context.Background())
	if o := b.answer(true); o.Offset != 5 {
		t.Fatalf("wrote %d", o.Offset)
	}
}

// When a broker is back its groups do not trickle through a quarter of the room.
func TestTroubledGroupsRecoverFast(t *testing.T) {
	const groups, room = 1000, 64
	b := newBench(t, func(o *Options) { o.MaxInFlight = room })
	b.put(Secondary)
	var all []Change
	for i := range groups {
		all = append(all, commitOf(fmt.Sprint("g", i), 1))
	}
	b.put(Primary, all...)
	for _, g := range b.l.table.groups {
		if g.queued > 0 && !g.inFlight { // as after two requests that were lost
			g.fails = 2
		}
	}
	for g := b.l.queue.take(); g != nil; g = b.l.queue.take() {
		b.l.enqueue(g)
	}
	rounds := 0
	for ; b.l.inFlight > 0; rounds++ {
		for range len(b.flying) {
			b.land(Written)
		}
	}
	if n := b.l.counters.Written; n != groups {
		t.Fatalf("%d written", n)
	}
	if rounds > 30 {
		t.Fatalf("%d rounds for %d groups and room for %d", rounds, groups, room)
	}
}
