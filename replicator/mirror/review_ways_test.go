package mirror

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/translate"
)

// Failovers and ways home, one after the other, with the index lost after some: whatever was left on the primary is not copied, and whatever came
// home is not copied back. Replayed records are on both sides twice, and alike.
func TestReviewManyWaysHome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(unique)
		n := func(most int, what string) int { return rapid.IntRange(0, most).Draw(t, what) }
		var left spans
		var replayed []translate.Run
		twice := rapid.Bool().Draw(t, "replays come home, too") // as they did
		for range rapid.IntRange(1, 3).Draw(t, "ways home") {
			w.write(n(4, "mirrored"), data)
			w.aborts(t)
			w.settleQuietly()
			learnt := w.second.end()
			w.aborts(t)
			from := w.primary.end()
			if w.write(n(4, "diverged"), data); w.primary.end() > from {
				left = append(left, translate.Span{From: from, To: w.primary.end()})
			}
			w.aborts(t)
			for range n(3, "produced there") {
				k := n(3, "replayed or new")
				switch {
				case k >= len(left):
					w.home(1)
				case twice:
					w.comesHome(w.primary.cells[left[k].From].record)
				default:
					replayed = append(replayed, translate.Run{Primary: left[k].From, Secondary: w.second.end(), Length: 1, Closed: true})
					w.second.cells = append(w.second.cells, cell{kind: data, record: w.primary.cells[left[k].From].record, pid: 9, epoch: w.second.epoch, origin: left[k].From})
				}
			}
			lost := rapid.Bool().Draw(t, "lost")
			if !lost {
				w.learns(t, learnt)
			}
			if rapid.Bool().Draw(t, "a new leader") {
				w.primary.epoch++
			}
			end := w.second.end()
			w.again(lost, left, nil)
			w.p.options.known = func() []translate.Run { return replayed }
			w.settleQuietly()
			front, _ := w.index.Frontier()
			if w.second.end() != end || len(w.index.Copies.Foreign) > 0 || front.Primary != w.primary.end() {
				t.Fatalf("%d records copied, foreign %v, frontier %v of %d, left out %v\n%s", w.second.end()-end, w.index.Copies.Foreign, front, w.primary.end(), left, w)
			}
			w.check(t)
		}
		was := w.second.end()
		w.write(2, data)
		w.settleQuietly()
		w.check(t)
		if w.second.end() != was+2 {
			t.Fatalf("two records more, and %d copied\n%s", w.second.end()-was, w)
		}
	})
}

// The other way: the index of a way home is lost when some records are home already. The rest come, and each of them once. A replay of what was left
// may be home as what it was made of.
func TestReviewWayHomeGoesOnWithoutAnIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(unique) // primary: where records were produced since. second: where home is
		n := func(most int, what string) int { return rapid.IntRange(0, most).Draw(t, what) }
		w.write(n(4, "mirrored before"), data)
		w.settleQuietly()
		from := w.second.end()
		left := n(4, "left")
		for range left {
			w.second.cells = append(w.second.cells, cell{kind: data, record: w.record(), pid: 9, origin: orphan})
		}
		aside := spans{{From: from, To: from + int64(left)}}
		produce := func(most int) {
			for range n(most, "produced") {
				w.write(1, data)
				if k := n(6, "replayed or new"); k < left {
					w.primary.cells[w.primary.end()-1].record = w.second.cells[from+int64(k)].record
				}
			}
		}
		produce(4)
		w.again(true, nil, aside)
		for range n(6, "steps") {
			w.run()
			w.feed.deliver(w.p)
			w.wire.arrive(w.second)
		}
		if rapid.Bool().Draw(t, "retention") {
			w.second.start = rapid.Int64Range(0, from+int64(left)).Draw(t, "start")
		}
		produce(4)
		w.again(true, nil, aside)
		w.settleQuietly()
		w.check(t)
		copies := map[int64]int{}
		for _, c := range w.second.cells {
			copies[c.origin]++
		}
		for u := range w.primary.end() {
			if copies[u] == 0 || copies[u] > 1 && w.second.start == 0 {
				t.Fatalf("record %d is home %d times, aside %v\n%s", u, copies[u], aside, w)
			}
		}
		if len(w.index.Copies.Foreign) > 0 {
			t.Fatalf("foreign %v, aside %v\n%s", w.index.Copies.Foreign, aside, w)
		}
	})
}

func (w *world) aborts(t *rapid.T) {
	if k := rapid.IntRange(0, 2).Draw(t, "aborted"); k > 0 {
		w.write(k, aborted)
	}
}

// learns does what Settle does: what came home is known.
func (w *world) learns(t *rapid.T, from int64) {
	for at := from; at < w.second.end(); at++ {
		if err := w.index.Append(translate.Run{Primary: w.second.cells[at].origin, Secondary: at, Length: 1, Closed: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.index.Advance(translate.Frontier{Primary: w.primary.end(), Secondary: w.second.end()}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
}

// settleQuietly lets everything run until nothing moves.
func (w *world) settleQuietly() {
	for quiet := 0; quiet < 5; quiet++ {
		w.look()
		w.run()
		for w.landLate() || w.feed.deliver(w.p) || w.wire.arrive(w.second) || w.wire.respond() {
			w.run()
			quiet = 0
		}
	}
}
