package failover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// alien is a mirror that is not leftoff's.
type alien struct {
	mirrors bool
	waits   []string
	doubts  []string
}

func (w *world) Mirrors() bool { return !w.alien.mirrors }

func (w *world) Diverged(context.Context, State, map[string]Role) (Divergence, error) {
	return Divergence{Found: w.diverged, Topics: map[string]string{"orders": "id"}, Waits: w.alien.waits, Doubts: w.alien.doubts}, w.call(nil)
}

func (w *world) Return(_ context.Context, _ State, _ Order) ([]string, bool, map[string][]Mark, bool, error) {
	err := w.call(func() { w.returned++ })
	if w.returned < 3 {
		return []string{"records are coming home"}, false, nil, false, err
	}
	return nil, false, map[string][]Mark{"orders": {{0, 20, 19}}}, true, err
}

func (w *world) Settle(_ context.Context, s State, switched map[string]Role) error {
	return w.call(func() {
		for topic := range switched {
			w.fenced[topic] = false
		}
		for group, verdict := range w.handed {
			if verdict == "handed_over" {
				w.handed[group] = "reclaimed"
			}
		}
		w.settled = s.Home.Marks
	})
}

// comeHome is what an operator does, until it is over or needs a person.
func (w *world) comeHome(o Order) (Progress, error) {
	m := w.machine()
	p, err := m.Return(context.Background(), o)
	for i := 0; err == nil && !p.State.Over() && !p.Needs; i++ {
		if i > 50 {
			return p, errors.New("it never ends")
		}
		p, err = m.Advance(context.Background(), o)
	}
	return p, err
}

func (w *world) isHome(t *testing.T, what string) {
	t.Helper()
	k := w.known(t)
	if k.State == nil || k.State.Step != AtHome {
		t.Fatalf("%s: %+v", what, k.State)
	}
	for _, topic := range w.view.Topics {
		if k.Roles[topic].Name != Forward || w.fenced[topic] {
			t.Errorf("%s: role of %s is %+v, fenced %v", what, topic, k.Roles[topic], w.fenced[topic])
		}
	}
	for _, g := range w.view.Groups {
		if k.Groups[g.Group].Verdict != "reclaimed" || w.handed[g.Group] != "reclaimed" {
			t.Errorf("%s: %s is %q on the log and %q here", what, g.Group, k.Groups[g.Group].Verdict, w.handed[g.Group])
		}
	}
	if w.settled["orders"][0] != (Mark{0, 20, 19}) {
		t.Errorf("%s: settled with %v", what, w.settled)
	}
}

// The way home, too, ends in the same place wherever it is killed.
func TestKilledOnTheWayHome(t *testing.T) {
	o := Order{Who: "me", Choice: Discard}
	away := func() *world {
		w := newWorld()
		if _, err := w.run(o); err != nil {
			t.Fatal(err)
		}
		w.calls = 0
		return w
	}
	w := away()
	w.diverged = []Unmirrored{{"orders", 0, 10, 17}}
	if _, err := w.comeHome(o); err != nil {
		t.Fatal(err)
	}
	w.isHome(t, "undisturbed")
	calls := w.calls
	for n := range calls {
		for _, afterwards := range []bool{false, true} {
			what := fmt.Sprintf("killed at call %d, after its effect %v", n, afterwards)
			w := away()
			w.dieAt, w.afterwards = n, afterwards
			if _, err := w.comeHome(o); !errors.Is(err, errDied) {
				if w.calls > n {
					t.Fatalf("%s: %v", what, err)
				}
				continue
			}
			w.dieAt = -1
			if p, err := w.comeHome(o); err != nil && !errors.Is(err, ErrNotHome) {
				t.Fatalf("%s: %v %+v", what, err, p)
			}
			w.isHome(t, what)
		}
	}
}

// What the secondary never got waits for a person.
func TestDivergence(t *testing.T) {
	w := newWorld()
	if _, err := w.comeHome(Order{}); !errors.Is(err, ErrNotHome) {
		t.Errorf("home from nowhere: %v", err)
	}
	if _, err := w.run(Order{Who: "me"}); err != nil {
		t.Fatal(err)
	}
	w.diverged = []Unmirrored{{"orders", 0, 10, 17}}
	p, err := w.comeHome(Order{Who: "me"})
	if err != nil || p.State.Step != Diverge || !p.Needs || len(p.Diverged) != 1 || !strings.Contains(p.Waits[0], "7 offsets") {
		t.Fatalf("%v %+v", err, p)
	}
	if _, err := w.run(Order{Who: "you"}); !errors.Is(err, ErrUnderWay) {
		t.Errorf("a failover begins on the way home: %v", err)
	}
	if _, err := w.machine().Rollback(context.Background(), Order{Who: "you"}); !errors.Is(err, ErrUnderWay) {
		t.Errorf("rolled back on the way home: %v", err)
	}
	if p, err = w.comeHome(Order{Who: "me", Choice: Export, Diverged: p.Diverged}); err != nil || p.State.Step != AtHome || p.State.Home.Choice != Export {
		t.Fatalf("%v %+v", err, p)
	}
	if p, err := w.run(Order{Who: "me"}); err != nil || p.State.Step != Done {
		t.Errorf("the next failover: %v %+v", err, p)
	}
}

// A mirror that is not leftoff's would copy back what came home: nothing is settled before a person says that it was told where to go on.
func TestHomeOverAnotherMirror(t *testing.T) {
	away := func() *world {
		w := newWorld()
		if _, err := w.run(Order{Who: "me"}); err != nil {
			t.Fatal(err)
		}
		w.alien.mirrors = true
		return w
	}
	w := away()
	p, err := w.comeHome(Order{Who: "me", Choice: Discard, Accept: true})
	switch {
	case err != nil || !p.Needs || p.State.Step != Settle || w.settled != nil:
		t.Fatalf("%v %+v", err, p)
	case len(p.Waits) != 2 || !strings.Contains(p.Waits[0], "--mirror-moved") || !strings.Contains(p.Waits[1], "orders/0: the mirror has to copy 20 next (MirrorMaker 2: offset 19)"):
		t.Errorf("%q", p.Waits)
	case len(p.State.Home.Resume) != 1 || p.State.Home.Resume[0] != (Resume{"orders", 0, 20}):
		t.Errorf("%+v", p.State.Home)
	}
	if p, err = w.comeHome(Order{Who: "you", Choice: Moved}); err != nil || p.State.Step != AtHome {
		t.Fatalf("%v %+v", err, p)
	}
	w.isHome(t, "moved")
	if past := p.State.Past; !strings.Contains(past[len(past)-1].Said, "says you") {
		t.Errorf("who said so is forgotten: %+v", past)
	}

	w = away()
	w.alien.doubts = []string{"orders/0: a mirror still copies"}
	if p, err = w.comeHome(Order{Who: "me", Choice: Export}); err != nil || !p.Needs || p.State.Step != Diverge || p.Waits[0] != w.alien.doubts[0] {
		t.Fatalf("a mirror that still copies is no obstacle: %v %+v", err, p)
	}
	if p, err = w.comeHome(Order{Who: "me", Choice: Replay}); err != nil || !p.Needs || p.State.Step != Diverge {
		t.Fatalf("a mirror that still copies is no obstacle to a replay: %v %+v", err, p)
	}
	w = away()
	w.alien.doubts = []string{"orders/0: a mirror still copies"}
	if p, err = w.comeHome(Order{Who: "me", Accept: true}); err != nil || p.State.Step != Settle || len(p.State.Accepted) != 1 {
		t.Fatalf("%v %+v", err, p)
	}
	// The word of the last step says nothing of the first.
	w = away()
	w.diverged = []Unmirrored{{"orders", 0, 10, 17}}
	if p, err = w.comeHome(Order{Who: "me", Choice: Moved}); err != nil || !p.Needs || p.State.Step != Diverge {
		t.Fatalf("%v %+v", err, p)
	}
}
