package failover

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// upTo takes an order forward until a step is to be taken.
func (w *world) upTo(t *testing.T, step Step, o Order) *Machine {
	t.Helper()
	m := w.machine()
	p, err := m.Begin(context.Background(), o)
	for err == nil && p.State.Step != step {
		if len(p.Waits) > 0 || p.State.Over() {
			t.Fatalf("at %s, and %s does not come: %q", p.State.Step, step, p.Waits)
		}
		p, err = m.Advance(context.Background(), o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Whoever was started again while records were compared is waited for, and so is what they did: nothing changes hands before that. One
// that is stopped again keeps nothing up.
func TestStartedAgainBeforeTheSwitch(t *testing.T) {
	onlyGroups := Scope{Groups: []string{"audit", "till"}}
	for what, c := range map[string]struct {
		scope  Scope
		step   Step
		change func(w *world)
		says   string
		person bool
		heal   func(w *world)
	}{
		"a consumer":                {Scope{}, Switch, func(w *world) { w.members["till"] = []string{"one on 10.0.0.1"} }, "till still runs on the primary: one", false, func(w *world) { w.members = nil }},
		"a consumer of single ones": {onlyGroups, HandOver, func(w *world) { w.members["till"] = []string{"one"} }, "till still runs on the primary", false, func(w *world) { w.members = nil }},
		"a producer":                {Scope{}, Switch, func(w *world) { w.behind = []Unmirrored{{"orders", 0, 3, 5}} }, "2 offsets in 1 partitions", false, func(w *world) { w.behind = nil }},
		"a transaction":             {Scope{}, Switch, func(w *world) { w.open = []Unmirrored{{"orders", 2, 3, 5}} }, "a transaction is open on orders/2, since offset 3", false, func(w *world) { w.open = nil }},
		"a commit":                  {Scope{}, Switch, func(w *world) { w.view.Groups[0].Due = 3 }, "3 positions are being written", false, func(w *world) { w.view.Groups[0].Due = 0 }},
		"a commit of a single one":  {onlyGroups, HandOver, func(w *world) { w.view.Groups[0].Due = 3 }, "3 positions are being written", false, func(w *world) { w.view.Groups[0].Due = 0 }},
		"a commit to be compared":   {Scope{}, Switch, func(w *world) { w.view.Groups[0].Pending = 1 }, "1 positions are being compared", false, func(w *world) { w.view.Groups[0].Pending = 0 }},
		"a coordinator": {Scope{}, Switch, func(w *world) { w.view.Groups[0].Held = map[string]int{"unreachable": 1} }, "audit: 1 offsets wait", false,
			func(w *world) { w.view.Groups[0].Held = nil }},
		"a commit that no position is known for": {Scope{}, Switch, func(w *world) { w.view.Groups[1].Confidence, w.view.Groups[1].Reread = "floor", 12 },
			"till was exact, and is floor since: up to 12 records", true, func(w *world) { w.view.Groups[1].Confidence = "exact" }},
	} {
		t.Run(what, func(t *testing.T) {
			w, o := newWorld(), Order{Who: "me", Scope: c.scope}
			m := w.upTo(t, c.step, o)
			c.change(w)
			p, err := m.Advance(context.Background(), o)
			if err != nil || p.State.Step != c.step || p.Needs != c.person || !strings.Contains(strings.Join(p.Waits, "; "), c.says) {
				t.Fatalf("%v, at %s, person %v: %q", err, p.State.Step, p.Needs, p.Waits)
			}
			if len(w.fenced) > 0 || len(w.handed) > 0 {
				t.Errorf("changed hands: %v %v", w.fenced, w.handed)
			}
			c.heal(w)
			if p, err := w.run(o); err != nil || p.State.Step != Done || len(p.State.Notes) > 0 {
				t.Errorf("%v %+v", err, p.State)
			}
		})
	}
}

// The report is of the positions as they were when the groups were let go, and a person may accept what they became.
func TestReportFollowsTheLastLook(t *testing.T) {
	for _, scope := range []Scope{{}, {Groups: []string{"audit", "till"}}} {
		w, o := newWorld(), Order{Who: "me", Scope: scope}
		w.upTo(t, Switch, o)
		w.view.Groups[1].Confidence, w.view.Groups[1].Reread, w.view.Groups[1].Offsets = "floor", 12, 3
		o.Accept = true
		p, err := w.run(o)
		if err != nil || p.State.Step != Done {
			t.Fatalf("%v %+v", err, p)
		}
		want := GroupReport{Group: "till", Offsets: 3, Confidence: "floor", Reread: 12, Verdict: "handed_over"}
		if i := slices.Index(p.State.Groups, want); i < 0 || len(p.State.Accepted) != 1 {
			t.Errorf("%+v, accepted %q", p.State.Groups, p.State.Accepted)
		}
	}
}

// What was accepted as not exact at sync is not asked about again, however its bound has changed since.
func TestAcceptedOnce(t *testing.T) {
	w, o := newWorld(), Order{Who: "me", Accept: true}
	w.view.Groups[1].Confidence, w.view.Groups[1].Reread = "floor", 12
	w.upTo(t, Switch, o)
	w.view.Groups[1].Reread = 9
	if p, err := w.run(Order{Who: "me"}); err != nil || p.State.Step != Done || p.State.Groups[1].Reread != 9 {
		t.Errorf("%v %+v", err, p)
	}
}

// A hand-over of single groups that died half-way goes on: those that were let go are not asked about, and their report stays.
func TestHalfHandedOver(t *testing.T) {
	w, o := newWorld(), Order{Who: "me", Scope: Scope{Groups: []string{"audit", "till"}}}
	w.upTo(t, HandOver, o)
	w.handed["audit"] = "handed_over"
	w.view.Groups[0].Confidence, w.view.Groups[0].Due = NotOurs, 0
	p, err := w.run(o)
	if err != nil || p.State.Step != Done || p.State.Groups[0].Confidence != "exact" {
		t.Errorf("%v %+v", err, p.State)
	}
}

// Consumers that come back to the primary once its topics were switched hold nothing up, and are named.
func TestCameBackBehindTheFence(t *testing.T) {
	w, o := newWorld(), Order{Who: "me"}
	m := w.upTo(t, HandOver, o)
	w.members["till"] = []string{"one on 10.0.0.1"}
	p, err := m.Advance(context.Background(), o)
	if err != nil || p.State.Step != Done || len(p.State.Notes) != 1 || !strings.HasPrefix(p.State.Notes[0], "till runs on the primary, by one on 10.0.0.1") {
		t.Fatalf("%v %+v", err, p)
	}
	w.isOver(t, "came back")
}

// What producers wrote between the last look and the fence is counted and noted; of a primary that died in that moment it is said that nothing is
// known. Unplanned, nothing is asked.
func TestWrittenWhileTopicsAreSwitched(t *testing.T) {
	for what, c := range map[string]struct {
		unplanned bool
		change    func(w *world)
		says      []string
	}{
		"nothing": {false, func(*world) {}, nil},
		"records": {false, func(w *world) {
			w.behind = []Unmirrored{{"orders", 0, 10, 17}, {"orders", 3, 0, 2}, {"other", 0, 0, 2}}
		},
			[]string{"9 offsets in 2 partitions were written on the primary while the topics were being switched, and are not on the secondary, most of all orders/0 from 10 to 16"}},
		"a transaction": {false, func(w *world) { w.open = []Unmirrored{{"payments", 1, 4, 6}} }, []string{"a transaction was open on the primary when the topics were switched, on payments/1 since offset 4"}},
		"both": {false, func(w *world) {
			w.open, w.behind = []Unmirrored{{"payments", 1, 4, 6}}, []Unmirrored{{"orders", 0, 10, 11}}
		}, []string{"a transaction was open", "1 offsets in 1 partitions were written"}},
		"a death":   {false, func(w *world) { w.noPrimary = true }, []string{"whether producers wrote on the primary until the topics were switched is not known"}},
		"unplanned": {true, func(w *world) { w.behind = []Unmirrored{{"orders", 0, 10, 17}} }, nil},
	} {
		t.Run(what, func(t *testing.T) {
			w, o := newWorld(), Order{Unplanned: c.unplanned, Who: "me"}
			w.onSwitch = func() { c.change(w) }
			p, err := w.run(o)
			if err != nil || p.State.Step != Done || len(p.State.Notes) != len(c.says) {
				t.Fatalf("%v, at %s: %q", err, p.State.Step, p.State.Notes)
			}
			for i, says := range c.says {
				if !strings.HasPrefix(p.State.Notes[i], says) {
					t.Errorf("%q, wanted %q", p.State.Notes[i], says)
				}
			}
			w.isOver(t, what)
		})
	}
}

// A mirror that is not leftoff's goes on behind the switch: what it has not copied yet is not called left behind.
func TestAlienMirrorLeavesNothing(t *testing.T) {
	w, o := newWorld(), Order{Who: "me"}
	w.unfenced = true
	w.onSwitch = func() { w.behind = []Unmirrored{{"orders", 0, 10, 17}} }
	if p, err := w.run(o); err != nil || p.State.Step != Done || len(p.State.Notes) > 0 {
		t.Fatalf("%v %+v", err, p)
	}
}

// An open transaction is asked for before the ends: one that commits in between lies below them, and is waited for as records.
func TestTransactionThatCommitsMeanwhile(t *testing.T) {
	w, o := newWorld(), Order{Who: "me"}
	w.onOpen = func() {
		if len(w.open) > 0 {
			w.open, w.behind = nil, []Unmirrored{{"orders", 0, 3, 5}}
		}
	}
	w.open = []Unmirrored{{"orders", 0, 3, 5}}
	p, err := w.run(o)
	if err != nil || p.State.Step != Drain || len(p.Waits) != 2 || !strings.Contains(p.Waits[0], "2 offsets in 1 partitions") || !strings.Contains(p.Waits[1], "Try: ") {
		t.Fatalf("%v %+v", err, p)
	}
	w.behind = nil
	if p, err := w.run(o); err != nil || p.State.Step != Done {
		t.Fatalf("%v %+v", err, p)
	}
}

// Many open transactions are a few sentences.
func TestManyTransactions(t *testing.T) {
	w := newWorld()
	for n := range int32(40) {
		w.open = append(w.open, Unmirrored{"orders", n, 1, 2})
	}
	if p, err := w.run(Order{}); err != nil || p.State.Step != Drain || len(p.Waits) != few+1 || p.Waits[few] != "transactions are open on 35 more partitions" {
		t.Errorf("%v %q", err, p.Waits)
	}
}

// Producers of a topic that an earlier failover switched keep nothing waiting: what they write is fenced off, and was then.
func TestTopicsOfAnEarlierFailoverAreNotDrained(t *testing.T) {
	w := newWorld()
	if _, err := w.run(Order{Who: "me", Scope: Scope{Topics: []string{"orders"}}, Accept: true}); err != nil {
		t.Fatal(err)
	}
	w.behind = []Unmirrored{{"orders", 0, 10, 17}}
	if p, err := w.run(Order{Who: "me"}); err != nil || p.State.Step != Done {
		t.Fatalf("%v %+v", err, p)
	}
}

// With the switch begun the primary is not asked any more: it may be gone by then.
func TestSwitchThatWasBegunAsksNothing(t *testing.T) {
	o, begun := Order{Who: "me"}, 0
	for n := 0; ; n++ {
		w := newWorld()
		m := w.upTo(t, Switch, o)
		w.dieAt, w.afterwards = w.calls+n, true
		if _, err := m.Advance(context.Background(), o); !errors.Is(err, errDied) {
			break
		}
		if k := w.known(t); k.State.Step != Switch || len(k.switchedBy(k.State.ID)) == 0 {
			continue
		}
		begun++
		w.noPrimary = true
		if p, err := w.run(o); err != nil || p.State.Step != Done {
			t.Errorf("killed at call %d: %v %+v", n, err, p)
		}
	}
	if begun == 0 {
		t.Error("it was never killed between the roles and the next step")
	}
}
