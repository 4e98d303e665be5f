package failover

import (
	"context"
	"errors"
	"testing"
)

// A group starts on the secondary between the order to roll back and its only step. Leftoff says: failback. So that has to be possible, or the
// failover has to go forward again; else nothing ends it.
func TestReviewStartedWhileItIsTurnedRound(t *testing.T) {
	o, ctx := Order{Who: "me"}, context.Background()
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	if _, err := w.machine().Rollback(ctx, o); err != nil {
		t.Fatal(err)
	}
	w.view.Groups[0].Started = true
	p, err := w.machine().Advance(ctx, o)
	if err != nil || !p.Needs || p.State.Step != TakeBack {
		t.Fatalf("%v %+v", err, p)
	}
	if _, err := w.machine().Return(ctx, o); err == nil {
		return
	} else if !errors.Is(err, ErrUnderWay) {
		t.Fatal(err)
	}
	if p, err := w.machine().Rollback(ctx, o); err != nil || p.State.Step != TakeBack {
		t.Fatalf("%v %+v", err, p)
	}
	if p, err = w.run(o); err != nil || p.State.Step == TakeBack {
		t.Errorf("%v: at %s, waits for %q; failback and failover are refused, and rollback waits for ever", err, p.State.Step, p.Waits)
	}
}
