package replicator

import (
	"testing"

	"github.com/leftoff/leftoff/translate"
)

func exact(d int64) Mapping {
	return Mapping{Topic: "t", Position: translate.Position{Offset: d, Confidence: translate.Exact}, Secondary: translate.Bounds{LogStart: 7, End: 1000}}
}

func with(c translate.Confidence, d int64) Mapping {
	m := exact(d)
	m.Position.Confidence, m.Position.Reread = c, -1
	return m
}

func pending(d int64) Mapping {
	m := with(translate.Floor, d)
	m.Pending = true
	return m
}

func TestDecide(t *testing.T) {
	own := Row{HasHeld: true, Ours: true, Stamped: true}
	ownAt := func(held, commit, basis int64) Row {
		r := own
		r.Held, r.Commit.Offset, r.Basis, r.HasBasis = held, commit, basis, basis >= 0
		return r
	}
	never, keep, overwrite, hold := DefaultPolicy(), DefaultPolicy(), DefaultPolicy(), DefaultPolicy()
	never.Rewind, keep.FirstContact, overwrite.FirstContact, hold.Unmapped = "never", "keep", "overwrite", "hold"

	for _, c := range []struct {
		name   string
		row    Row
		m      Mapping
		p      Policy
		write  bool
		offset int64
		reason Reason
	}{
		{"nothing there yet", Row{}, exact(0), DefaultPolicy(), true, 0, NoReason},
		{"forward", ownAt(10, 20, 10), exact(20), DefaultPolicy(), true, 20, NoReason},
		{"in step", ownAt(20, 20, 20), exact(20), DefaultPolicy(), false, 20, NoReason},
		{"in step, unstamped", Row{HasHeld: true, Ours: true, Held: 20}, exact(20), DefaultPolicy(), true, 20, NoReason},
		{"in step, expiring", Row{HasHeld: true, Ours: true, Stamped: true, Held: 20, Refresh: true}, exact(20), DefaultPolicy(), true, 20, NoReason},
		{"metadata only", Row{HasHeld: true, Ours: true, Stamped: true, Held: 20, Commit: Commit{Metadata: "m"}}, exact(20), DefaultPolicy(), true, 20, NoReason},
		{"metadata refused before", Row{HasHeld: true, Ours: true, Stamped: true, Held: 20, IgnoreMetadata: true, Commit: Commit{Metadata: "m"}}, exact(20), DefaultPolicy(), false, 20, NoReason},
		{"rewind followed", ownAt(20, 5, 20), exact(5), DefaultPolicy(), true, 5, NoReason},
		{"rewind never", ownAt(20, 5, 20), exact(5), never, false, 5, RewindNever},
		{"T fell: never does not protect a position ahead of T", ownAt(20, 25, 20), exact(15), never, true, 15, NoReason},
		{"rewind while leftoff was away", ownAt(20, 5, -1), exact(5), DefaultPolicy(), true, 5, NoReason},
		{"only a floor now, ours was proven", ownAt(20, 25, 20), with(translate.Floor, 12), DefaultPolicy(), false, 20, NoReason},
		{"only a floor now, nothing proven", ownAt(20, 25, -1), with(translate.Floor, 12), DefaultPolicy(), true, 12, NoReason},
		{"only a floor, and rewound", ownAt(20, 15, 20), with(translate.Floor, 12), DefaultPolicy(), true, 12, NoReason},
		{"behind is written", Row{}, with(translate.Behind, 12), DefaultPolicy(), true, 12, NoReason},
		{"unmapped starts at the log start", Row{}, with(translate.Unmapped, 0), DefaultPolicy(), true, 7, NoReason},
		{"unmapped held by policy", Row{}, with(translate.Unmapped, 0), hold, false, 0, Unmapped},
		{"unmapped keeps ours", ownAt(20, 25, 20), with(translate.Unmapped, 0), DefaultPolicy(), false, 0, Unmapped},
		{"unmapped and rewound", ownAt(20, 15, 20), with(translate.Unmapped, 0), DefaultPolicy(), true, 7, NoReason},
		{"unmapped over a foreign value", Row{HasHeld: true, Held: 3, Simple: true}, with(translate.Unmapped, 0), DefaultPolicy(), false, 0, Unmapped},
		{"another replicator's value", Row{HasHeld: true, Held: 3, Simple: true, Other: true}, exact(20), overwrite, false, 20, OtherReplicator},
		{"another replicator's value, reclaimed", Row{HasHeld: true, Held: 30, Simple: true, Other: true, Reclaimed: true}, exact(20), DefaultPolicy(), true, 20, NoReason},
		{"a better answer is on its way, and nothing is there: the floor", Row{}, pending(12), DefaultPolicy(), true, 12, NoReason},
		{"a better answer is on its way: ours is kept without a basis", ownAt(20, 25, -1), pending(12), DefaultPolicy(), false, 12, CatchingUp},
		{"a better answer is on its way, and the floor is higher", ownAt(10, 25, -1), pending(12), DefaultPolicy(), true, 12, NoReason},
		{"topic missing", Row{}, Mapping{Reason: TopicMissing}, DefaultPolicy(), false, 0, TopicMissing},
		{"first contact, behind ours", Row{HasHeld: true, Held: 3, Simple: true}, exact(20), DefaultPolicy(), true, 20, NoReason},
		{"first contact, equal: adopted, for the stamp", Row{HasHeld: true, Held: 20, Simple: true}, exact(20), DefaultPolicy(), true, 20, NoReason},
		{"first contact, ahead", Row{HasHeld: true, Held: 30, Simple: true}, exact(20), DefaultPolicy(), false, 20, AheadOnSecondary},
		{"first contact, a consumer's", Row{HasHeld: true, Held: 3}, exact(20), DefaultPolicy(), false, 20, ForeignValue},
		{"first contact, keep", Row{HasHeld: true, Held: 3, Simple: true}, exact(20), keep, false, 20, ForeignValue},
		{"first contact, overwrite", Row{HasHeld: true, Held: 30}, exact(20), overwrite, true, 20, NoReason},
		{"reclaimed", Row{HasHeld: true, Held: 30, Reclaimed: true}, exact(20), DefaultPolicy(), true, 20, NoReason},
		{"live", Row{Live: true, Verdict: VerdictTakenOver}, exact(20), DefaultPolicy(), false, 20, GroupLive},
		{"taken over", Row{Verdict: VerdictTakenOver}, exact(20), overwrite, false, 20, TakenOver},
		{"handed over", Row{Verdict: VerdictHandedOver}, exact(20), DefaultPolicy(), false, 20, HandedOver},
		{"share group", Row{Share: true}, exact(20), DefaultPolicy(), false, 20, ShareGroupID},
		{"catching up", Row{CatchingUp: true}, exact(20), DefaultPolicy(), false, 20, CatchingUp},
		{"refused a moment ago", Row{Failed: Unauthorized}, exact(20), DefaultPolicy(), false, 20, Unauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := Decide(c.row, c.m, c.p)
			if e.Write != c.write || e.Reason != c.reason || e.Position.Offset != c.offset {
				t.Fatalf("got write %v at %d, reason %q; want %v at %d, %q", e.Write, e.Position.Offset, e.Reason, c.write, c.offset, c.reason)
			}
			if e.Write && e.Reason != NoReason {
				t.Fatal("an entry is written or it has a reason, never both")
			}
		})
	}
}
