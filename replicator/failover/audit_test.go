package failover

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// Who did what and why is kept of every step, also of one that somebody else goes on with, of a rollback, and of what was accepted.
func TestWhoAndWhyOfEveryStep(t *testing.T) {
	ctx, w := context.Background(), newWorld()
	ann, bob := Order{Who: "ann", Why: "drill"}, Order{Who: "bob", Why: "ann is at lunch"}
	w.view.Groups[1].Held = map[string]int{"unmapped": 1}
	if p, err := w.run(ann); err != nil || p.State.Step != Preflight {
		t.Fatalf("%v %+v", err, p)
	}
	ann.Accept = true
	m := w.upTo(t, Switch, ann)
	if _, err := m.Begin(ctx, bob); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if p, err := m.Advance(ctx, bob); err != nil || len(p.Waits) > 0 {
			t.Fatalf("%v %+v", err, p)
		}
	}
	k := w.known(t)
	held := k.State.Accepted
	for _, p := range k.State.Past {
		who, why := "ann", "drill"
		if p.Step == Switch || p.Step == HandOver {
			who, why = "bob", "ann is at lunch"
		}
		var accepted []string
		if p.Step == Preflight {
			accepted = held
		}
		if p.Who != who || p.Why != why || !slices.Equal(p.Accepted, accepted) {
			t.Errorf("%s: by %q, because %q, accepted %q", p.Step, p.Who, p.Why, p.Accepted)
		}
	}
	if len(held) != 1 || k.State.Who != "bob" || k.State.Why != "drill" {
		t.Errorf("%+v", k.State)
	}
	for _, e := range k.Events {
		switch {
		case e.Kind != StateChanged && e.Who != "bob":
			t.Errorf("%s of %s%s is said to be by %q", e.Kind, e.Topic, e.Group, e.Who)
		case e.Kind == StateChanged && (e.Who == "bob") != (e.Why == "ann is at lunch"):
			t.Errorf("the change to %s is by %q, because %q", e.State.Step, e.Who, e.Why)
		}
	}
}

func TestWhoAndWhyOfARollback(t *testing.T) {
	w := newWorld()
	if _, err := w.run(Order{Who: "ann", Why: "drill"}); err != nil {
		t.Fatal(err)
	}
	w.produced = map[string]int64{"orders": 12}
	carl := Order{Who: "carl", Why: "wrong link", Accept: true}
	p, err := w.rollBack(carl)
	if err != nil {
		t.Fatal(err)
	}
	past := p.State.Past
	turned, back := past[len(past)-2], past[len(past)-1]
	if turned.Who != "carl" || turned.Why != carl.Why || len(turned.Accepted) != 1 || !strings.HasPrefix(turned.Accepted[0], "orders/0: 12 offsets") {
		t.Errorf("turned round: %+v", turned)
	}
	if back.Step != TakeBack || back.Who != "carl" || back.Why != carl.Why || len(back.Accepted) != 0 {
		t.Errorf("taken back: %+v", back)
	}
	k := w.known(t)
	changes := 0
	for _, e := range k.Events {
		if e.Kind == StateChanged && e.Who == "carl" && e.Why == carl.Why {
			changes++
		}
	}
	if changes != 2 {
		t.Errorf("the log has %d changes of carl's", changes)
	}

	// and of one that goes forward again
	w = newWorld()
	ctx, m := context.Background(), w.machine()
	if _, err := w.run(Order{Who: "ann"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Rollback(ctx, Order{Who: "carl", Why: "wrong link"}); err != nil {
		t.Fatal(err)
	}
	w.view.Groups[0].Started = true
	p, err = m.Begin(ctx, Order{Who: "dora", Why: "too late for that"})
	if err != nil {
		t.Fatal(err)
	}
	if last := p.State.Past[len(p.State.Past)-1]; last.Step != TakeBack || last.Who != "dora" || last.Why != "too late for that" {
		t.Errorf("%+v", last)
	}
}

// A person who reclaims is named by what leftoff writes down for them.
func TestReclaimedBy(t *testing.T) {
	w := newWorld()
	s := NewStore(w, "p→s")
	if err := s.SetGroups(context.Background(), "leftoff", []Group{{Name: "till", Verdict: "reclaimed", Why: "mine", Who: "ann"}, {Name: "audit", Verdict: "taken_over"}}); err != nil {
		t.Fatal(err)
	}
	if k := w.known(t); k.Groups["till"].Who != "ann" || k.Groups["audit"].Who != "leftoff" {
		t.Errorf("%+v", k.Groups)
	}
}
