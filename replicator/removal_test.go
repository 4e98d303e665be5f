package replicator

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func removing(t *testing.T) *bench {
	b := newBench(t, func(o *Options) { o.Policy.Tombstones = "delete" })
	b.put(Secondary)
	b.put(Primary, committed(50))
	b.answer(true)
	return b
}

// turn lets the loop do what it does after every event.
func (b *bench) turn() {
	b.l.retryDue()
	b.l.flow(b.t.Context())
	b.l.remove(b.t.Context())
}

// removal takes the one removal in flight and answers it.
func (b *bench) removal(o Outcome) {
	b.t.Helper()
	b.turn()
	if len(b.flying) != 1 || !b.flying[0].a.Removes() || len(b.flying[0].a.Offsets()) != 1 {
		b.t.Fatalf("in flight: %+v, want one removal", b.flying)
	}
	f := b.flying[0]
	b.flying = nil
	if off := f.a.Offsets()[0]; off.Key != benchKey || off.Topic != "t" || f.a.Retention() != 0 {
		b.t.Fatalf("removes %+v", off)
	}
	b.l.removed(sent{f.g, f.a, Result{Outcomes: []Outcome{o}, Err: errors.New("test")}})
	b.turn()
}

// nothing is sent, whatever time it is.
func (b *bench) rests() {
	b.t.Helper()
	for range 3 {
		b.now = b.now.Add(2 * time.Minute)
		b.l.takeTick()
		b.turn()
		if len(b.flying) != 0 {
			b.t.Fatalf("unexpected request %+v", b.flying[0].a)
		}
	}
}

// A tombstone on the primary removes leftoff's value, once; a commit after it is written as ever.
func TestTombstoneRemovesOurs(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone())
	b.removal(Written)
	b.rests()
	b.put(Secondary, tombstone()) // of the removal itself
	b.rests()
	if s := b.l.snapshot(true); s.Deleted != nil || s.Counters.Removed != 1 || s.Sides[Secondary].Pairs != 0 || s.Sides[Primary].Pairs != 0 {
		t.Fatalf("%+v", s)
	}
	b.put(Primary, committed(20))
	if o := b.answer(true); o.Offset != 20 {
		t.Fatalf("wrote %d", o.Offset)
	}
	if n := b.l.snapshot(true).Sides[Secondary].Pairs; n != 1 {
		t.Fatalf("%d pairs", n)
	}
}

// Nothing but a tombstone that was read removes anything: not that the primary has nothing, not before both sides were read.
func TestNothingThereRemovesNothing(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Policy.Tombstones = "delete" })
	ours := committed(50)
	ours.Commit.LeaderEpoch, ours.Commit.Retention = -1, b.l.retention().Milliseconds()
	b.put(Secondary, ours)
	b.turn()
	b.put(Primary)
	b.rests()

	b = newBench(t, func(o *Options) { o.Policy.Tombstones = "delete" })
	b.l.takeBatch(Batch{Side: Primary, Changes: []Change{{Commit: Commit{Key: benchKey, Offset: 50, Order: Order{Offset: 1}}}, {Kind: Deleted, Commit: Commit{Key: benchKey, Order: Order{Offset: 2}}}}})
	b.order[Primary] = 2
	b.put(Secondary, ours)
	b.rests()
	b.put(Primary) // caught up
	b.removal(Written)
}

// The gate is that of a commit: not what consumers have, or took, or was handed over, or somebody else wrote.
func TestRemovalAsksTheGate(t *testing.T) {
	theirs := committed(70)
	for name, before := range map[string]func(*bench){
		"taken over":    func(b *bench) { b.put(Secondary, joined(1), joined(0)) },
		"live":          func(b *bench) { b.put(Secondary, joined(1)) },
		"their own":     func(b *bench) { b.put(Secondary, theirs) },
		"handed over":   func(b *bench) { _, _ = b.l.handOver("g", "test") },
		"kept":          func(b *bench) { b.l.opt.Policy.Tombstones = "keep" },
		"another's":     func(b *bench) { b.l.opt.Owner = func(string) bool { return false } },
		"gate closed":   func(b *bench) { b.l.opt.Closed = true },
		"a share group": func(b *bench) { b.l.table.groups["g"].share[Primary] = true },
	} {
		t.Run(name, func(t *testing.T) {
			b := removing(t)
			before(b)
			b.put(Primary, tombstone())
			b.rests()
			if b.l.counters.Removed != 0 {
				t.Fatal("removed")
			}
		})
	}
}

// Reclaimed with its offset gone on the primary: the value is leftoff's to remove only if leftoff wrote it.
func TestReclaimedGroupIsRemoved(t *testing.T) {
	b := removing(t)
	b.put(Secondary, joined(1), joined(0))
	b.put(Primary, tombstone())
	b.rests()
	if _, err := b.l.reclaim("g", "test"); err != nil {
		t.Fatal(err)
	}
	b.removal(Written)
	b.rests()
}

// What the secondary refuses is tried again, and shows; one that finds members gives the group up.
func TestRefusedRemoval(t *testing.T) {
	for o, why := range map[Outcome]Reason{RefusedAccess: Unauthorized, RefusedMissing: PartitionMissing, Unanswered: Unreachable} {
		b := removing(t)
		b.put(Primary, tombstone())
		b.removal(o)
		if len(b.flying) != 0 {
			t.Fatalf("%s: tried again at once", why)
		}
		if got := b.l.snapshot(true).Deleted; !slices.Equal(got, []DeletedGroup{{Group: "g", Offsets: 1, Why: why}}) {
			t.Fatalf("shows %+v, want %s", got, why)
		}
		b.now = b.now.Add(2 * time.Minute)
		b.removal(Written)
		b.rests()
	}
	b := removing(t)
	b.put(Primary, tombstone())
	b.removal(RefusedLive)
	b.rests()
	b.is(VerdictTakenOver, "the secondary said that it has members")
}

// A commit that comes while the removal is on its way is written after it: the two never overlap.
func TestCommitDuringARemoval(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone())
	b.turn()
	if len(b.flying) != 1 || !b.flying[0].a.Removes() {
		t.Fatalf("in flight: %+v", b.flying)
	}
	b.put(Primary, committed(60))
	b.removal(Written)
	if len(b.flying) != 1 || b.flying[0].a.Removes() {
		t.Fatalf("in flight: %+v, want the commit", b.flying)
	}
	b.put(Secondary, tombstone())
	if o := b.answer(true); o.Offset != 60 {
		t.Fatalf("wrote %d", o.Offset)
	}
	b.rests()
}

// A removal that waits for room is not forgotten because a side has to be read again meanwhile.
func TestRemovalWaitsForATail(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone())
	room := b.l.pace.room
	b.l.pace.room = 0
	b.l.remove(t.Context())
	b.l.takeBatch(Batch{Side: Secondary}) // its tail starts again
	b.l.pace.room = room
	b.rests()
	b.put(Secondary)
	b.removal(Written)
	b.rests()
}

// A commit before the removal was sent makes it needless.
func TestCommitBeforeARemoval(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone(), committed(50))
	b.rests()
}

// TestRemovalAgainstModel: whatever the order in which commits, tombstones, answers and the secondary's log arrive, and whatever gets
// lost, nothing is removed while the primary's newest word was a commit when the request left, and in the end the secondary holds
// what the primary says.
func TestRemovalAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 2_000 {
		b := newBench(t, func(o *Options) { o.Policy.Tombstones = "delete" })
		b.put(Secondary)
		b.put(Primary)
		launch := b.l.launch
		b.l.launch = func(ctx context.Context, g *group, a Admitted) {
			if len(b.flying) > 0 || a.Removes() && a.rows[0].primary.state != deleted {
				t.Fatalf("seed %d: %+v leaves beside %+v, with the primary at %+v", seed, a, b.flying, a.rows[0].primary)
			}
			launch(ctx, g, a)
		}
		there, log := int64(-1), []Change(nil) // what the secondary holds, and its log that was not read yet
		for range 30 {
			switch random.IntN(6) {
			case 0, 1:
				b.put(Primary, committed(random.Int64N(20)))
			case 2:
				b.put(Primary, tombstone())
			case 3:
				b.put(Secondary, log...)
				log = nil
			case 4:
				b.now = b.now.Add(time.Duration(random.IntN(3_000)) * time.Millisecond)
				b.l.takeTick()
			case 5:
				log = append(log, b.landOrLose(random, &there)...)
			}
			b.turn()
		}
		for range 20 {
			b.now = b.now.Add(2 * time.Minute)
			b.turn()
			log = append(log, b.landOrLose(nil, &there)...)
			b.put(Secondary, log...)
			log = nil
			b.l.takeTick()
		}
		want := int64(-1)
		if r := b.l.known(benchKey); r != nil && r.primary.state == present {
			want = r.primary.offset
		}
		if there != want {
			t.Fatalf("seed %d: the secondary holds %d, want %d", seed, there, want)
		}
		if r := b.l.known(benchKey); r != nil && (r.held.state == present) != (there >= 0) || b.l.inFlight != 0 || b.l.table.pairs[Secondary] != min(int(there)+1, 1) {
			t.Fatalf("seed %d: held %+v, %d in flight, %d pairs; there is %d", seed, r.held, b.l.inFlight, b.l.table.pairs[Secondary], there)
		}
	}
}

// landOrLose answers the request in flight, if there is one, and returns what the secondary's log has of it. With random given it may be lost, before
// or after it had its effect.
func (b *bench) landOrLose(random *rand.Rand, there *int64) (log []Change) {
	if len(b.flying) == 0 {
		return nil
	}
	f := b.flying[0]
	b.flying = nil
	lost := 0
	if random != nil {
		lost = random.IntN(4)
	}
	if lost != 1 {
		if o := f.a.Offsets()[0]; f.a.Removes() {
			*there, log = -1, []Change{tombstone()}
		} else {
			c := Commit{Key: o.Key, Offset: o.Offset, LeaderEpoch: -1, Retention: f.a.Retention().Milliseconds()}
			*there, log = o.Offset, []Change{{Commit: c}}
		}
	}
	outcome := Written
	if lost == 1 || lost == 2 {
		outcome = Unanswered
	}
	s := sent{f.g, f.a, Result{Outcomes: []Outcome{outcome}}}
	if s.admitted.removal {
		b.l.removed(s)
	} else {
		b.l.answered(s)
	}
	return log
}
