package checkpoint

import (
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/translate"
)

// Pruning may lay bare a copy that was undercut: it joins the main line below what was pruned on disk.
func TestPromotedBelowTheMark(t *testing.T) {
	small(t, 3, 1)
	path := file(t)
	x := mustOpen(t, path, Link{})
	p := mustPair(t, x, drivenTopics).Partition(0)
	for _, r := range []translate.Run{{Primary: 12, Secondary: 12, Length: 4}, {Primary: 17, Secondary: 17, Length: 4}, {Primary: 22, Secondary: 21, Length: 1},
		{Primary: 25, Secondary: 32, Length: 2}, {Primary: 28, Secondary: 34, Length: 4}, {Primary: 27, Secondary: 38, Length: 2},
		{Primary: 30, Secondary: 41, Length: 2}, {Primary: 33, Secondary: 44, Length: 2}, {Primary: 35, Secondary: 47, Length: 4}} {
		r.Closed = true
		if err := p.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	x.Close()
	for range 2 {
		x = mustOpen(t, path, Link{})
		p = mustPair(t, x, drivenTopics).Partition(0)
		p.Prune(18, 36)
		var runs []string
		p.Runs(func(r translate.Run) bool {
			runs = append(runs, fmt.Sprint(r.Primary, "→", r.Secondary))
			return true
		})
		if got := fmt.Sprint(runs); got != "[27→38 30→41 33→44 35→47]" {
			t.Errorf("runs %v", runs)
		}
		if pos := p.Forward(3, translate.Bounds{LogStart: 36, End: 51}); pos.Offset != 38 {
			t.Errorf("forward 3 = %+v", pos)
		}
		if err := x.Check(); err != nil {
			t.Error(err)
		}
		x.Close()
	}
}

// Log starts that jump past everything leave a frontier that answers, and no block behind.
func TestAllPruned(t *testing.T) {
	small(t, 3, 1)
	path := file(t)
	x := mustOpen(t, path, Link{})
	p := mustPair(t, x, drivenTopics).Partition(0)
	for i := range int64(50) {
		if err := p.Append(translate.Run{Primary: i * 11, Secondary: i * 10, Length: 10, Closed: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Advance(translate.Frontier{Primary: 549, Secondary: 500}); err != nil {
		t.Fatal(err)
	}
	if err := p.Foreign(translate.Span{From: 500, To: 503}); err != nil {
		t.Fatal(err)
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	p.Prune(5000, 4000)
	for range 2 {
		for u, want := range map[int64]translate.Position{0: {Offset: 4000, Confidence: translate.Exact}, 549: {Offset: 4000, Confidence: translate.Exact},
			560: {Offset: 4000, Confidence: translate.Behind, Reread: 11}} {
			if got := p.Forward(u, translate.Bounds{LogStart: 4000, End: 4100}); got != want {
				t.Errorf("forward %d = %+v, want %+v", u, got, want)
			}
		}
		if err := x.Check(); err != nil {
			t.Error(err)
		}
		if s, err := x.Stats(); err != nil || s.Runs != 0 || s.Blocks != 0 || s.Foreign != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		x.Close()
		x = mustOpen(t, path, Link{})
		p = mustPair(t, x, drivenTopics).Partition(0)
	}
	if err := p.Append(translate.Run{Primary: 5000, Secondary: 4000, Length: 5, Closed: true}); err != nil {
		t.Error(err)
	}
}
