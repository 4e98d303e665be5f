package failover

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A topic that the secondary does not have is behind: preflight and drain say how much of it the primary has, and what a person has accepted once is not
// asked again, but for what is more. It is not what producers wrote while topics were switched.
func TestTopicThatTheSecondaryDoesNotHave(t *testing.T) {
	w := newWorld()
	w.view.Topics, w.view.Absent = append(w.view.Topics, "early", "empty"), []string{"early", "empty"}
	w.view.Groups[0].Held = map[string]int{"topic_missing": 2}
	w.behind = []Unmirrored{{"early", 0, 0, 20}, {"early", 1, 5, 9}}
	all, err := w.machine().Try(context.Background(), Order{})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range all {
		said := strings.Join(at.Finds, "\n")
		if at.Step != Preflight && at.Step != Drain {
			continue
		}
		if !strings.Contains(said, "early: the secondary has no copy of this topic, and the primary has 24 offsets in 2 partitions of it") || strings.Contains(said, "empty:") {
			t.Errorf("%s finds %q", at.Step, said)
		}
	}
	if said := strings.Join(all[0].Finds, "\n"); !strings.Contains(said, "topic_missing: of their topics the secondary has no copy") {
		t.Errorf("preflight finds %q", said)
	}
	p, err := w.run(Order{Who: "me"})
	if err != nil || p.State.Step != Preflight || !p.Needs {
		t.Fatalf("%v %+v", err, p)
	}
	o := Order{Who: "me", Accept: true}
	m := w.machine()
	for err == nil && p.State.Step != Drain {
		p, err = m.Advance(context.Background(), o)
	}
	w.behind[0].To++ // a producer came
	if p, err = w.run(Order{Who: "me"}); err != nil || p.State.Step != Drain || !p.Needs || len(p.Waits) != 1 || !strings.Contains(p.Waits[0], "early: ") || !strings.Contains(p.Waits[0], "25 offsets") {
		t.Fatalf("%v %+v", err, p)
	}
	if p, err = m.Advance(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if p, err = w.run(Order{Who: "me"}); err != nil || p.State.Step != Done || len(p.State.Notes) != 0 {
		t.Fatalf("%v %q %+v", err, p.Waits, p.State)
	}
	for _, past := range p.State.Past {
		if past.Step == Drain && !strings.Contains(past.Said, "but for 25 offsets in 2 partitions of topics that it does not have") {
			t.Errorf("drain said %q", past.Said)
		}
	}
}

// Records on their way to a topic that is there are waited for, whatever is accepted.
func TestNobodyAcceptsWhatIsComing(t *testing.T) {
	w := newWorld()
	w.behind = []Unmirrored{{"orders", 0, 3, 20}}
	if p, err := w.run(Order{Accept: true}); err != nil || p.State.Step != Drain || p.Needs || len(p.Waits) != 1 {
		t.Errorf("%v %+v", err, p)
	}
}

// A dry run calls a topic that nobody knows by what it is.
func TestTrialOfTopicThatIsNotKnown(t *testing.T) {
	for asked, want := range map[string]string{
		"nosuch":        "no topic that is known here would change hands; not known on this link: nosuch",
		"orders nosuch": "would change hands: orders; not known on this link: nosuch",
		"orders":        "would change hands: orders",
	} {
		all, err := newWorld().machine().Try(context.Background(), Order{Scope: Scope{Topics: strings.Fields(asked)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range all {
			if at.Step == Switch && at.Says != want {
				t.Errorf("%s: %q, want %q", asked, at.Says, want)
			}
		}
	}
}

// On the way home leftoff verify compares the regions the wrong way round, and is not what a person is sent to.
func TestBadPositionsOnTheWayHome(t *testing.T) {
	bad := Checked{Bad: []string{"till, orders/0 at 7: rereads, it does"}, Of: []string{"till"}}
	for name, want := range map[string]string{
		"west-east":                           "Try: leftoff verify; or --accept",
		"west-east-home-20261125-193600-0f3a": "Try: let till read to the end on the primary, and stop it again; or --accept",
	} {
		w := newWorld()
		w.checked = bad
		m := New(NewStore(w, LinkID(name, "p", "s")), w)
		p, err := m.Begin(context.Background(), Order{})
		for err == nil && !p.Needs {
			p, err = m.Advance(context.Background(), Order{})
		}
		if err != nil || p.State.Step != Verify || !strings.HasPrefix(p.Waits[len(p.Waits)-1], want) {
			t.Errorf("%s: %v %+v", name, err, p)
		}
	}
}

// The primary's log knows the ways home that led to it: of the link, and no others.
func TestWaysHome(t *testing.T) {
	w, ctx := newWorld(), context.Background()
	for i, name := range []string{"a-home-20261125-193600-0f3a", "a-home-20261125-193600-0f3a", "a-home-20261126-100000-aaaa", "b-home-20261125-193600-bbbb", "a"} {
		for _, ids := range [][2]string{{"s", "p"}, {"s", "q"}} {
			s := NewStore(w, LinkID(name, ids[0], ids[1]))
			s.now = func() time.Time { return time.Unix(int64(i), 0) }
			if err := s.Note(ctx, "x", ids[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, err := WaysHome(ctx, w, "a", "p", "s")
	if err != nil || len(all) != 2 || all["20261125-193600-0f3a"].Unix() != 1 || all["20261126-100000-aaaa"].Unix() != 2 {
		t.Error(fmt.Sprint(all), err)
	}
}
