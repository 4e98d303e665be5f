package replicator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// full keeps what was noticed from leaving, as a line over a slow secondary does.
func (b *bench) full() (again func()) {
	room := b.l.pace.room
	b.l.pace.room = 0
	b.turn()
	return func() { b.l.pace.room = room }
}

// What was to be removed, and waited for room, is not removed any more when the group has committed again: the same offset as ever, so that
// there is nothing to write either.
func TestCommitWhileARemovalWaitsForRoom(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone())
	again := b.full()
	again()
	b.put(Primary, committed(50))
	b.rests()
	if r := b.l.known(benchKey); r.held.state != present || len(b.l.removals) != 0 {
		t.Fatalf("held %+v, %d to be removed", r.held, len(b.l.removals))
	}
}

// Nor when somebody else's value came into the place of leftoff's, in a group that nobody took over.
func TestOthersValueWhileARemovalWaitsForRoom(t *testing.T) {
	b := removing(t)
	b.l.opt.Other = func(string) bool { return true }
	b.put(Primary, tombstone())
	again := b.full()
	again()
	theirs := committed(70)
	theirs.Commit.LeaderEpoch = -1
	b.put(Secondary, theirs)
	b.rests()
	b.is(NoVerdict, "another replicator is no take-over")
}

// A value that the log shows behind the removal's tombstone is there, although the answer comes later: it is not overwritten as if it
// were gone.
func TestValueAfterARemovalWhoseAnswerIsLate(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone())
	b.turn()
	theirs := committed(70)
	theirs.Commit.LeaderEpoch = -1 // from outside the group, which has no members: no take-over
	b.put(Secondary, tombstone(), theirs)
	b.removal(Written)
	b.put(Primary, committed(60))
	b.rests()
	s := b.l.snapshot(true)
	if e := s.Groups[0].Entries[0]; e.Reason != AheadOnSecondary || e.Written != 70 || s.Sides[Secondary].Pairs != 1 {
		t.Fatalf("%+v, %d pairs", e, s.Sides[Secondary].Pairs)
	}
}

// A commit of ours that was given up for lost, and arrives behind the removal, is removed as well.
func TestLateCommitBehindARemoval(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone())
	b.turn()
	late := committed(50)
	late.Commit.LeaderEpoch, late.Commit.Retention = -1, b.l.retention().Milliseconds()
	b.put(Secondary, tombstone(), late)
	b.removal(Written)
	b.removal(Written)
	b.put(Secondary, tombstone())
	b.rests()
}

// What the secondary said to a removal is no reason to hold the group's next commit.
func TestCommitAfterARefusedRemoval(t *testing.T) {
	for _, o := range []Outcome{RefusedAccess, RefusedMissing, Unanswered} {
		b := removing(t)
		b.put(Primary, tombstone())
		b.removal(o)
		b.put(Primary, committed(60))
		if got := b.answer(true); got.Offset != 60 {
			t.Fatalf("%d: wrote %d", o, got.Offset)
		}
		b.rests()
	}
}

// Many are removed, however little room there is, and each once.
func TestManyRemovals(t *testing.T) {
	const groups, each = 300, 5
	b := newBench(t, func(o *Options) { o.Policy.Tombstones, o.MaxInFlight = "delete", 8 })
	var ours, gone []Change
	for g := range groups {
		for n := range int32(each) {
			k := Key{fmt.Sprint("g", g), "t", n}
			ours = append(ours, Change{Commit: Commit{Key: k, Offset: 5, LeaderEpoch: -1, Retention: b.l.retention().Milliseconds()}})
			gone = append(gone, Change{Kind: Deleted, Commit: Commit{Key: k}})
		}
	}
	b.put(Secondary, ours...)
	b.put(Primary, gone...)
	for range groups {
		b.turn()
		if n := len(b.flying); n == 0 || n > 8 {
			t.Fatalf("%d in flight", n)
		}
		f := b.flying[0]
		b.flying = b.flying[1:]
		if n := len(f.a.Offsets()); n != each || !f.a.Removes() {
			t.Fatalf("%d offsets", n)
		}
		b.l.removed(sent{f.g, f.a, Result{Outcomes: make([]Outcome, each)}})
	}
	b.rests()
	if s := b.l.snapshot(true); s.Counters.Removed != groups*each || s.Deleted != nil || s.InFlight != 0 || len(b.l.removals) != 0 {
		t.Fatalf("%+v", s)
	}
}

// An answer that never comes leaves nothing behind that keeps the group from being written.
func TestGroupRecoversFromLostRemovals(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone())
	for range 5 {
		b.removal(Unanswered)
		b.now = b.now.Add(2 * time.Minute)
	}
	b.removal(Written)
	b.put(Primary, committed(60))
	if got := b.answer(true); got.Offset != 60 || b.l.inTrouble != 0 || b.l.inFlight != 0 {
		t.Fatalf("wrote %d, %d in trouble, %d in flight", got.Offset, b.l.inTrouble, b.l.inFlight)
	}
}

// lateWorld is a secondary whose broker may carry out a request long after leftoff gave it up.
type lateWorld struct {
	*bench
	random *rand.Rand
	there  map[int32]int64 // by partition
	log    []Change        // not read yet
	late   []Admitted
}

// carry is what the broker does with a request.
func (w *lateWorld) carry(a Admitted) {
	for _, o := range a.Offsets() {
		c := Change{Commit: Commit{Key: o.Key, Offset: o.Offset, LeaderEpoch: -1, Retention: a.Retention().Milliseconds()}}
		if w.there[o.Partition] = o.Offset; a.Removes() {
			delete(w.there, o.Partition)
			c = Change{Kind: Deleted, Commit: Commit{Key: o.Key}}
		}
		w.log = append(w.log, c)
	}
}

func (w *lateWorld) answerOne(fate int) {
	if len(w.flying) == 0 {
		return
	}
	f := w.flying[0]
	w.flying = w.flying[1:]
	res := Result{Outcomes: make([]Outcome, len(f.a.Offsets()))}
	switch fate {
	case 0: // never
	case 1:
		w.late = append(w.late, f.a)
	default:
		w.carry(f.a)
	}
	if fate < 3 { // no answer
		for i := range res.Outcomes {
			res.Outcomes[i] = Unanswered
		}
	} else if w.random.IntN(2) == 0 { // the log is faster
		w.read()
	}
	if f.a.removal {
		w.l.removed(sent{f.g, f.a, res})
	} else {
		w.l.answered(sent{f.g, f.a, res})
	}
}

func (w *lateWorld) read() {
	w.put(Secondary, w.log...)
	w.log = nil
}

// TestLateRemovalsAgainstModel: however little room there is, and however late the broker carries out what was given up, nothing is removed
// that the primary has, and in the end the secondary holds what the primary does.
func TestLateRemovalsAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	for range 1_000 {
		w := &lateWorld{bench: newBench(t, func(o *Options) { o.Policy.Tombstones, o.MaxInFlight = "delete", 1 }), random: random, there: map[int32]int64{}}
		launch := w.l.launch
		w.l.launch = func(ctx context.Context, g *group, a Admitted) {
			for _, r := range a.rows {
				if a.Removes() && (r.primary.state != deleted || !r.ours() || r.held.state != present) {
					t.Fatalf("seed %d: removes %+v with %+v on the primary, %+v on the secondary", seed, a.offsets, r.primary, r.held)
				}
			}
			launch(ctx, g, a)
		}
		w.put(Secondary)
		w.put(Primary)
		for range 40 {
			k := Key{fmt.Sprint("g", random.IntN(3)), "t", 0}
			k.Partition = int32(k.Group[1]-'0')*10 + random.Int32N(2)
			switch random.IntN(7) {
			case 0, 1:
				w.put(Primary, Change{Commit: Commit{Key: k, Offset: random.Int64N(4), LeaderEpoch: 5}})
			case 2:
				w.put(Primary, Change{Kind: Deleted, Commit: Commit{Key: k}})
			case 3:
				w.read()
			case 4:
				w.now = w.now.Add(time.Duration(random.IntN(3_000)) * time.Millisecond)
				w.l.takeTick()
			case 5:
				w.answerOne(random.IntN(8))
			case 6:
				if len(w.late) > 0 {
					w.carry(w.late[0])
					w.late = w.late[1:]
				}
			}
			w.turn()
		}
		for _, a := range w.late {
			w.carry(a)
		}
		for range 40 {
			w.now = w.now.Add(2 * time.Minute)
			w.turn()
			w.answerOne(9)
			w.read()
			w.l.takeTick()
		}
		for _, g := range w.l.table.groups {
			g.each(func(r *row) {
				there, ok := w.there[r.partition()]
				if want := r.primary.state == present; ok != want || ok && there != r.primary.offset || (r.held.state == present) != ok {
					t.Fatalf("seed %d: %v: the secondary has %d %v; primary %+v, held %+v", seed, r.key(), there, ok, r.primary, r.held)
				}
			})
		}
		if w.l.inFlight != 0 || len(w.l.removals) != 0 || w.l.table.pairs[Secondary] != len(w.there) {
			t.Fatalf("seed %d: %d in flight, %d to remove, %d pairs of %d", seed, w.l.inFlight, len(w.l.removals), w.l.table.pairs[Secondary], len(w.there))
		}
	}
}
