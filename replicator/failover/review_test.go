package failover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// rollBack is what an operator does to turn it round.
func (w *world) rollBack(o Order) (Progress, error) {
	m := w.machine()
	p, err := m.Rollback(context.Background(), o)
	for i := 0; err == nil && !p.State.Over() && len(p.Waits) == 0; i++ {
		if i > 10 {
			return p, errors.New("it never ends")
		}
		p, err = m.Advance(context.Background(), o)
	}
	return p, err
}

// The day's report speaks of the positions as they were before the switch: behind the fence nothing can be said of them.
func TestReportIsOfBeforeTheSwitch(t *testing.T) {
	w := newWorld()
	w.noPrimary = true
	w.view.Groups[0].Confidence, w.view.Groups[0].Reread, w.view.Groups[0].Missing = "behind", 70, 1
	w.onSwitch = func() {
		for i := range w.view.Groups {
			w.view.Groups[i] = GroupView{Group: w.view.Groups[i].Group, Offsets: 2, Confidence: NotOurs}
		}
	}
	p, err := w.run(Order{Unplanned: true, Who: "me"})
	if err != nil || p.State.Step != Done {
		t.Fatalf("%v %+v", err, p)
	}
	want := GroupReport{Group: "audit", Offsets: 2, Confidence: "behind", Reread: 70, Missing: 1, Verdict: "handed_over"}
	if g := p.State.Groups; len(g) != 2 || g[0] != want || g[1].Confidence != "exact" {
		t.Errorf("the report says %+v", g)
	}
}

// A step that died half-way is turned round all the same: the rollback is killed at every call, too, and ends in the same place.
func TestRolledBackFromAnywhere(t *testing.T) {
	o := Order{Who: "me"}
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	for n := range w.calls {
		for _, afterwards := range []bool{false, true} {
			w := newWorld()
			w.dieAt, w.afterwards = n, afterwards
			if _, err := w.run(o); !errors.Is(err, errDied) {
				continue
			}
			w.dieAt = -1
			if w.known(t).State == nil {
				continue
			}
			before := w.calls
			if _, err := w.rollBack(o); err != nil {
				t.Fatalf("killed at %d: %v", n, err)
			}
			w.isBack(t, fmt.Sprintf("killed at call %d, after its effect %v", n, afterwards))
			if !afterwards && n%9 == 0 {
				killRollback(t, n, w.calls-before)
			}
		}
	}
}

func killRollback(t *testing.T, n, calls int) {
	t.Helper()
	o := Order{Who: "me"}
	for k := range calls {
		w := newWorld()
		w.dieAt = n
		if _, err := w.run(o); !errors.Is(err, errDied) {
			t.Fatal(err)
		}
		w.dieAt = -1
		w.known(t)
		w.dieAt, w.afterwards = w.calls+k, true
		_, err := w.rollBack(o)
		w.dieAt = -1
		if err == nil {
			continue
		}
		if _, err := w.rollBack(o); err != nil {
			t.Fatalf("killed at %d, rollback killed at %d: %v", n, k, err)
		}
		w.isBack(t, fmt.Sprintf("killed at call %d, and the rollback at its %d", n, k))
	}
}

// isBack: nothing is fenced and no group handed over, here and on the log.
func (w *world) isBack(t *testing.T, what string) {
	t.Helper()
	k := w.known(t)
	if k.State == nil || k.State.Step != RolledBack {
		t.Fatalf("%s: %+v", what, k.State)
	}
	for _, topic := range w.view.Topics {
		if w.fenced[topic] || k.Roles[topic].Name == Switched {
			t.Errorf("%s: %s is fenced: %v, on the log %q", what, topic, w.fenced[topic], k.Roles[topic].Name)
		}
	}
	for _, g := range w.view.Groups {
		if w.handed[g.Group] == "handed_over" || k.Groups[g.Group].Verdict == "handed_over" {
			t.Errorf("%s: %s is %q, on the log %q", what, g.Group, w.handed[g.Group], k.Groups[g.Group].Verdict)
		}
	}
}

// The second failover leaves alone what the first one switched and handed over, and so does its rollback.
func TestRollbackLeavesAnEarlierFailoverAlone(t *testing.T) {
	w := newWorld()
	all := w.view
	w.view.Topics, w.view.Groups = []string{"orders"}, w.view.Groups[:1]
	if _, err := w.run(Order{Who: "me", Scope: Scope{Topics: []string{"orders"}}}); err != nil {
		t.Fatal(err)
	}
	first := w.known(t)
	w.view, w.mark = all, 1_000
	if p, err := w.run(Order{Who: "me"}); err != nil || p.State.Step != Done {
		t.Fatalf("%v %+v", err, p)
	}
	if k := w.known(t); k.Roles["orders"].ID != first.State.ID || k.Roles["orders"].Marks[0].Secondary != 9 || k.Roles["payments"].ID == first.State.ID {
		t.Errorf("roles are %+v", k.Roles)
	}
	if _, err := w.rollBack(Order{Who: "me"}); err != nil {
		t.Fatal(err)
	}
	k := w.known(t)
	if k.Roles["orders"].Name != Switched || !w.fenced["orders"] || k.Roles["payments"].Name != Forward || w.fenced["payments"] {
		t.Errorf("roles are %+v, fenced %v", k.Roles, w.fenced)
	}
	if k.Groups["audit"].Verdict != "handed_over" || w.handed["audit"] != "handed_over" || k.Groups["till"].Verdict != "reclaimed" {
		t.Errorf("groups are %+v here, %q and %q on the log", w.handed, k.Groups["audit"].Verdict, k.Groups["till"].Verdict)
	}
}

// (P*, S*) are of the moment when the mirror was fenced, however often the step is repeated.
func TestMarksStay(t *testing.T) {
	o := Order{Who: "me"}
	for n := range 80 {
		w := newWorld()
		w.dieAt = n
		if _, err := w.run(o); !errors.Is(err, errDied) {
			break
		}
		if k := w.known(t); k.Roles["orders"].Name == Switched {
			w.mark = 1_000 // the secondary's producers write
		}
		if _, err := w.run(o); err != nil {
			t.Fatal(err)
		}
		if k := w.known(t); k.Roles["orders"].Marks[0].Secondary != k.State.Topics[0].Marks[0].Secondary || w.mark > 0 && k.State.Topics[0].Marks[0].Secondary != 9 {
			t.Fatalf("killed at call %d: the role says %+v, the report %+v", n, k.Roles["orders"].Marks, k.State.Topics[0].Marks)
		}
	}
}

// Of two operators one turns it round while the other's step is on its way: what that one writes late counts for nothing.
func TestLateStepCountsForNothing(t *testing.T) {
	ctx, o := context.Background(), Order{Who: "ann"}
	w := newWorld()
	for w.known(t).State == nil || w.known(t).State.Step != Switch {
		m := w.machine()
		if _, err := m.Begin(ctx, o); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Advance(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	turned := false
	w.onSwitch = func() {
		if !turned {
			turned = true
			if _, err := w.rollBack(Order{Who: "bob"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := w.machine().Advance(ctx, o); !errors.Is(err, ErrOvertaken) || !strings.Contains(err.Error(), "bob") {
		t.Fatalf("ann is told %v", err)
	}
	if k := w.known(t); k.State.Step != RolledBack || k.Roles["orders"].Name == Switched {
		t.Errorf("%s, and orders is %+v", k.State.Step, k.Roles["orders"])
	}
}

// The same order again, when all is done, changes nothing, and can still be turned round.
func TestTwiceIsOnce(t *testing.T) {
	o := Order{Who: "me"}
	w := newWorld()
	first, err := w.run(o)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.run(o); err != nil || again.State.ID != first.State.ID || again.State.Step != Done {
		t.Errorf("%v %+v", err, again.State)
	}
	if _, err := w.rollBack(o); err != nil {
		t.Fatal(err)
	}
	w.isBack(t, "after two")
	if again, err := w.run(o); err != nil || again.State.ID == first.State.ID || again.State.Step != Done {
		t.Errorf("%v %+v", err, again.State)
	}
}

// What is not known to the last record is no ground for a rollback: a group may be running.
func TestNoRollbackBeforeTheSecondaryWasRead(t *testing.T) {
	o := Order{Who: "me"}
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	w.view.Ready[1] = false
	if _, err := w.machine().Rollback(context.Background(), o); !errors.Is(err, ErrReading) {
		t.Errorf("turned round: %v", err)
	}
	if k := w.known(t); k.State.Step != Done {
		t.Errorf("at %s", k.State.Step)
	}
}

// Producers that write again between drain and switch are waited for: behind the fence their records would be lost.
func TestProducersThatCameBack(t *testing.T) {
	o, ctx := Order{Who: "me"}, context.Background()
	w := newWorld()
	m := w.machine()
	p, err := m.Begin(ctx, o)
	for err == nil && p.State.Step != Switch {
		p, err = m.Advance(ctx, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.behind = []Unmirrored{{"orders", 0, 10, 12}}
	if p, err := m.Advance(ctx, o); err != nil || p.State.Step != Switch || len(p.Waits) == 0 || w.fenced["orders"] {
		t.Errorf("%v %+v, fenced %v", err, p, w.fenced)
	}
	w.behind = nil
	if p, err := m.Advance(ctx, o); err != nil || p.State.Step != HandOver {
		t.Errorf("%v %+v", err, p)
	}
}

func TestMoreWaits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		order  Order
		step   Step
		says   string
		person bool
	}{
		"refused write": {func(w *world) { w.view.Groups[1].Held = map[string]int{"unreachable": 1} }, Order{}, Sync, "till: 1 offsets wait, unreachable", false},
		"catching up":   {func(w *world) { w.view.Groups[1].Held = map[string]int{"catching_up": 2} }, Order{}, Sync, "till: 2 offsets wait, catching_up", false},
		"comparing":     {func(w *world) { w.view.Groups[1].Held = map[string]int{"source_degraded": 1} }, Order{}, Preflight, "source_degraded", false},
		"new since": {func(w *world) {
			w.onMembers = func() { w.view.Groups[0].Held = map[string]int{"unmapped": 1} }
		}, Order{}, Sync, "audit: 1 offsets are held back, unmapped", true},
		"typo in a group":       {func(*world) {}, Order{Scope: Scope{Groups: []string{"till", "tlil", "audit"}}}, Preflight, "tlil: no such group", true},
		"typo in a topic":       {func(*world) {}, Order{Scope: Scope{Topics: []string{"orders", "ordres"}}}, Preflight, "ordres: no such topic", true},
		"typo, unplanned":       {func(*world) {}, Order{Unplanned: true, Scope: Scope{Groups: []string{"till", "tlil"}}}, Freeze, "tlil: no such group", true},
		"reads elsewhere, too":  {func(w *world) { w.view.Groups[1].Elsewhere = []string{"refunds"} }, Order{Scope: Scope{Topics: []string{"orders"}}}, Preflight, "also reads refunds", true},
		"handed over elsewhere": {func(w *world) { w.view.Groups[1].Confidence = NotOurs }, Order{}, Done, "", false},
		"unplanned, held back": {func(w *world) {
			w.view.Groups[1].Held, w.view.Groups[1].Confidence = map[string]int{"catching_up": 2}, LastWritten
		}, Order{Unplanned: true}, Done, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			c.change(w)
			p, err := w.run(c.order)
			if err != nil || p.State.Step != c.step || p.Needs != c.person || !strings.Contains(strings.Join(p.Waits, "; "), c.says) {
				t.Fatalf("%v, at %+v, waits for %q, needs a person: %v", err, p.State, p.Waits, p.Needs)
			}
			c.order.Accept = true
			if p, err := w.run(c.order); err != nil || p.State.Step != Done {
				t.Errorf("accepted: %v, at %s, waits for %q", err, p.State.Step, p.Waits)
			}
		})
	}
}

// A dry run with one cluster away still says what the other steps find.
func TestTryGoesOn(t *testing.T) {
	w := newWorld()
	w.noPrimary = true
	all, err := w.machine().Try(context.Background(), Order{})
	if err != nil || len(all) != len(Steps(false))-1 || !strings.Contains(strings.Join(all[1].Finds, ""), "the primary is gone") || all[len(all)-1].Step != HandOver {
		t.Errorf("%v %+v", err, all)
	}
}

// A person deleted the beginning of the log: what follows it still counts.
func TestLogWithoutItsBeginning(t *testing.T) {
	w := newWorld()
	if _, err := w.run(Order{Who: "me"}); err != nil {
		t.Fatal(err)
	}
	want := w.known(t)
	w.start = 3
	k := w.known(t)
	if k.State == nil || k.State.ID != want.State.ID || k.State.Step != Done || k.Roles["orders"].Name != Switched || k.Groups["till"].Verdict != "handed_over" {
		t.Errorf("%+v", k)
	}
}

// The log is read every few seconds for as long as a link lives: what did not change costs nothing, and what did is seen.
func TestLoadAgain(t *testing.T) {
	w := newWorld()
	if _, err := w.run(Order{Who: "me"}); err != nil {
		t.Fatal(err)
	}
	ctx, s := context.Background(), NewStore(w, "p→s")
	load := func() Known {
		t.Helper()
		k, err := s.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := load()
	if again := load(); again.State != first.State || len(again.Events) != len(first.Events) {
		t.Error("decoded anew")
	}
	if allocs := testing.AllocsPerRun(10, func() { load() }); allocs > float64(len(w.values)) {
		t.Errorf("%v allocations for a log that did not change", allocs)
	}
	if err := s.SetGroups(ctx, "leftoff", []Group{{Name: "till", Verdict: "reclaimed", Why: "mine"}}); err != nil {
		t.Fatal(err)
	}
	if k := load(); k.Groups["till"].Verdict != "reclaimed" || first.Groups["till"].Verdict != "handed_over" {
		t.Errorf("%+v, and before %+v", k.Groups["till"], first.Groups["till"])
	}
	w.values = w.values[:2] // another topic
	if k := load(); k.Groups["till"].Verdict != "" || len(k.Events) != 2 {
		t.Errorf("%+v", k)
	}
}
