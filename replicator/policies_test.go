package replicator

import (
	"errors"
	"slices"
	"testing"
)

func tombstone() Change { return Change{Kind: Deleted, Commit: Commit{Key: benchKey}} }

// tombstones: keep. What the primary deleted stays on the secondary and is said to; a new commit, lower or higher, is followed again.
func TestDeletedOnThePrimaryIsSaid(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(50))
	b.answer(true)
	shown := func(want ...DeletedGroup) {
		t.Helper()
		if got := b.l.snapshot(true).Deleted; !slices.Equal(got, want) {
			t.Fatalf("said to be deleted: %v, want %v", got, want)
		}
	}
	shown()
	b.put(Primary, tombstone())
	b.quiet()
	shown(DeletedGroup{Group: "g", Offsets: 1})
	b.put(Primary, committed(20))
	if o := b.answer(true); o.Offset != 20 {
		t.Fatalf("wrote %d after the group was deleted and came back", o.Offset)
	}
	shown()
}

// After a restart, when the primary's log has not even a tombstone any more, it is said all the same, but not before both sides
// were read.
func TestLongDeletedOnThePrimaryIsSaid(t *testing.T) {
	b := newBench(t, nil)
	ours := committed(50)
	ours.Commit.LeaderEpoch, ours.Commit.Retention = -1, b.l.retention().Milliseconds()
	b.put(Secondary, ours)
	if got := b.l.snapshot(true).Deleted; got != nil {
		t.Fatalf("said to be deleted before the primary was read: %v", got)
	}
	b.put(Primary)
	b.quiet()
	if got := b.l.snapshot(true).Deleted; !slices.Equal(got, []DeletedGroup{{Group: "g", Offsets: 1}}) {
		t.Fatalf("said to be deleted: %v", got)
	}
}

// A group that is not leftoff's any more has nothing to be said of: what stands there is its consumers' own.
func TestDeletedOnThePrimaryOfATakenOverGroup(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(50))
	b.answer(true)
	b.put(Secondary, joined(1))
	b.put(Primary, tombstone())
	b.quiet()
	if got := b.l.snapshot(true).Deleted; got != nil {
		t.Fatalf("said to be deleted: %v", got)
	}
}

// An offset that expired, or was deleted, on the secondary is written again; that of a taken-over group is not.
func TestExpiredOffsetOfATakenOverGroupStaysGone(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Secondary, joined(1), joined(0), tombstone())
	b.quiet()
	e := b.l.snapshot(true).Groups[0].Entries[0]
	if e.Reason != TakenOver || e.HasWritten {
		t.Fatalf("entry %+v", e)
	}
}

// Share groups (KIP-932) are never written, whichever side says that it is one, the broker included.
func TestShareGroupsAreNeverWritten(t *testing.T) {
	member := Change{Kind: MemberSeen, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ShareGroup, Member: "m"}}
	for name, known := range map[string]func(*bench){
		"by the primary":   func(b *bench) { b.put(Primary, member) },
		"by the secondary": func(b *bench) { b.put(Secondary, member) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.put(Secondary)
			b.put(Primary)
			known(b)
			b.put(Primary, committed(5))
			b.heldAs(ShareGroupID)
		})
	}
	t.Run("by the broker", func(t *testing.T) {
		b := newBench(t, nil)
		b.put(Secondary)
		b.put(Primary, committed(5))
		f := b.flying[0]
		b.flying = nil
		b.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{RefusedShare}, Err: errors.New("GROUP_ID_NOT_FOUND")}})
		b.put(Primary, committed(6))
		b.heldAs(ShareGroupID)
	})
}

// A share group that was deleted is none any more: a consumer group of its name is followed, also where the log is read again and begins with
// what is left of it, and one that lives on the secondary meanwhile is taken over as ever.
func TestNameOfADeletedShareGroup(t *testing.T) {
	change := func(k ChangeKind, of GroupType) Change {
		c := Change{Kind: k, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: of}}
		if k == MemberSeen || k == MemberGone {
			c.Group.Member = "m"
		}
		return c
	}
	lived := []Change{change(MemberSeen, ShareGroup), change(GroupState, ShareGroup), change(MemberGone, ShareGroup)}
	gone := change(GroupGone, ShareGroup)
	for _, side := range []Side{Primary, Secondary} {
		t.Run(side.String(), func(t *testing.T) {
			b := newBench(t, nil)
			b.put(Secondary)
			b.put(Primary)
			b.put(side, lived...)
			b.put(Primary, committed(5))
			b.heldAs(ShareGroupID)
			b.put(side, gone)
			if o := b.answer(true); o.Offset != 5 {
				t.Errorf("wrote %d", o.Offset)
			}
		})
		t.Run(side.String()+", compacted", func(t *testing.T) {
			b := newBench(t, nil)
			b.put(Secondary)
			b.put(Primary)
			b.put(side, change(MemberGone, ShareGroup), gone)
			b.put(Primary, committed(5))
			b.answer(true)
		})
	}
	t.Run("taken over meanwhile", func(t *testing.T) {
		b := newBench(t, nil)
		b.put(Secondary)
		b.put(Primary, lived...)
		b.put(Secondary, change(MemberSeen, ConsumerGroup), change(MemberGone, ConsumerGroup))
		b.put(Primary, gone, committed(5))
		b.heldAs(TakenOver)
	})
}

// heldAs asserts that the one commit is held for the reason, and nothing under way.
func (b *bench) heldAs(want Reason) {
	b.t.Helper()
	b.quiet()
	g := b.l.snapshot(true).Groups
	if len(g) != 1 || len(g[0].Entries) != 1 || g[0].Entries[0].Reason != want || g[0].Entries[0].Write {
		b.t.Fatalf("not held as %s: %+v", want, g)
	}
}

// Kafka Streams keeps its place in time in the metadata of its commits: that travels, byte for byte, also where the offset
// stays. A member of a KIP-1071 group on the secondary makes it live there, as any other does.
func TestStreamsGroups(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	c := committed(5)
	c.Commit.Metadata = "AgAAAYvP5WgA"
	b.put(Primary, c)
	if o := b.answer(true); o.Metadata != c.Commit.Metadata {
		t.Fatalf("metadata %q", o.Metadata)
	}
	c.Commit.Metadata = "AgAAAYvP5WgB"
	b.put(Primary, c)
	if o := b.answer(true); o.Offset != 5 || o.Metadata != c.Commit.Metadata {
		t.Fatalf("%d with metadata %q", o.Offset, o.Metadata)
	}
	member := func(k ChangeKind) Change {
		return Change{Kind: k, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: StreamsGroup, Member: "m"}}
	}
	b.put(Secondary, member(MemberSeen))
	b.put(Primary, committed(9))
	b.heldAs(GroupLive)
	b.put(Secondary, member(MemberGone))
	b.heldAs(TakenOver)
}

// A static member that stops writes nothing: what keeps the group live is that its record still counts it, until the broker's next
// record does not.
func TestStaticMemberKeepsItsGroupLive(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Secondary, joined(1))
	b.put(Primary, committed(9))
	b.heldAs(GroupLive)
	if _, err := b.l.reclaim("g", "test"); !errors.Is(err, ErrGroupLive) {
		t.Fatalf("reclaimed: %v", err)
	}
	b.put(Secondary, joined(0)) // the session is over
	b.heldAs(TakenOver)
	if _, err := b.l.reclaim("g", "test"); err != nil {
		t.Fatal(err)
	}
	b.l.flow(t.Context())
	if o := b.answer(true); o.Offset != 9 {
		t.Fatalf("wrote %d", o.Offset)
	}
}
