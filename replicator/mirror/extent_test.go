package mirror

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// unindexed is a partition of which nothing is known.
func unindexed(first, second *fakeLog, leftOut spans) *partition {
	p := newPartition("orders", 0)
	p.log, p.topics = zap.NewNop(), settings{timestamp: true}
	p.options = rules{committed: true, slots: make(chan struct{}, 1), leftOut: func() spans { return leftOut }}
	p.primary, p.secondary = first, second
	return p
}

// How far a partition was copied is found by its records alone, whatever the mirror went through: it held again and again, passed over what
// was lost, and both logs lost their beginning.
func TestExtent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, second := &fakeLog{cut: 7}, &fakeLog{cut: 5}
		n := rapid.IntRange(1, 60).Draw(t, "records")
		for i := range n {
			kind := rapid.SampledFrom([]cellKind{data, data, data, data, aborted, marker, hole}).Draw(t, "kind")
			first.cells = append(first.cells, cell{kind: kind, pid: int64(i), record: kafka.Record{Value: fmt.Append(nil, i)}})
		}
		copied := rapid.IntRange(0, n).Draw(t, "copied")
		put := func(at int) {
			if c := first.cells[at]; c.kind == data {
				second.cells = append(second.cells, cell{kind: data, record: c.record, pid: -1, origin: int64(at)})
			}
		}
		for at := 0; at < copied; at++ {
			if rapid.IntRange(0, 19).Draw(t, "lost") == 0 {
				continue
			}
			if put(at); rapid.IntRange(0, 9).Draw(t, "again") == 0 {
				for back := max(0, at-rapid.IntRange(0, 6).Draw(t, "back")); back <= at; back++ {
					put(back)
				}
			}
		}
		until := second.end()
		for i := range rapid.IntRange(0, 5).Draw(t, "theirs") {
			second.cells = append(second.cells, cell{kind: data, pid: -1, record: kafka.Record{Value: fmt.Append(nil, "theirs", i)}})
		}
		first.start = int64(rapid.IntRange(0, n).Draw(t, "deleted on the primary"))
		second.start = rapid.Int64Range(0, until).Draw(t, "deleted on the secondary")
		seen := map[int64]bool{}
		for _, c := range second.cells[second.start:until] {
			if c.origin >= first.start {
				seen[c.origin] = true
			}
		}
		got, err := unindexed(first, second, nil).extent(context.Background(), until)
		if until > 0 && second.start == until {
			some := slices.ContainsFunc(first.cells[first.start:], func(c cell) bool { return c.kind == data })
			if err != nil || got.Unproven != some || got.To != first.start || len(got.Missing) > 0 {
				t.Fatalf("nothing is left, records on the primary %v, and it answers %+v, %v", some, got, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := extentByHand(first, second.start, seen); got.To != want.To || !slices.Equal(got.Missing, want.Missing) {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

func extentByHand(first *fakeLog, trimmed int64, seen map[int64]bool) Extent {
	e, anchored := Extent{To: first.start}, false
	var missing []int64
	for at := first.start; at < first.end(); at++ {
		switch {
		case first.cells[at].kind != data:
			continue
		case seen[at]:
			if anchored || trimmed == 0 {
				for i, m := range missing {
					if i == 0 {
						e.Missing = append(e.Missing, translate.Span{From: m})
					}
					e.Missing[len(e.Missing)-1].To = m + 1
				}
			}
			if !anchored && trimmed == 0 && len(missing) > 0 {
				e.Missing = []translate.Span{{From: first.start, To: at}}
			}
			missing, anchored, e.To = nil, true, at+1
		default:
			missing = append(missing, at)
		}
	}
	return e
}

// What an earlier way home left on the primary is neither missing nor the end of what was copied.
func TestExtentPastWhatWasLeftOut(t *testing.T) {
	first, second := &fakeLog{cut: 7}, &fakeLog{cut: 5}
	for i := range 10 {
		c := cell{kind: data, pid: -1, record: kafka.Record{Value: fmt.Append(nil, i)}, origin: int64(i)}
		if first.cells = append(first.cells, c); i < 3 || i == 5 {
			second.cells = append(second.cells, c)
		}
	}
	for _, c := range []struct {
		leftOut spans
		want    Extent
	}{
		{nil, Extent{To: 6, Missing: []translate.Span{{From: 3, To: 5}}}},
		{spans{{From: 3, To: 5}, {From: 6, To: 8}}, Extent{To: 8}},
	} {
		got, err := unindexed(first, second, c.leftOut).extent(context.Background(), 4)
		if err != nil || got.To != c.want.To || !slices.Equal(got.Missing, c.want.Missing) {
			t.Errorf("left out %v: %+v, %v, want %+v", c.leftOut, got, err, c.want)
		}
	}
}
