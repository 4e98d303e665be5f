package replicator

import "testing"

// The disk that knew of a reclaim is lost, and what is kept on the secondary says when it was: what consumers had committed there before is
// no take-over once more, and what they commit later is one.
func TestReclaimedBeforeTheDiskWasLost(t *testing.T) {
	evidence := map[string]Change{
		"committed": {Commit: Commit{Key: benchKey, Offset: 3, LeaderEpoch: 7}},
		"joined":    {Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup}},
	}
	for after, want := range map[int64]VerdictKind{-1: VerdictReclaimed, 0: VerdictReclaimed, 1: VerdictTakenOver} { // ms
		for what, change := range evidence {
			b := newBench(t, nil)
			b.l.recall("g", Verdict{Kind: VerdictReclaimed, At: b.now.UnixMilli() - after}, false)
			b.put(Secondary, change)
			b.is(want, what)
		}
	}
}
