package failover

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
)

// lateLog loses a process in the middle of its first write of a kind: it stays on the wire.
type lateLog struct {
	*world
	kind Kind
	wire [][]byte
}

func (l *lateLog) Append(ctx context.Context, values [][]byte) error {
	if l.wire == nil && slices.ContainsFunc(values, l.is) {
		l.wire = values
		return errDied
	}
	return l.world.Append(ctx, values)
}

func (l *lateLog) is(value []byte) bool {
	var e Event
	return json.Unmarshal(value, &e) == nil && e.Kind == l.kind
}

// What a dead process was writing on the way home may land when topics have changed hands again. It counts for nothing, or the mirror would
// write where producers do.
func TestLateWordOfAWayHome(t *testing.T) {
	o, ctx := Order{Who: "me"}, context.Background()
	for _, kind := range []Kind{RoleChanged, GroupChanged} {
		w := newWorld()
		if _, err := w.run(o); err != nil {
			t.Fatal(err)
		}
		late := &lateLog{world: w, kind: kind}
		dying := New(NewStore(late, "p→s"), w)
		p, err := dying.Return(ctx, o)
		for err == nil && !p.State.Over() {
			p, err = dying.Advance(ctx, o)
		}
		if !errors.Is(err, errDied) || p.State.Step != Settle {
			t.Fatalf("%s: %v %+v", kind, err, p)
		}
		if _, err := w.comeHome(o); err != nil && !errors.Is(err, ErrNotHome) {
			t.Fatal(err)
		}
		w.isHome(t, string(kind))
		if p, err := w.run(o); err != nil || p.State.Step != Done {
			t.Fatalf("%s: %v %+v", kind, err, p)
		}
		if err := w.Append(ctx, late.wire); err != nil {
			t.Fatal(err)
		}
		k := w.known(t)
		if role := k.Roles["orders"]; role.Name != Switched {
			t.Errorf("%s: the role became %+v", kind, role)
		}
		if e := k.Groups["till"]; e.Verdict != "handed_over" {
			t.Errorf("%s: the group became %q", kind, e.Verdict)
		}
	}
}

// A leftoff that has only just started waits until it has read who writes the groups.
func TestSettleWaitsForTheSecondary(t *testing.T) {
	o, ctx := Order{Who: "me"}, context.Background()
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	m := w.machine()
	p, err := m.Return(ctx, o)
	for err == nil && p.State.Step != Settle {
		p, err = m.Advance(ctx, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.view.Ready[1] = false
	if p, err = m.Advance(ctx, o); err != nil || p.State.Step != Settle || len(p.Waits) == 0 || p.Needs || w.settled != nil {
		t.Fatalf("%v %+v", err, p)
	}
	w.view.Ready[1] = true
	if _, err := w.comeHome(o); err != nil {
		t.Fatal(err)
	}
	w.isHome(t, "read")
}

// The same at the switch: what it does not know yet would not change hands, and the failover would be done without.
func TestSwitchWaitsForTheSecondary(t *testing.T) {
	o, ctx := Order{Unplanned: true, Who: "me"}, context.Background()
	w := newWorld()
	w.noPrimary = true
	m := w.machine()
	p, err := m.Begin(ctx, o)
	for err == nil && p.State.Step != Switch {
		p, err = m.Advance(ctx, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	known := w.view
	w.view = View{Error: [2]string{"gone", ""}} // another process, on an empty disk
	if p, err = w.machine().Advance(ctx, o); err != nil || p.State.Step != Switch || len(p.Waits) == 0 || p.Needs {
		t.Fatalf("%v %+v", err, p)
	}
	w.view = known
	if p, err = w.run(o); err != nil || p.State.Step != Done || len(p.State.Topics) != 2 {
		t.Fatalf("%v %+v", err, p)
	}
	w.isOver(t, "read")
}
