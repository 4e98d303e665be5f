package daemon

import (
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator/failover"
)

func emptyIndex(t *testing.T) *checkpoint.Index {
	t.Helper()
	x, err := checkpoint.Open(filepath.Join(t.TempDir(), "l.db"), checkpoint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// What the log says of a topic counts; of one that it has no word of, the index does, and the log is told.
func TestSwitchedTopicsOutliveTheLog(t *testing.T) {
	l := &link{log: zap.NewNop(), index: emptyIndex(t)}
	at := time.UnixMilli(5).UTC()
	orders := failover.Role{Name: failover.Switched, At: at, ID: "f", Marks: []failover.Mark{{Partition: 1, Primary: 7, Secondary: 9}}}
	payments := failover.Role{Name: failover.Switched, At: at, ID: "f"}
	for _, roles := range []map[string]failover.Role{nil, {"orders": orders, "payments": payments, "audit": {Name: failover.Forward}}} {
		if err := l.keepSwitched(roles); err != nil {
			t.Fatal(err)
		}
	}
	if want := (map[string]failover.Role{"orders": orders, "payments": payments}); !reflect.DeepEqual(l.switched(), want) {
		t.Fatalf("kept %+v, want %+v", l.switched(), want)
	}

	p := &paper{} // a new one
	m := newPaperMemory(p)
	forward := map[string]failover.Role{"payments": {Name: failover.Forward, At: at, ID: "g"}} // another machine brought it home
	if err := m.store.SetRoles(t.Context(), "ann", "failback g", forward); err != nil {
		t.Fatal(err)
	}
	k := m.withOwn(p.known(t, m), l.switched())
	if k.Roles["orders"].Name != failover.Switched || k.Roles["payments"].Name != failover.Forward {
		t.Errorf("roles %+v", k.Roles)
	}
	m.hear(k)
	if fence, back := m.fences(k, []string{"orders", "payments"}); len(fence) > 0 || !slices.Equal(back, []string{"payments"}) {
		t.Errorf("fences %q, lets go of %q", fence, back)
	}
	if err := m.tellRoles(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := p.known(t, m)
	if !reflect.DeepEqual(told.Roles["orders"], orders) || told.Roles["payments"].Name != failover.Forward {
		t.Errorf("told %+v", told.Roles)
	}
	m.withOwn(told, l.switched())
	if err := m.tellRoles(t.Context()); err != nil || len(p.values) != 2 {
		t.Errorf("%v, written %d times", err, len(p.values))
	}
	if err := l.keepSwitched(told.Roles); err != nil || len(l.switched()) != 1 {
		t.Errorf("%v, kept %+v", err, l.switched())
	}
}

// Where the log may not be read, what the index knows has to do.
func TestSwitchedTopicsWithoutTheLog(t *testing.T) {
	m := newPaperMemory(&paper{})
	if topics := m.assume(map[string]failover.Role{"orders": {Name: failover.Switched}}); !slices.Equal(topics, []string{"orders"}) {
		t.Errorf("fences %q", topics)
	}
	if fixed := m.fixed.Load(); fixed == nil || !maps.Equal(*fixed, map[string]bool{"orders": true}) {
		t.Errorf("fixed: %v", fixed)
	}
	if m.assume(nil); m.fixed.Load() != nil {
		t.Error("topics are fixed that nobody switched")
	}
}

// A group that was given up just before the process died is told of by the next one; what the log says later counts, and no reclaim is told late.
func TestVerdictsThatWereNotTold(t *testing.T) {
	p := &paper{}
	m := newPaperMemory(p)
	if err := m.store.SetGroups(t.Context(), "ann", []failover.Group{{Name: "since", Verdict: "reclaimed"}, {Name: "before", Verdict: "reclaimed"}, {Name: "same", Verdict: "taken_over"}}); err != nil {
		t.Fatal(err)
	}
	k := p.known(t, m)
	of := func(kind checkpoint.VerdictKind, after time.Duration) checkpoint.Verdict {
		return checkpoint.Verdict{Kind: kind, At: k.Groups["since"].At.Add(after), Why: "seen"}
	}
	m.recollect(map[string]checkpoint.Verdict{
		"untold": of(checkpoint.TakenOver, -time.Hour), "let go": of(checkpoint.HandedOver, 0), "before": of(checkpoint.TakenOver, -time.Second),
		"since": of(checkpoint.TakenOver, time.Second), "same": of(checkpoint.TakenOver, time.Second), "mine": of(checkpoint.Reclaimed, time.Second),
		"theirs": of(checkpoint.Foreign, time.Second),
	}, k)
	m.hear(k)
	if err := m.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for group, e := range p.known(t, m).Groups {
		got[group] = e.Verdict
	}
	want := map[string]string{"untold": "taken_over", "let go": "handed_over", "before": "reclaimed", "since": "taken_over", "same": "taken_over"}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
