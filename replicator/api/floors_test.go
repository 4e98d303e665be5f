package api

import (
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// floor is an entry that is no more than safe; bound -1 is none known.
func floor(group string, partition int32, bound int64, why string) replicator.Entry {
	return replicator.Entry{
		Commit:   replicator.Commit{Key: key(group, "orders", partition), Offset: 100},
		Position: translate.Position{Offset: 50, Confidence: translate.Floor, Reread: bound}, Detail: why, Floor: why,
	}
}

func missing(record int) string { return fmt.Sprintf("no copy of the record %d was found", record) }

// TestFloors: what keeps positions from being exact is said once, however many records it names, and the worst first.
func TestFloors(t *testing.T) {
	looked := floor("b", 2, 900, "being looked for")
	looked.Pending = true
	taken := floor("b", 3, 5, missing(9))
	taken.Detail, taken.Reason = "", replicator.TakenOver
	left := floor("b", 4, 1, missing(10))
	left.Reason = replicator.Filtered
	nothing := replicator.Entry{Commit: replicator.Commit{Key: key("a", "orders", 9)}, Reason: replicator.Unmapped, Pending: true}
	exact := floor("a", 8, 0, "")
	exact.Position.Confidence = translate.Exact
	got := newFloors([]replicator.GroupSnapshot{
		{Group: "a", Entries: []replicator.Entry{floor("a", 0, 10, missing(7)), floor("a", 1, 30, missing(8)), floor("a", 2, -1, "records are alike"), exact, nothing}},
		{Group: "b", Entries: []replicator.Entry{looked, taken, left}},
	})
	want := []struct {
		detail          string
		offsets, groups int
		sum, maximum    int64 // -1: unknown
		pending         bool
	}{
		{"records are alike", 1, 1, -1, 0, false}, {missing(7), 3, 2, 45, 30, false}, {"", 1, 1, -1, 0, true}, {"being looked for", 1, 1, 900, 900, true},
	}
	if len(got) != len(want) {
		t.Fatalf("%d floors: %+v", len(got), got)
	}
	for i, w := range want {
		g := got[i]
		if g.Detail != w.detail || g.Offsets != w.offsets || g.Groups != w.groups || g.Pending != w.pending || (g.Reread == nil) != (w.sum < 0) {
			t.Errorf("%d: %+v, want %+v", i, g, w)
		} else if g.Reread != nil && *g.Reread != (Bound{w.sum, w.maximum}) {
			t.Errorf("%d: %+v, want %+v", i, *g.Reread, w)
		}
	}
	if e := newEntry(&taken); !got[1].Covers(e) || got[0].Covers(e) || e.Detail != "" || e.Floor != missing(9) {
		t.Errorf("held, and a floor: %+v", e)
	}
	if e := newEntry(&exact); got[1].Covers(e) {
		t.Errorf("exact: %+v", e)
	}
}

// TestFloorIsNoHold: what would make a floor exact does not explain why something else holds it.
func TestFloorIsNoHold(t *testing.T) {
	e := floor("a", 0, 10, missing(7))
	e.Reason = replicator.RewindNever
	if holds := newHolds([]replicator.GroupSnapshot{{Group: "a", Entries: []replicator.Entry{e}}}); holds[0].Detail != "" {
		t.Errorf("%+v", holds)
	}
	e.Detail = "connection refused"
	e.Reason = replicator.Unreachable
	if holds := newHolds([]replicator.GroupSnapshot{{Group: "a", Entries: []replicator.Entry{e}}}); holds[0].Detail != "connection refused" {
		t.Errorf("%+v", holds)
	}
}

// TestPendingIsCounted, by group and in all, with the bounds that are known.
func TestPendingIsCounted(t *testing.T) {
	l := NewStatus("v0", noon, []replicator.Snapshot{made()}).Links[0]
	if l.Totals.Pending != 1 || l.Totals.RereadRecords != 2 {
		t.Errorf("%+v", l.Totals)
	}
	for _, g := range l.Groups {
		if want := map[bool]int{true: 1}[g.Group == "lagging"]; g.Pending != want {
			t.Errorf("%s: %d pending", g.Group, g.Pending)
		}
	}
}

// TestComparesNothing: a mapping that compares no records has no such work to show.
func TestComparesNothing(t *testing.T) {
	if c := newCompare(replicator.SourceState{Mapping: "mirror"}); c != nil {
		t.Errorf("%+v", c)
	}
	c := newCompare(made().Source)
	if c == nil || c.Bytes.Sum() != 56<<20 || c.Fetches.Sum() != 1234 || c.Fetches.Primary != 700 || c.Ready != 12 || c.Chosen["identity"] != 2 {
		t.Errorf("%+v", c)
	}
}

// TestTranslationSaysItsConfidence in all four words.
func TestTranslationSaysItsConfidence(t *testing.T) {
	for _, c := range []struct {
		m       replicator.Mapping
		word    string
		placed  bool
		bounded bool
	}{
		{replicator.Mapping{Position: translate.Position{Offset: 3, Confidence: translate.Exact}}, "exact", true, true},
		{replicator.Mapping{Position: translate.Position{Offset: 3, Confidence: translate.Floor, Reread: 7}, Pending: true, Detail: "being looked for"}, "floor", true, true},
		{replicator.Mapping{Position: translate.Position{Offset: 3, Confidence: translate.Behind, Reread: -1}}, "behind", true, false},
		{replicator.Mapping{Position: translate.Position{Reread: -1}, Reason: replicator.Unmapped, Detail: "no copy"}, "unmapped", false, false},
	} {
		tr := NewTranslation(Query{}, c.m)
		if tr.Confidence != c.word || (tr.Position != nil) != c.placed || (tr.RereadRecords != nil) != c.bounded || tr.Pending != c.m.Pending || tr.Detail != c.m.Detail {
			t.Errorf("%s: %+v", c.word, tr)
		}
	}
}
