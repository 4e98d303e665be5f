package replicator

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// shows is what a plan says of removals. It must change nothing.
func (b *bench) shows(want ...Removal) {
	b.t.Helper()
	if got := b.l.snapshot(true).Removals; !slices.Equal(got, want) {
		b.t.Errorf("the plan shows %+v, want %+v", got, want)
	}
}

// What would be deleted shows before it is, with the gate closed and open, until it is gone; and only where it would be.
func TestPlanShowsRemovals(t *testing.T) {
	for _, closed := range []bool{true, false} {
		b := removing(t)
		b.shows()
		b.l.opt.Closed = closed
		b.put(Primary, tombstone())
		b.shows(Removal{Key: benchKey, Topic: "t", Offset: 50})
		if closed {
			b.rests()
			b.shows(Removal{Key: benchKey, Topic: "t", Offset: 50})
			continue
		}
		b.removal(Written)
		b.shows()
	}

	for name, before := range map[string]func(*bench){
		"kept":        func(b *bench) { b.l.opt.Policy.Tombstones = "keep" },
		"taken over":  func(b *bench) { b.put(Secondary, joined(1), joined(0)) },
		"handed over": func(b *bench) { _, _ = b.l.handOver("g", "test") },
		"their own":   func(b *bench) { b.put(Secondary, committed(70)) },
		"not read":    func(b *bench) { b.l.takeBatch(Batch{Side: Secondary}) },
	} {
		t.Run(name, func(t *testing.T) {
			b := removing(t)
			before(b)
			b.put(Primary, tombstone())
			b.shows()
		})
	}
}

// What keeps a removal back is its hold; no removal shows as due that would not leave.
func TestPlanShowsHeldRemovals(t *testing.T) {
	held := func(why Reason, detail string) Removal {
		return Removal{Key: benchKey, Topic: "t", Offset: 50, Hold: why, Detail: detail}
	}
	for name, c := range map[string]struct {
		before func(*bench)
		want   Removal
	}{
		"a share group": {func(b *bench) { b.l.table.groups["g"].share[Primary] = true }, held(ShareGroupID, "")},
		"another's":     {func(b *bench) { b.l.opt.Owner = func(string) bool { return false } }, held(NotOwner, "")},
		"live, and reclaimed before": {func(b *bench) {
			b.put(Secondary, joined(1))
			b.l.table.groups["g"].verdict = Verdict{Kind: VerdictReclaimed}
		}, held(GroupLive, "")},
		"a topic that changed hands": {func(b *bench) { b.l.opt.Mapper = switchedHands{b} }, Removal{Key: benchKey, Offset: 50, Hold: HandedOver}},
	} {
		t.Run(name, func(t *testing.T) {
			b := removing(t)
			c.before(b)
			b.put(Primary, tombstone())
			b.shows(c.want)
			b.rests()
		})
	}
	b := removing(t)
	b.put(Primary, tombstone())
	b.removal(RefusedAccess)
	b.shows(held(Unauthorized, "test"))
	b.now = b.now.Add(time.Minute)
	b.shows(held(NoReason, ""))
}

// switchedHands is a mapping whose topic is written on the secondary since a failover.
type switchedHands struct{ Mapper }

func (switchedHands) Forward(string, [16]byte, int32, int64) Mapping {
	return Mapping{Topic: "t", Reason: HandedOver}
}

// One whose requests keep going unanswered waits for its turn to try, and says so.
func TestPlanShowsTroubledRemoval(t *testing.T) {
	b := removing(t)
	b.put(Primary, tombstone())
	for range 2 {
		b.removal(Unanswered)
		b.now = b.now.Add(2 * time.Minute)
	}
	b.shows(Removal{Key: benchKey, Topic: "t", Offset: 50, Hold: Unreachable, Detail: errors.New("test").Error()})
	b.l.retryDue()
	b.l.remove(context.Background())
	b.removal(Written)
	b.shows()
}
