package replicator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// saturated is a link whose groups commit again as soon as they were answered: there is never room that no commit wants.
type saturated struct {
	*bench
	room             int
	busy             map[string]int64 // newest offset committed, by group
	left             map[string]int   // groups with something to be removed → the round in which that left; −1: not yet
	sent             map[string]int   // the round of a group's newest commit
	round            int
	commits, removed int
}

func saturate(t *testing.T, room, groups int) *saturated {
	s := &saturated{room: room, busy: map[string]int64{}, left: map[string]int{}, sent: map[string]int{}}
	s.bench = newBench(t, func(o *Options) { o.Policy.Tombstones, o.MaxInFlight = "delete", room })
	s.l.launch = func(_ context.Context, g *group, a Admitted) {
		if a.Removes() {
			s.removed++
			s.left[g.name] = s.round
		} else {
			s.commits++
			s.sent[g.name] = s.round
		}
		s.flying = append(s.flying, flight{g, a})
	}
	s.put(Secondary)
	for i := range groups {
		s.commit(fmt.Sprint("busy-", i))
	}
	return s
}

func (s *saturated) commit(group string) {
	s.busy[group]++
	s.put(Primary, Change{Commit: Commit{Key: Key{group, "t", 1}, Offset: s.busy[group], LeaderEpoch: 5}})
}

// bury deletes offsets of ours on the primary.
func (s *saturated) bury(groups ...string) {
	var ours, gone []Change
	for _, name := range groups {
		k := Key{name, "t", 0}
		ours = append(ours, Change{Commit: Commit{Key: k, Offset: 5, LeaderEpoch: -1, Retention: s.l.retention().Milliseconds()}})
		gone = append(gone, Change{Kind: Deleted, Commit: Commit{Key: k}})
		s.left[name] = -1
	}
	s.put(Secondary, ours...)
	s.put(Primary, gone...)
}

// wait says how many removals have not left.
func (s *saturated) wait() (n int) {
	for _, round := range s.left {
		if round < 0 {
			n++
		}
	}
	return n
}

// turn of everything that is under way: it is answered in any order, and those that are busy have committed again by then.
func (s *saturated) turn(random *rand.Rand) {
	s.round++
	s.now = s.now.Add(100 * time.Millisecond)
	under := slices.Clone(s.flying)
	random.Shuffle(len(under), func(i, j int) { under[i], under[j] = under[j], under[i] })
	for _, f := range under {
		s.flying = slices.DeleteFunc(s.flying, func(other flight) bool { return other.g == f.g })
		if _, busy := s.busy[f.g.name]; busy {
			s.commit(f.g.name)
		}
		res := sent{f.g, f.a, Result{Outcomes: make([]Outcome, len(f.a.Offsets()))}}
		if f.a.Removes() {
			s.l.removed(res)
		} else {
			s.l.answered(res)
		}
		s.bench.turn()
		if err := s.l.misplaced(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestRemovalsLeaveASaturatedLink: however busy the link is, each removal leaves within a number of rounds that follows from how many wait and how many
// groups there are; of groups that never rest, too. Commits keep all but an eighth of the requests, and none of their groups waits for ever.
func TestRemovalsLeaveASaturatedLink(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	for range 150 {
		room := 1 + random.IntN(40)
		groups := 2*room + 2 + random.IntN(4*room)
		s := saturate(t, room, groups)
		var gone []string
		for i := range 1 + random.IntN(20) {
			if name := fmt.Sprint("idle-", i); random.IntN(2) == 0 {
				gone = append(gone, name)
			} else {
				gone = append(gone, fmt.Sprint("busy-", random.IntN(groups)))
			}
		}
		for range 3 {
			s.turn(random)
		}
		s.commits, s.removed = 0, 0
		s.bury(gone...)
		began := s.round
		everybody := 2*(groups+len(gone))/room + 4 // in so many rounds each group has its turn
		waves := len(s.left)/max(room/4, 1) + 1    // as no more are under way at once
		bound := removalEvery*(len(s.left)+1)/room + 1 + waves*everybody
		for s.wait() > 0 {
			if s.round-began > bound {
				t.Fatalf("seed %d: room %d, %d busy groups: %d of %d removals have not left after %d rounds", seed, room, groups, s.wait(), len(s.left), bound)
			}
			s.turn(random)
			if s.removed > s.commits/(removalEvery-1)+1 {
				t.Fatalf("seed %d: room %d: %d removals beside %d commits", seed, room, s.removed, s.commits)
			}
			for name, round := range s.sent {
				if s.round-round > everybody {
					t.Fatalf("seed %d: room %d, %d groups: %s commits all the time, and nothing was sent for it in %d rounds", seed, room, groups, name, everybody)
				}
			}
		}
	}
}

// First come, first served: behind a thousand busy groups the first removal is one of the next eight requests, and the others follow.
func TestRemovalsComeInOrder(t *testing.T) {
	s := saturate(t, 64, 1000)
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 { // each of them was written
		s.turn(random)
	}
	s.bury("a", "b")
	s.bury("c")
	for range 2 {
		s.turn(random)
	}
	if s.wait() > 0 || s.left["a"] > s.left["b"] || s.left["b"] > s.left["c"] {
		t.Fatalf("they left in rounds %v of %d", s.left, s.round)
	}
}

// A secondary that is slow to delete holds no commit up: removals take a quarter of the room at most.
func TestSlowRemovalsLeaveRoom(t *testing.T) {
	s := saturate(t, 16, 100)
	var gone []string
	for i := range 200 {
		gone = append(gone, fmt.Sprint("idle-", i))
	}
	s.bury(gone...)
	for range 2_000 {
		i := slices.IndexFunc(s.flying, func(f flight) bool { return !f.a.Removes() })
		if i < 0 {
			t.Fatal("nothing but removals is under way")
		}
		f := s.flying[i]
		s.flying = slices.Delete(s.flying, i, i+1)
		s.commit(f.g.name)
		s.l.answered(sent{f.g, f.a, Result{Outcomes: make([]Outcome, 1)}})
		s.bench.turn()
	}
	if under := len(s.flying) - 12; under != s.removed || s.removed != 4 {
		t.Fatalf("%d removals left, none was answered, and %d of %d requests under way are none", s.removed, len(s.flying)-s.removed, len(s.flying))
	}
}

// Of a group one topic has changed hands: what is removed of the others is under way alone.
func TestRemovalBesideATopicThatChangedHands(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Policy.Tombstones = "delete" })
	b.l.opt.Mapper = someChangedHands{b, "u"}
	var ours, gone []Change
	for _, topic := range []string{"t", "u"} {
		k := Key{"g", topic, 0}
		ours = append(ours, Change{Commit: Commit{Key: k, Offset: 5, LeaderEpoch: -1, Retention: b.l.retention().Milliseconds()}})
		gone = append(gone, Change{Kind: Deleted, Commit: Commit{Key: k}})
	}
	b.put(Secondary, ours...)
	b.put(Primary, gone...)
	b.turn()
	if err := b.l.misplaced(); err != nil {
		t.Fatal(err)
	}
	b.put(Primary, Change{Commit: Commit{Key: Key{"g", "t", 1}, Offset: 7, LeaderEpoch: 5}})
	if len(b.flying) != 1 || !b.flying[0].a.Removes() {
		t.Fatalf("in flight: %+v, want the removal alone", b.flying)
	}
	if got := b.l.snapshot(true).Deleted; !slices.Equal(got, []DeletedGroup{{Group: "g", Offsets: 2, Why: HandedOver}}) {
		t.Fatalf("shows %+v", got)
	}
	b.removal(Written)
	if b.land(Written); b.l.inFlight != 0 || b.l.leaving.out != 0 {
		t.Fatalf("%d in flight, %d removals", b.l.inFlight, b.l.leaving.out)
	}
}

// someChangedHands is a mapping one of whose topics is written on the secondary since a failover.
type someChangedHands struct {
	Mapper
	topic string
}

func (s someChangedHands) Forward(topic string, id [16]byte, n int32, u int64) Mapping {
	if topic == s.topic {
		return Mapping{Topic: topic, Reason: HandedOver}
	}
	return s.Mapper.Forward(topic, id, n, u)
}

// A group that is owed a removal gets it also when it commits no more.
func TestOwedToAGroupThatRests(t *testing.T) {
	s := saturate(t, 16, 60)
	random := rand.New(rand.NewPCG(1, 1))
	var gone []string
	for i := range 20 {
		gone = append(gone, fmt.Sprint("busy-", i))
	}
	s.bury(gone...)
	for range 1_000 {
		s.turn(random)
		for _, name := range gone {
			if g := s.l.group(name); g.removal != removalOwed || !g.inFlight || len(g.dirty) > 0 {
				continue
			}
			delete(s.busy, name)
			for range 20 {
				s.turn(random)
			}
			if s.left[name] < 0 {
				t.Fatalf("%s is owed a removal, and waits for a commit", name)
			}
			return
		}
		if s.wait() == 0 { // again
			for _, name := range gone {
				s.left[name] = -1
			}
			s.bury(gone...)
		}
	}
	t.Fatal("no group was ever owed a removal while it had nothing else to send: the test shows nothing")
}
