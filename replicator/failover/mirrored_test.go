package failover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Topics with copies are kept in few events, and tell the primary's id on the day when nothing else does.
func TestMirroredTopicsAreKept(t *testing.T) {
	w, ctx := newWorld(), context.Background()
	s := NewStore(w, LinkID("west-east", "p", "s"))
	var many []string
	for i := range 2*manyTopics + 1 {
		many = append(many, fmt.Sprintf("t%05d", i))
	}
	if err := s.SetMirrored(ctx, "leftoff", nil); err != nil || len(w.values) != 0 {
		t.Fatalf("%v, %d events for nothing", err, len(w.values))
	}
	for _, topics := range [][]string{many, {"one more"}} {
		if err := s.SetMirrored(ctx, "leftoff", topics); err != nil {
			t.Fatal(err)
		}
	}
	k, err := s.Load(ctx)
	if err != nil || len(k.Mirrored) != len(many)+1 || !k.Mirrored["t02000"] || !k.Mirrored["one more"] || len(w.values) != 4 || len(k.Roles) != 0 {
		t.Fatalf("%v: %d topics, %d events, roles %v", err, len(k.Mirrored), len(w.values), k.Roles)
	}
	if p, others, err := Primaries(ctx, w, "west-east", "s"); err != nil || !slices.Equal(p, []string{"p"}) || len(others) != 0 {
		t.Errorf("%v %q, others %q", err, p, others)
	}
	if p, others, err := Primaries(ctx, w, "pacific", "s"); err != nil || len(p) != 0 || !slices.Equal(others, []string{"west-east"}) {
		t.Errorf("%v %q, others %q", err, p, others)
	}
}

// Where nothing tells of topics that no group reads, the report says that they were not switched, and a dry run before it; where topics or
// groups were named there is nothing to say.
func TestUnlistedTopicsAreSaid(t *testing.T) {
	const says = "topics that no group reads do not change hands"
	for _, c := range []struct {
		scope    Scope
		unlisted bool
		want     bool
	}{{Scope{}, true, true}, {Scope{}, false, false}, {Scope{Topics: []string{"orders"}}, true, false}, {Scope{Groups: []string{"till", "audit"}}, true, false}} {
		w := newWorld()
		w.noPrimary, w.view.Unlisted = true, c.unlisted
		o := Order{Unplanned: true, Who: "me", Scope: c.scope}
		trial, err := w.machine().Try(context.Background(), o)
		if err != nil || strings.Contains(fmt.Sprint(trial), says) != c.want {
			t.Errorf("%+v: %v, the dry run says %+v", c.scope, err, trial)
		}
		p, err := w.run(o)
		if err != nil || p.State.Step != Done || (len(p.State.Notes) == 1) != c.want || c.want && !strings.HasPrefix(p.State.Notes[0], says) {
			t.Errorf("%+v: %v %+v", c.scope, err, p.State.Notes)
		}
	}
}

// A leftoff that goes on with a failover and knows of fewer topics than the one that began it switches all of them the same.
func TestTopicsFoundAtFirstAreSwitched(t *testing.T) {
	for _, unplanned := range []bool{false, true} {
		w, ctx, o := newWorld(), context.Background(), Order{Unplanned: unplanned, Who: "me"}
		w.noPrimary = unplanned
		m := w.machine()
		p, err := m.Begin(ctx, o)
		for err == nil && p.State.Step != Switch {
			p, err = m.Advance(ctx, o)
		}
		want := slices.Clone(w.view.Topics)
		if err != nil || len(want) == 0 {
			t.Fatal(err, want)
		}
		w.view.Topics = nil
		if p, err = w.run(o); err != nil || p.State.Step != Done {
			t.Fatal(err, p.State)
		}
		k := w.known(t)
		for _, topic := range want {
			if k.Roles[topic].Name != Switched {
				t.Errorf("unplanned %t: %s is %q; %+v", unplanned, topic, k.Roles[topic].Name, p.State.Topics)
			}
		}
	}
}

// Links of other names between the same clusters are found, and neither ways home nor other pairs.
func TestOthers(t *testing.T) {
	w, ctx := newWorld(), context.Background()
	for _, id := range []string{
		LinkID("new", "p", "s"), LinkID("old", "p", "s"), LinkID("old", "s", "p"), LinkID("old", "q", "s"), LinkID("older: still", "p", "s"),
		LinkID("back-home-20261125-193600-0f3a", "p", "s"),
	} {
		if err := NewStore(w, id).SetGroups(ctx, "x", []Group{{Name: id, Verdict: "handed_over"}}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := NewStore(w, LinkID("new", "p", "s")).Others(ctx)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v %v", err, all)
	}
	for _, name := range []string{"old", "older: still"} {
		if k := all[name]; len(k.Groups) != 1 || k.Groups[LinkID(name, "p", "s")].Verdict != "handed_over" {
			t.Errorf("%s: %+v", name, k.Groups)
		}
	}
}
