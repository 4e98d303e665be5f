package replicator

import (
	"testing"
)

// settled is a group whose offset 5 was written.
func settled(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	return b
}

func (b *bench) is(want VerdictKind, what string) {
	b.t.Helper()
	if got := b.l.table.groups["g"].verdict.Kind; got != want {
		b.t.Fatalf("%s: the group is %q, want %q", what, got, want)
	}
}

// A group that was handed over, started on the secondary, and is empty again did start: nobody may turn that failover round and write
// over what it committed.
func TestHandedOverAndStarted(t *testing.T) {
	for what, evidence := range map[string][]Change{
		"it committed": {{Commit: Commit{Key: benchKey, Offset: 9, LeaderEpoch: 5}}},
		"it joined and left": {
			{Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup, Members: 1}},
			{Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup}},
		},
	} {
		b := settled(t)
		if _, err := b.l.handOver("g", "failover 1"); err != nil {
			t.Fatal(err)
		}
		b.is(VerdictHandedOver, what)
		if b.started() {
			t.Fatalf("%s: it has not yet", what)
		}
		b.put(Secondary, evidence...)
		if !b.started() {
			t.Fatalf("%s: that is no start", what)
		}
		b.put(Primary, committed(20))
		b.quiet()
	}
}

// What was seen before the hand-over is no start, also when the log is read again.
func TestHandedOverAfterItWasReclaimed(t *testing.T) {
	b := settled(t)
	joined := Change{Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup}}
	b.put(Secondary, joined)
	b.is(VerdictTakenOver, "joined")
	if _, err := b.l.reclaim("g", "mine"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.l.handOver("g", "failover 1"); err != nil {
		t.Fatal(err)
	}
	b.order[Secondary] = 0
	b.put(Secondary, joined)
	if b.is(VerdictHandedOver, "read again"); b.started() {
		t.Fatal("it started before it was handed over")
	}
	b.l.reclaim("g", "mine")
	if b.started() {
		t.Fatal("what was reclaimed has not started")
	}
}

func (b *bench) started() bool {
	g, _ := b.l.groupSnapshot(b.l.table.groups["g"], map[string]int32{})
	return g.Started
}

// Two machines' clocks differ: the order of the log decides, not what the clocks said.
func TestRecall(t *testing.T) {
	for _, c := range []struct {
		what          string
		here, there   VerdictKind
		hereAt, theAt int64
		news          bool
		want          VerdictKind
	}{
		{"nothing known here", NoVerdict, VerdictHandedOver, 0, 50, false, VerdictHandedOver},
		{"reclaimed elsewhere by a slow clock", VerdictHandedOver, VerdictReclaimed, 100, 50, true, VerdictReclaimed},
		{"read first, and older than ours", VerdictReclaimed, VerdictHandedOver, 100, 50, false, VerdictReclaimed},
		{"read first, and newer than ours", VerdictReclaimed, VerdictHandedOver, 50, 100, false, VerdictHandedOver},
		{"taken over here stays", VerdictTakenOver, VerdictHandedOver, 50, 100, true, VerdictTakenOver},
		{"reclaimed, of a group of ours", NoVerdict, VerdictReclaimed, 0, 100, true, NoVerdict},
	} {
		b := settled(t)
		b.l.table.groups["g"].verdict = Verdict{Kind: c.here, At: c.hereAt}
		b.l.recall("g", Verdict{Kind: c.there, At: c.theAt}, c.news)
		b.is(c.want, c.what)
	}
}

// A group that the configuration no longer selects is nobody's business, whatever the log says of it.
func TestRecallFiltered(t *testing.T) {
	told := 0
	b := newBench(t, func(o *Options) {
		o.SelectGroup = func(g string) bool { return g != "other" }
		o.Remember = func(string, Verdict) { told++ }
	})
	b.l.recall("other", Verdict{Kind: VerdictHandedOver, At: 1}, false)
	if g := b.l.table.groups["other"]; told > 0 || g != nil && g.verdict.Kind != NoVerdict {
		t.Errorf("told %d times, %+v", told, g)
	}
}

// A reclaim that is read on the secondary wants as little put back as one that is asked for here.
func TestRecalledGroupIsNotPutBack(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Secondary, Change{Commit: Commit{Key: benchKey, Offset: 3, LeaderEpoch: 7}}) // a consumer's
	b.l.repairs[b.l.known(benchKey)] = lostValue{value: value{offset: 3, state: present}}
	b.l.recall("g", Verdict{Kind: VerdictReclaimed, At: b.now.UnixMilli() + 1}, true)
	if len(b.l.repairs) != 0 {
		t.Fatalf("%+v", b.l.repairs)
	}
	b.l.flow(b.t.Context())
	if o := b.answer(true); o.Offset != 5 {
		t.Fatalf("wrote %d", o.Offset)
	}
}
