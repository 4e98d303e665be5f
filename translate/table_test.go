package translate

import "testing"

// told builds Copies by hand.
func told(t *testing.T, ops ...any) *Copies {
	t.Helper()
	c := New()
	for _, op := range ops {
		var err error
		switch op := op.(type) {
		case Run:
			err = c.Append(op)
		case Frontier:
			err = c.Advance(op)
		case Span:
			err = c.AddForeign(op)
		case func(*Copies) error:
			err = op(c)
		}
		if err != nil {
			t.Fatalf("%+v: %v", op, err)
		}
		if err := c.Check(); err != nil {
			t.Fatalf("after %+v: %v", op, err)
		}
	}
	return c
}

func closed(p, s, n int64) Run { return Run{Primary: p, Secondary: s, Length: n, Closed: true} }
func open(p, s, n int64) Run   { return Run{Primary: p, Secondary: s, Length: n} }

func prune(primary, secondary int64) func(*Copies) error {
	return func(c *Copies) error { return c.Prune(primary, secondary) }
}

func truncateSecondary(from int64) func(*Copies) error {
	return func(c *Copies) error { _, err := c.TruncateSecondary(from); return err }
}

func truncatePrimary(from int64) func(*Copies) error {
	return func(c *Copies) error { return c.TruncatePrimary(from) }
}

func accept(below int64) func(*Copies) error {
	return func(c *Copies) error { c.AcceptForeign(below); return nil }
}

type want struct {
	u      int64
	offset int64
	conf   Confidence
	reread int64
}

// The cases that DESIGN §3 names, one by one.
func TestForwardTable(t *testing.T) {
	all := Bounds{0, 1 << 40}
	for _, tc := range []struct {
		name string
		ops  []any
		b    Bounds
		want []want
	}{
		{"nothing known", nil, all, []want{{0, 0, Unmapped, -1}, {7, 0, Unmapped, -1}}},
		{"an empty partition has a frontier, too", []any{Frontier{0, 0}}, all, []want{{0, 0, Exact, 0}, {3, 0, Behind, 3}}},
		{"the shortcut inside a run", []any{closed(0, 10, 100), Frontier{100, 110}}, all,
			[]want{{0, 10, Exact, 0}, {99, 109, Exact, 0}, {100, 110, Exact, 0}, {101, 110, Behind, 1}}},
		{"closed gap: the next run", []any{closed(0, 0, 10), closed(20, 10, 10)}, all, []want{{10, 10, Exact, 0}, {15, 10, Exact, 0}, {20, 10, Exact, 0}}},
		{"open gap: the proven run before", []any{closed(0, 0, 10), open(20, 16, 10)}, all,
			[]want{{9, 9, Exact, 0}, {10, 10, Floor, 6}, {19, 10, Floor, 6}, {20, 16, Exact, 0}}},
		{"an open gap without room for a copy hides nothing", []any{closed(0, 0, 10), open(20, 10, 10)}, all, []want{{12, 10, Exact, 0}}},
		{"before the first run of an incomplete index", []any{open(50, 40, 10)}, Bounds{5, 100}, []want{{0, 5, Floor, 35}, {49, 5, Floor, 35}, {50, 40, Exact, 0}}},
		{"before the first run of a complete one", []any{closed(50, 40, 10)}, Bounds{5, 100}, []want{{0, 40, Exact, 0}}},
		{"a source that starts in the middle", []any{Frontier{50, 40}, closed(50, 40, 10)}, Bounds{5, 100}, []want{{0, 5, Floor, 35}, {50, 40, Exact, 0}}},
		{"the end is a marker or an aborted batch", []any{closed(0, 0, 10), Frontier{14, 12}}, all, []want{{10, 12, Exact, 0}, {14, 12, Exact, 0}, {15, 12, Behind, 1}}},
		{"unfinished re-copy", []any{closed(0, 0, 100), Frontier{100, 100}, closed(50, 100, 10)}, all,
			[]want{{49, 49, Exact, 0}, {50, 60, Exact, 0}, {55, 60, Exact, 0}, {60, 60, Exact, 0}, {99, 99, Exact, 0}, {100, 110, Exact, 0}}},
		{"finished re-copy", []any{closed(0, 0, 100), closed(50, 100, 10), closed(60, 110, 40)}, all,
			[]want{{49, 49, Exact, 0}, {50, 100, Exact, 0}, {55, 105, Exact, 0}, {99, 149, Exact, 0}}},
		{"re-copy that runs past the old end in one batch", []any{closed(0, 0, 100), closed(90, 100, 20)}, all,
			[]want{{89, 89, Exact, 0}, {90, 100, Exact, 0}, {109, 119, Exact, 0}}},
		{"late duplicate in the middle, then onwards", []any{closed(0, 0, 100), closed(50, 100, 10), closed(100, 110, 10)}, all,
			[]want{{50, 60, Exact, 0}, {59, 60, Exact, 0}, {60, 60, Exact, 0}, {100, 110, Exact, 0}}},
		{"re-copy of a re-copy", []any{closed(0, 0, 100), closed(50, 100, 20), closed(40, 120, 6)}, all,
			[]want{{39, 39, Exact, 0}, {40, 46, Exact, 0}, {46, 46, Exact, 0}, {50, 70, Exact, 0}, {70, 70, Exact, 0}}},
		{"an open gap, copied again whole", []any{closed(0, 0, 10), open(20, 16, 10), closed(5, 26, 25)}, all,
			[]want{{4, 4, Exact, 0}, {5, 26, Exact, 0}, {12, 33, Exact, 0}, {29, 50, Exact, 0}}},
		{"an open gap, copied again in part: the rest lies behind a veil", []any{closed(0, 0, 10), open(20, 16, 10), closed(5, 26, 8), closed(20, 40, 10)}, all,
			[]want{{4, 4, Exact, 0}, {5, 10, Floor, 16}, {12, 10, Floor, 23}, {20, 40, Exact, 0}}},
		{"two batches in the wrong order", []any{closed(10, 0, 10), closed(0, 10, 10)}, all, []want{{0, 0, Exact, 0}, {5, 0, Exact, 0}, {15, 5, Exact, 0}}},
		{"log start inside a run: still exact", []any{closed(0, 0, 100)}, Bounds{30, 100}, []want{{10, 30, Exact, 0}, {40, 40, Exact, 0}}},
		{"log start past everything", []any{closed(0, 0, 100), Frontier{100, 100}}, Bounds{500, 500}, []want{{10, 500, Exact, 0}, {100, 500, Exact, 0}, {101, 500, Behind, 1}}},
		{"log start lays bare a late duplicate", []any{closed(0, 0, 100), closed(50, 100, 10), closed(100, 110, 10)}, Bounds{103, 200},
			[]want{{40, 103, Exact, 0}, {58, 108, Exact, 0}, {70, 110, Exact, 0}}},
		{"the end is not readable yet", []any{closed(0, 0, 100)}, Bounds{0, 80}, []want{{79, 79, Exact, 0}, {90, 80, Behind, 10}}},
		{"foreign records cap", []any{closed(0, 0, 10), Span{10, 13}, closed(10, 13, 10)}, all,
			[]want{{9, 9, Exact, 0}, {10, 10, Floor, 3}, {15, 10, Floor, 8}}},
		{"foreign records, accepted", []any{closed(0, 0, 10), Span{10, 13}, closed(10, 13, 10), accept(13)}, all, []want{{15, 18, Exact, 0}}},
		{"foreign records, accepted before they were told", []any{closed(0, 0, 10), accept(13), Span{10, 13}, closed(10, 13, 10)}, all, []want{{15, 18, Exact, 0}}},
		{"foreign records below the log start", []any{closed(0, 0, 10), Span{10, 13}, closed(10, 13, 10)}, Bounds{13, 90}, []want{{15, 18, Exact, 0}}},
		{"foreign records at the log start", []any{closed(0, 0, 10), Span{10, 13}, closed(10, 13, 10)}, Bounds{12, 90}, []want{{15, 12, Floor, 6}}},
		{"foreign records pruned", []any{closed(0, 0, 10), Span{10, 13}, closed(10, 13, 10), prune(0, 13)}, Bounds{13, 90}, []want{{15, 18, Exact, 0}}},
		{"pruned behind both log starts", []any{closed(0, 0, 10), closed(11, 10, 10), Frontier{21, 20}, prune(11, 10)}, Bounds{10, 20},
			[]want{{0, 10, Exact, 0}, {10, 10, Exact, 0}, {11, 10, Exact, 0}, {21, 20, Exact, 0}}},
		{"pruned on the primary, still on the secondary", []any{closed(0, 0, 10), closed(11, 10, 10), prune(11, 0)}, Bounds{0, 20},
			[]want{{5, 0, Floor, 10}, {10, 10, Exact, 0}, {11, 10, Exact, 0}}},
		{"all pruned: the frontier answers", []any{closed(0, 0, 10), Frontier{12, 11}, prune(12, 11)}, Bounds{11, 11},
			[]want{{0, 11, Exact, 0}, {12, 11, Exact, 0}, {13, 11, Behind, 1}}},
		{"all pruned, and the log start jumped", []any{closed(0, 0, 10), Frontier{12, 11}, prune(900, 900)}, Bounds{900, 950}, []want{{12, 900, Exact, 0}}},
		{"truncated secondary", []any{closed(0, 0, 100), Frontier{100, 100}, truncateSecondary(80)}, Bounds{0, 80},
			[]want{{79, 79, Exact, 0}, {80, 80, Exact, 0}, {90, 80, Behind, 10}}},
		{"truncated through a re-copy: the earlier copies are the last again",
			[]any{closed(0, 0, 100), closed(50, 100, 50), Frontier{100, 150}, truncateSecondary(130)}, Bounds{0, 130},
			[]want{{49, 49, Exact, 0}, {50, 80, Exact, 0}, {80, 80, Exact, 0}, {99, 99, Exact, 0}, {100, 130, Exact, 0}}},
		{"truncated primary: what is gone there is foreign here",
			[]any{closed(0, 0, 100), Frontier{100, 100}, truncatePrimary(90), closed(90, 100, 10), Frontier{100, 110}}, all,
			[]want{{89, 89, Exact, 0}, {90, 90, Floor, 10}, {95, 90, Floor, 15}, {100, 90, Floor, 20}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := told(t, tc.ops...)
			for _, w := range tc.want {
				got, err := c.Forward(w.u, tc.b)
				if err != nil || got != (Position{w.offset, w.conf, w.reread}) {
					t.Errorf("Forward(%d) = %+v, %v; want %+v", w.u, got, err, w)
				}
			}
		})
	}
}

func TestReverseTable(t *testing.T) {
	all := Bounds{0, 1 << 40}
	for _, tc := range []struct {
		name string
		ops  []any
		b    Bounds
		want []want
	}{
		{"nothing known", nil, all, []want{{5, 0, Unmapped, -1}}},
		{"inside a run", []any{closed(5, 0, 10), Frontier{15, 10}}, all, []want{{0, 5, Exact, 0}, {9, 14, Exact, 0}, {10, 15, Exact, 0}, {12, 15, Behind, 2}}},
		{"closed gap", []any{closed(0, 0, 10), closed(20, 15, 10), Frontier{30, 25}}, all, []want{{10, 20, Exact, 0}, {14, 20, Exact, 0}, {15, 20, Exact, 0}}},
		{"open gap", []any{closed(0, 0, 10), open(20, 15, 10), Frontier{30, 25}}, all, []want{{9, 9, Exact, 0}, {12, 10, Floor, 10}, {15, 20, Exact, 0}}},
		{"read the first time already", []any{closed(0, 0, 100), closed(50, 100, 50), Frontier{100, 150}}, all,
			[]want{{40, 40, Exact, 0}, {70, 70, Exact, 0}, {100, 100, Exact, 0}, {130, 100, Exact, 0}}},
		{"in the middle of a re-copy", []any{closed(0, 0, 100), Frontier{100, 100}, closed(50, 100, 10)}, all, []want{{55, 55, Exact, 0}, {105, 100, Exact, 0}}},
		{"clamped", []any{closed(0, 0, 100), Frontier{100, 100}}, Bounds{30, 60}, []want{{10, 30, Exact, 0}, {90, 60, Behind, 30}}},
		{"frontier far ahead of the last run", []any{closed(0, 0, 10), Frontier{500, 10}}, all, []want{{10, 500, Exact, 0}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := told(t, tc.ops...)
			for _, w := range tc.want {
				got, err := c.Reverse(w.u, tc.b)
				if err != nil || got != (Position{w.offset, w.conf, w.reread}) {
					t.Errorf("Reverse(%d) = %+v, %v; want %+v", w.u, got, err, w)
				}
			}
		})
	}
}

func TestResume(t *testing.T) {
	for _, tc := range []struct {
		name string
		ops  []any
		from int64
		want int64
	}{
		{"nothing lost", []any{closed(0, 0, 10), Frontier{12, 10}}, 10, 12},
		{"only markers lost", []any{closed(0, 0, 10), Frontier{12, 15}}, 12, 12},
		{"inside a run", []any{closed(0, 0, 10), Frontier{10, 10}}, 4, 4},
		{"closed gap", []any{closed(0, 0, 10), closed(20, 15, 5), Frontier{25, 20}}, 12, 20},
		{"open gap: what was in it is not known", []any{closed(0, 0, 10), open(20, 15, 5), Frontier{25, 20}}, 12, 10},
		{"the earlier copies are still there", []any{closed(0, 0, 100), closed(50, 100, 50), Frontier{100, 150}}, 120, 100},
		{"of a re-copy that went on, only the new", []any{closed(0, 0, 100), closed(50, 100, 70), Frontier{120, 170}}, 120, 100},
		{"everything", []any{closed(5, 0, 10), Frontier{15, 10}}, 0, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := told(t, tc.ops...)
			got, err := c.TruncateSecondary(tc.from)
			if err != nil || got != tc.want {
				t.Errorf("resume = %d, %v; want %d", got, err, tc.want)
			}
			if err := c.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	c := told(t, closed(0, 0, 10), Frontier{10, 12}, Span{12, 14})
	for name, err := range map[string]error{
		"below the frontier":     c.Append(closed(10, 11, 5)),
		"below what is foreign":  c.Append(closed(10, 13, 5)),
		"empty":                  c.Append(closed(10, 14, 0)),
		"negative":               c.Append(closed(-1, 14, 3)),
		"frontier back":          c.Advance(Frontier{9, 20}),
		"frontier back there":    c.Advance(Frontier{12, 11}),
		"foreign over a copy":    c.AddForeign(Span{9, 11}),
		"foreign without length": c.AddForeign(Span{20, 20}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := c.Append(closed(10, 14, 5)); err != nil {
		t.Error(err)
	}
}
