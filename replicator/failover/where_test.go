package failover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// homeworld is a world that can say how its way home stands.
type homeworld struct {
	*world
	waits []string
	err   error
}

func (s homeworld) Standing(context.Context, State) ([]string, bool, error) {
	return s.waits, len(s.waits) > 1, s.err
}

// looked asks how it stands, and fails where that changed anything.
func (w *world) looked(t *testing.T, ground Ground) Progress {
	t.Helper()
	values, happened, fenced, handed := len(w.values), slices.Clone(w.happened), maps.Clone(w.fenced), maps.Clone(w.handed)
	looks, returned, settled := w.looks, w.returned, len(w.settled)
	p, err := New(NewStore(w, "p→s"), ground).Where(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(w.values) != values || !slices.Equal(w.happened, happened) || !maps.Equal(w.fenced, fenced) || !maps.Equal(w.handed, handed) ||
		w.looks != looks || w.returned != returned || len(w.settled) != settled {
		t.Fatalf("at %s, a look changed something: %q %v %v, %d events", p.State.Step, w.happened, w.fenced, w.handed, len(w.values))
	}
	return p
}

// How it stands is what the step waits for, all of it, and not less than going on with it would say.
func TestWhereSaysWhatIsWaitedFor(t *testing.T) {
	for what, c := range map[string]struct {
		step   Step
		order  Order
		change func(w *world)
		says   []string
		person bool
	}{
		"preflight, held": {Preflight, Order{}, func(w *world) { w.view.Groups[1].Held = map[string]int{"topic_missing": 1} }, []string{"till: 1 offsets are held back, topic_missing"}, true},
		"stop": {Stop, Order{}, func(w *world) { w.members["till"], w.members["audit"] = []string{"one"}, []string{"two"} },
			[]string{"audit still runs on the primary: two", "till still runs on the primary: one"}, false},
		"drain":           {Drain, Order{}, func(w *world) { w.behind = []Unmirrored{{"orders", 0, 3, 5}} }, []string{"2 offsets in 1 partitions"}, false},
		"freeze":          {Freeze, Order{Unplanned: true}, func(w *world) { w.view.Ready[1] = false }, []string{"the offsets of the secondary are being read"}, false},
		"sync":            {Sync, Order{}, func(w *world) { w.view.Groups[0].Due = 1 }, []string{"1 positions are being written"}, false},
		"verify":          {Verify, Order{}, func(w *world) { w.looks = 7 }, []string{"7 positions to go"}, false},
		"switch":          {Switch, Order{}, func(w *world) { w.members["till"] = []string{"one"} }, []string{"till still runs on the primary: one"}, false},
		"switch, nothing": {Switch, Order{}, func(*world) {}, nil, false},
		"hand over, some": {HandOver, Order{Scope: Scope{Groups: []string{"till", "audit"}}}, func(w *world) { w.members["till"] = []string{"one"} }, []string{"till still runs"}, false},
		"hand over, all":  {HandOver, Order{}, func(w *world) { w.view.Ready[1] = false }, []string{"the offsets of the secondary"}, false},
		"the primary died": {Stop, Order{}, func(w *world) { w.noPrimary = true },
			[]string{"what step stop waits for is not known now: the primary is gone"}, false},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld()
			m := w.upTo(t, c.step, c.order)
			c.change(w)
			p := w.looked(t, w)
			if p.State.Step != c.step || p.Needs != c.person || len(p.Waits) != len(c.says) {
				t.Fatalf("at %s, person %v: %q", p.State.Step, p.Needs, p.Waits)
			}
			for i, says := range c.says {
				if !strings.HasPrefix(p.Waits[i], says) {
					t.Errorf("says %q, wanted %q", p.Waits[i], says)
				}
			}
			if w.noPrimary {
				return
			}
			if did, err := m.Advance(context.Background(), c.order); err != nil || len(c.says) > 0 && c.step != Verify && !slices.Equal(did.Waits, p.Waits) {
				t.Errorf("%v: going on says %q, and the look %q", err, did.Waits, p.Waits)
			}
		})
	}
}

// At every step of every kind a look changes nothing, and what is over waits for nothing.
func TestWhereChangesNothing(t *testing.T) {
	ctx := context.Background()
	for _, o := range []Order{{Who: "me"}, {Who: "me", Unplanned: true}, {Who: "me", Scope: Scope{Groups: []string{"till", "audit"}}}} {
		w := newWorld()
		w.noPrimary, w.looks = o.Unplanned, 2
		steps := map[Step]bool{}
		look := func(p Progress) {
			if got := w.looked(t, w); got.State.Step != p.State.Step {
				t.Fatalf("at %s, and the look says %s", p.State.Step, got.State.Step)
			}
			steps[p.State.Step] = true
		}
		if p := w.looked(t, w); p.State != nil || len(p.Waits) > 0 {
			t.Fatalf("before it began: %+v", p)
		}
		m := w.machine()
		p, err := m.Begin(ctx, o)
		for look(p); err == nil && !p.State.Over(); look(p) {
			p, err = m.Advance(ctx, o)
		}
		if err != nil || len(steps) != len(Steps(o.Unplanned)) {
			t.Fatalf("%v, went through %v", err, steps)
		}
		if _, err = m.Rollback(ctx, o); err != nil {
			t.Fatal(err)
		}
		if p = w.looked(t, w); p.State.Step != TakeBack || len(p.Waits) > 0 {
			t.Errorf("%+v", p)
		}
		w.view.Groups[0].Started = true
		if p = w.looked(t, w); !p.Needs || len(p.Waits) != 1 || !strings.HasPrefix(p.Waits[0], "audit have started") {
			t.Errorf("a rollback that can't go on: %+v", p)
		}
	}
}

// On the way home: the list to choose about, what the way home says of itself, and the word that the mirror was moved.
func TestWhereOnTheWayHome(t *testing.T) {
	ctx, o := context.Background(), Order{Who: "me", Choice: Discard}
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	w.diverged, w.alien.mirrors = []Unmirrored{{"orders", 0, 10, 17}}, true
	ground := homeworld{world: w}
	m := New(NewStore(w, "p→s"), ground)
	p, err := m.Return(ctx, o)
	for err == nil && p.State.Step != AtHome {
		switch p := w.looked(t, ground); p.State.Step {
		case Diverge:
			if !p.Needs || !slices.Equal(p.Diverged, w.diverged) || !strings.Contains(fmt.Sprint(p.Waits), "7 offsets") {
				t.Errorf("%+v", p)
			}
		case Return:
			if w.looked(t, w).Waits != nil {
				t.Error("a ground that can't tell says something")
			}
			ground.waits = []string{"a", "b"}
			if p = w.looked(t, ground); !p.Needs || !slices.Equal(p.Waits, ground.waits) {
				t.Errorf("%+v", p)
			}
			ground.waits, ground.err = nil, errors.New("no answer")
			if p = w.looked(t, ground); p.Needs || !slices.Equal(p.Waits, []string{"what step return waits for is not known now: no answer"}) {
				t.Errorf("%+v", p)
			}
			ground.err = nil
		case Settle:
			if !p.Needs || !strings.Contains(fmt.Sprint(p.Waits), "--mirror-moved") {
				t.Errorf("%+v", p)
			}
			o.Choice = Moved
		}
		p, err = m.Advance(ctx, o)
	}
	if p = w.looked(t, ground); err != nil || p.State.Step != AtHome || len(p.Waits) > 0 {
		t.Errorf("%v %+v", err, p)
	}
}

// deaf is a ground whose primary never answers.
type deaf struct{ *world }

func (d deaf) Members(ctx context.Context, _ []string) (map[string][]string, error) {
	within, ok := ctx.Deadline()
	if !ok || time.Until(within) > whereWithin {
		return nil, errors.New("it would be waited for without an end")
	}
	return nil, context.DeadlineExceeded
}

// A cluster that does not answer is no reason not to say the rest.
func TestWhereAnswersInTime(t *testing.T) {
	w := newWorld()
	w.upTo(t, Stop, Order{})
	if p := w.looked(t, deaf{w}); p.State.Step != Stop || len(p.Waits) != 1 || !strings.HasSuffix(p.Waits[0], context.DeadlineExceeded.Error()) {
		t.Errorf("%+v", p)
	}
}

// A link that has topics only is looked at as one, by whoever looks.
func TestTopicsOnlyIsKept(t *testing.T) {
	w := newWorld()
	w.view.Groups = nil
	w.upTo(t, Preflight, Order{TopicsOnly: true})
	if p := w.looked(t, w); len(p.Waits) > 0 || !p.State.TopicsOnly {
		t.Errorf("%+v", p)
	}
}
