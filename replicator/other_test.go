package replicator

import "testing"

// MirrorMaker 2 with sync.group.offsets.enabled writes over what leftoff wrote: that is no consumer, and the group stays
// leftoff's to write once the other one is turned off and a person says so.
func TestAnotherReplicatorIsNoTakeOver(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Other = func(string) bool { return true } })
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	theirs := committed(3)
	theirs.Commit.LeaderEpoch = -1
	b.put(Secondary, theirs)
	b.put(Primary, committed(9))
	b.quiet()
	g := b.l.snapshot(true).Groups[0]
	if e := g.Entries[0]; e.Reason != OtherReplicator || e.Written != 3 || g.Verdict != "" {
		t.Fatalf("entry %+v, verdict %q", e, g.Verdict)
	}
	if _, err := b.l.reclaim("g", "sync is off"); err != nil {
		t.Fatal(err)
	}
	b.l.flow(t.Context())
	if len(b.flying) != 1 || b.flying[0].a.Offsets()[0].Offset != 9 {
		t.Fatalf("not written after the reclaim: %+v", b.flying)
	}
}

// A consumer that joins ends that: the group is taken over, whatever else writes it.
func TestConsumerBesideAnotherReplicatorTakesOver(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Other = func(string) bool { return true } })
	b.put(Secondary, joined(0), committed(3))
	b.put(Primary, committed(9))
	b.quiet()
	if v := b.l.table.groups["g"].verdict.Kind; v != VerdictTakenOver {
		t.Fatalf("verdict %v", v)
	}
}
