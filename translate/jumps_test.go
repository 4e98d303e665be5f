package translate

import (
	"testing"

	"pgregory.net/rapid"
)

// TestJumps is TestMirror with log starts that jump: past the frontier on the primary, to the end on the secondary.
func TestJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, m: newModel(), c: New(), blind: true}
		if w.n("advance first", 0, 1) == 0 {
			w.must(w.c.Advance(Frontier{}))
		}
		for range w.n("steps", 1, 30) {
			if w.n("jump", 0, 9) == 0 {
				w.jump()
			} else {
				w.step()
			}
			if err := w.c.Check(); err != nil {
				t.Fatalf("check: %v\n%s", err, w.story())
			}
			w.checkForward()
			w.checkReverse()
		}
	})
}

func (w *world) jump() {
	w.m.log.LogStart = w.n("primary log start", w.m.log.LogStart, max(w.m.log.LogStart, w.m.next+w.n("past", 0, 4)))
	w.m.logs = w.n("secondary log start", w.m.logs, max(w.m.logs, w.m.end))
	w.back = max(w.back, w.m.log.LogStart)
	w.m.next = max(w.m.next, w.back)
	w.say("jump %d %d", w.m.log.LogStart, w.m.logs)
	if w.n("told", 0, 1) == 0 {
		w.must(w.c.Prune(w.m.log.LogStart, w.m.logs))
	}
}

// Offsets near the top of int64 do not wrap.
func TestLargeOffsets(t *testing.T) {
	const p, s = int64(1)<<62 - 50, int64(1)<<62 + 50
	c := New()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Append(Run{p, s, 10, true}))
	must(c.Append(Run{p + 20, s + 20, 10, true}))
	must(c.Advance(Frontier{p + 40, s + 40}))
	must(c.Append(Run{p + 5, s + 40, 3, true}))
	b := Bounds{s - 10, s + 43}
	for _, k := range []struct{ u, want int64 }{{0, s}, {p, s}, {p + 3, s + 3}, {p + 9, s + 9}, {p + 15, s + 20}, {p + 29, s + 29}, {p + 30, s + 43}, {None, s + 43}, {None - 1, s + 43}} {
		got, err := c.Forward(k.u, b)
		must(err)
		if got.Offset != k.want {
			t.Errorf("forward %d = %+v, want %d", k.u, got, k.want)
		}
	}
	for _, v := range []int64{0, s, s + 35, None, None - 1} {
		got, err := c.Reverse(v, Bounds{p, p + 50})
		must(err)
		if got.Offset < 0 || got.Reread < -1 {
			t.Errorf("reverse %d = %+v", v, got)
		}
	}
	_, err := c.TruncateSecondary(s + 5)
	must(err)
	must(c.TruncatePrimary(p + 3))
	must(c.Prune(None-1, None-1))
	must(c.Check())
}
