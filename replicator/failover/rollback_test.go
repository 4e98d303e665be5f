package failover

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// What producers wrote on the secondary since the switch is not left there behind anybody's back: it is named, and a person may say so.
func TestNoRollbackOfWhatWasWritten(t *testing.T) {
	o := Order{Who: "me"}
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	w.produced = map[string]int64{"orders": 12}
	_, err := w.rollBack(o)
	if !errors.Is(err, ErrWritten) || !strings.Contains(err.Error(), "orders/0: 12 offsets") || !strings.Contains(err.Error(), "from 9 to 20") ||
		!strings.Contains(err.Error(), "Try: leftoff failback") {
		t.Fatalf("it says %v", err)
	}
	w.isOver(t, "refused")

	o.Accept = true
	p, err := w.rollBack(o)
	if err != nil || len(p.State.Accepted) != 1 || !strings.HasPrefix(p.State.Accepted[0], "orders/0: 12 offsets") {
		t.Fatalf("%v %+v", err, p.State)
	}
	w.isBack(t, "accepted")
}

// Producers that begin to write while it is being turned round are seen before the mirror may go on.
func TestWrittenWhileItIsTurnedRound(t *testing.T) {
	o, ctx := Order{Who: "me"}, context.Background()
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	if _, err := w.machine().Rollback(ctx, o); err != nil {
		t.Fatal(err)
	}
	w.produced = map[string]int64{"payments": 1}
	p, err := w.machine().Advance(ctx, o)
	if err != nil || !p.Needs || p.State.Step != TakeBack || !strings.Contains(p.Waits[0], "payments/0: 1 offsets") || !w.fenced["payments"] {
		t.Fatalf("%v %+v, fenced %v", err, p, w.fenced)
	}
	o.Accept = true
	if p, err := w.machine().Advance(ctx, o); err != nil || p.State.Step != RolledBack || len(p.State.Accepted) != 1 {
		t.Fatalf("%v %+v", err, p)
	}
	w.isBack(t, "accepted")
}

// Only what this failover switched counts: of a topic that an earlier one switched nothing is turned round. With no topic switched
// there is nothing to leave behind.
func TestWrittenElsewhereIsNoObstacle(t *testing.T) {
	w := newWorld()
	if _, err := w.run(Order{Who: "me", Scope: Scope{Topics: []string{"orders"}}, Accept: true}); err != nil {
		t.Fatal(err)
	}
	w.produced = map[string]int64{"orders": 12}
	if p, err := w.run(Order{Who: "me"}); err != nil || p.State.Step != Done {
		t.Fatalf("%v %+v", err, p)
	}
	if p, err := w.rollBack(Order{Who: "me"}); err != nil || p.State.Step != RolledBack {
		t.Fatalf("%v %+v", err, p)
	}
	if k := w.known(t); k.Roles["orders"].Name != Switched || k.Roles["payments"].Name != Forward {
		t.Errorf("roles are %+v", k.Roles)
	}
}

// A rollback that can't go on is no dead end: the same order goes forward again, from where it stood, and is over; also where the rollback had let
// the topics go already.
func TestRollbackThatCantGoOnGoesForward(t *testing.T) {
	o, ctx := Order{Who: "me"}, context.Background()
	for _, letGo := range []bool{false, true} {
		w := newWorld()
		if _, err := w.run(o); err != nil {
			t.Fatal(err)
		}
		m := w.machine()
		if _, err := m.Rollback(ctx, o); err != nil {
			t.Fatal(err)
		}
		if letGo { // it dies behind its first effects
			w.dieAt, w.afterwards = w.calls+5, true
			for w.dieAt >= 0 && w.known0(t).Roles["orders"].Name == Switched {
				w.dieAt = w.calls + 5
				if _, err := m.Advance(ctx, o); !errors.Is(err, errDied) {
					t.Fatal(err)
				}
			}
			w.dieAt = -1
		}
		if p, err := m.Begin(ctx, o); err != nil || p.State.Step != TakeBack {
			t.Fatalf("one that can go on is left alone: %v %+v", err, p)
		}
		w.view.Groups[1].Started = true
		p, err := w.run(o)
		if err != nil || p.State.Step != Done {
			t.Fatalf("let go %v: %v %+v", letGo, err, p)
		}
		w.calls = 0
		k := w.known(t)
		for _, topic := range w.view.Topics {
			if k.Roles[topic].Name != Switched || !w.fenced[topic] {
				t.Errorf("let go %v: %s is %+v, fenced %v", letGo, topic, k.Roles[topic], w.fenced[topic])
			}
		}
		if _, err := w.machine().Return(ctx, o); err != nil {
			t.Errorf("let go %v: no way home: %v", letGo, err)
		}
	}
}

// known0 is what the log says, whoever dies.
func (w *world) known0(t *testing.T) Known {
	t.Helper()
	at, calls := w.dieAt, w.calls
	k := w.known(t)
	w.dieAt, w.calls = at, calls
	return k
}
