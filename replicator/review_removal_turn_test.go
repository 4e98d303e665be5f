package replicator

import (
	"fmt"
	"testing"
)

// owed returns a bench whose group is owed the removal of u/0 while its commit of t/1 is in flight, and has committed again.
func owed(t *testing.T, mapper func(*bench) Mapper) *bench {
	b := newBench(t, func(o *Options) { o.Policy.Tombstones = "delete" })
	b.put(Secondary)
	b.put(Primary)
	b.put(Primary, Change{Commit: Commit{Key: Key{"g", "t", 1}, Offset: 7, LeaderEpoch: 5}})
	if len(b.flying) != 1 {
		t.Fatal("no commit in flight")
	}
	// The value to remove is known, its tombstone too: noticed with the answer.
	b.put(Secondary, Change{Commit: Commit{Key: Key{"g", "u", 0}, Offset: 5, LeaderEpoch: -1, Retention: b.l.retention().Milliseconds()}})
	b.put(Primary, Change{Kind: Deleted, Commit: Commit{Key: Key{"g", "u", 0}}})
	b.put(Primary, Change{Commit: Commit{Key: Key{"g", "t", 1}, Offset: 8, LeaderEpoch: 5}})
	f := b.flying[0]
	b.flying = nil
	b.l.answered(sent{f.g, f.a, Result{Outcomes: make([]Outcome, 1)}})
	b.turn() // 8 leaves, u/0 is noticed, and owed
	g := b.l.group("g")
	if g.removal != removalOwed || len(b.flying) != 1 || b.flying[0].a.Removes() {
		t.Fatalf("not owed: %d, in flight %+v", g.removal, b.flying)
	}
	if mapper != nil {
		b.l.opt.Mapper = mapper(b)
	}
	return b
}

func (b *bench) misplacedNow() {
	b.t.Helper()
	if err := b.l.misplaced(); err != nil {
		b.t.Error(err)
	}
}

// A group is owed the removal of an offset whose topic has changed hands since: it has one request in flight at most.
func TestReviewOwedOfATopicThatChangedHands(t *testing.T) {
	b := owed(t, func(b *bench) Mapper { return someChangedHands{b, "u"} })
	commit := func(n int64) {
		b.put(Primary, Change{Commit: Commit{Key: Key{"g", "t", 1}, Offset: n, LeaderEpoch: 5}})
	}
	answer := func(group string) {
		for i, f := range b.flying {
			if f.g.name == group {
				b.flying = append(b.flying[:i:i], b.flying[i+1:]...)
				b.l.answered(sent{f.g, f.a, Result{Outcomes: make([]Outcome, 1)}})
				b.turn()
				return
			}
		}
		t.Fatalf("nothing of %s in flight", group)
	}
	b.l.pace = pace{room: 2, least: 2, most: 2} // full, as on a link that is never idle
	b.put(Primary, Change{Commit: Commit{Key: Key{"h", "t", 1}, Offset: 1, LeaderEpoch: 5}})
	commit(9)
	answer("g") // 9 leaves
	b.misplacedNow()
	commit(10)
	answer("h")
	b.misplacedNow()
	n := 0
	for _, f := range b.flying {
		if f.g.name == "g" {
			n++
		}
	}
	if n > 1 {
		t.Fatalf("%d requests of one group in flight", n)
	}
}

// The primary's newest word on an offset that is to be removed is a commit that this leftoff can't read: nothing is removed.
func TestReviewUnreadableCommitAfterTheTombstone(t *testing.T) {
	b := owed(t, nil)
	b.put(Primary, Change{Kind: Unreadable, Commit: Commit{Key: Key{"g", "u", 0}}})
	f := b.flying[0]
	b.flying = nil
	b.l.answered(sent{f.g, f.a, Result{Outcomes: make([]Outcome, 1)}})
	b.turn()
	for _, f := range b.flying {
		if f.a.Removes() {
			t.Fatalf("removes %+v, although the group has committed since", f.a.Offsets())
		}
	}
}

// A secondary that is slow to delete holds no commit up, also where the link was idle when the deletions came.
func TestReviewRemovalsOnAnIdleLinkLeaveRoom(t *testing.T) {
	s := saturate(t, 16, 1)
	delete(s.busy, "busy-0")
	s.bench.turn()
	f := s.flying[0]
	s.flying = nil
	s.l.answered(sent{f.g, f.a, Result{Outcomes: make([]Outcome, 1)}})
	var gone []string
	for i := range 200 {
		gone = append(gone, fmt.Sprint("idle-", i))
	}
	s.bury(gone...)
	s.bench.turn()
	was := s.commits
	s.commit("late")
	s.bench.turn()
	if s.commits == was {
		t.Fatalf("a commit waits: %d of a room of %d are removals", s.removed, s.room)
	}
}
