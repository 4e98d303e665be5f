package mirror

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/translate"
)

// compacting is a world in which the log cleaner runs on both sides.
type compacting struct{ *world }

func (compacting) Settings(context.Context) (settings, error) {
	return settings{timestamp: true, compacted: true, batch: 200}, nil
}

// clean removes what a later record of the same key supersedes; the last record is in the active segment.
func clean(cells []cell, pick func() bool) {
	newest := map[string]int{}
	for i, c := range cells {
		if c.kind == data {
			newest[string(c.record.Key)] = i
		}
	}
	for i := range cells {
		if c := &cells[i]; c.kind == data && newest[string(c.record.Key)] > i && pick() {
			c.kind = hole
		}
	}
}

// The mirror of a compacted topic: never ahead, every record copied, and no copy taken for a foreign record, whatever the
// cleaners of both sides remove, and when.
func TestCompaction(t *testing.T) {
	for _, lost := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) { driveCompaction(t, lost) })
	}
}

func driveCompaction(t *rapid.T, lostDisk bool) {
	w := newWorld(func() byte { return 0 })
	c := compacting{w}
	w.p.link = c
	yes := func() bool { return rapid.Bool().Draw(t, "yes") }
	crash := func() { w.crash(yes); w.p.link = c }
	w.Flush()
	actions := map[string]func(*rapid.T){
		"": func(t *rapid.T) { w.checkCompacted(t) },
		"write": func(t *rapid.T) {
			from := w.primary.end()
			w.write(rapid.IntRange(1, 6).Draw(t, "n"), data)
			for i := from; i < w.primary.end(); i++ {
				w.primary.cells[i].record.Key = []byte{byte('a' + rapid.IntRange(0, 2).Draw(t, "key"))}
			}
		},
		"fetch":          func(*rapid.T) { w.feed.deliver(w.p) },
		"arrive":         func(*rapid.T) { w.wire.arrive(w.second) },
		"respond":        func(*rapid.T) { w.wire.respond() },
		"step":           func(*rapid.T) { w.run() },
		"step2":          func(*rapid.T) { w.run() },
		"look":           func(*rapid.T) { w.look(); w.run() },
		"flush":          func(*rapid.T) { w.Flush() },
		"crash":          func(*rapid.T) { crash() },
		"cutOff":         func(*rapid.T) { w.cutOff(yes) },
		"late":           func(*rapid.T) { w.landLate() },
		"cleanPrimary":   func(*rapid.T) { clean(w.primary.cells, yes) },
		"cleanSecondary": func(*rapid.T) { clean(w.second.cells, yes) },
	}
	if lostDisk {
		actions["lostDisk"] = func(*rapid.T) { w.disk = newMemory(); crash() }
	}
	t.Repeat(actions)
	for quiet, rounds := 0, 0; quiet < 5; quiet++ {
		w.look()
		w.run()
		for w.landLate() || w.feed.deliver(w.p) || w.wire.arrive(w.second) || w.wire.respond() {
			w.run()
			if rounds++; rounds > 2000 {
				t.Fatalf("does not settle\n%s", w)
			}
			quiet = 0
		}
	}
	w.checkCompacted(t)
	had := map[int64]bool{}
	for _, c := range w.second.cells {
		had[c.origin] = true
	}
	for i, c := range w.primary.cells {
		if c.kind == data && !had[int64(i)] {
			t.Fatalf("record %d was never copied\n%s", i, w)
		}
	}
	if len(w.index.Copies.Foreign) > 0 {
		t.Fatalf("copies are called foreign\n%s", w)
	}
}

func (w *world) checkCompacted(t *rapid.T) {
	copies := last(w.primary, w.second)
	for u := int64(0); u <= w.primary.end()+1; u++ {
		pos := w.forward(u)
		if want := naive(w.primary, w.second, copies, u); pos.Confidence != translate.Unmapped && pos.Offset > want {
			t.Fatalf("ahead: Forward(%d) = %+v, T = %d\n%s", u, pos, want, w)
		}
	}
	if err := w.index.Check(); err != nil {
		t.Fatalf("index: %v\n%s", err, w)
	}
}
