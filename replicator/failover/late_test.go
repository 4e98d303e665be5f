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
