package mirror

import (
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// again starts a process that knows what ways home left on the primary, and what lies aside on the secondary. lost: on an empty disk.
func (w *world) again(lost bool, leftOut, aside spans) {
	if lost {
		w.disk = newMemory()
	}
	w.boot()
	w.p.options.leftOut, w.p.options.aside = func() spans { return leftOut }, func() spans { return aside }
}

// home lets the secondary's producers write n records, and a way home bring them to the primary.
func (w *world) home(n int) {
	for range n {
		w.comesHome(w.record())
	}
}

func (w *world) comesHome(r kafka.Record) {
	at := w.primary.end()
	w.second.cells = append(w.second.cells, cell{kind: data, record: r, pid: 9, epoch: w.second.epoch, origin: at})
	w.primary.cells = append(w.primary.cells, cell{kind: data, record: r, pid: 8, epoch: w.primary.epoch})
}

// diverges leaves n records on the primary.
func (w *world) diverges(n int) spans {
	from := w.primary.end()
	w.write(n, data)
	return spans{{From: from, To: w.primary.end()}}
}

// rests wants nothing more on the secondary than there is, nothing foreign, and all of the primary accounted for. Then one record more is copied.
func (w *world) rests(t *testing.T, what string) {
	t.Helper()
	end := w.second.end()
	w.calm(t)
	front, _ := w.index.Frontier()
	if w.second.end() != end || len(w.index.Copies.Foreign) > 0 || front.Primary != w.primary.end() {
		t.Fatalf("%s: %d records copied, foreign %v, frontier %v of %d\n%s", what, w.second.end()-end, w.index.Copies.Foreign, front, w.primary.end(), w)
	}
	w.check(t)
	w.write(1, data)
	w.calm(t)
	if w.second.end() != end+1 {
		t.Fatalf("%s: one record more, and %d copied\n%s", what, w.second.end()-end, w)
	}
	w.check(t)
}

// Every order of what a way home leaves behind: what was left out is not copied, and nothing that came home is copied back.
func TestReviewIndexLostAfterAWayHome(t *testing.T) {
	for what, world := range map[string]func(*world) spans{
		"nothing was produced on the secondary, and an aborted transaction lies before what was left": func(w *world) spans {
			w.write(2, aborted)
			return w.diverges(3)
		},
		"nothing was copied before the switch": func(w *world) spans {
			left := w.diverges(3)
			w.home(3)
			return left
		},
		"two ways home": func(w *world) spans {
			w.write(2, aborted)
			left := w.diverges(3)
			w.home(2)
			left = append(left, w.diverges(2)...)
			w.write(1, aborted)
			return append(left, w.diverges(1)...)
		},
		"replayed": func(w *world) spans {
			left := w.diverges(3)
			for _, c := range w.primary.cells[left[0].From:] {
				w.comesHome(c.record)
			}
			w.home(2)
			return left
		},
		"more was left than an alignment looks ahead": func(w *world) spans {
			left := w.diverges(rebuildSearch + 2000)
			w.home(3)
			return left
		},
	} {
		for _, copied := range []int{0, 4} {
			w := newWorld(unique)
			w.primary.cut, w.second.cut = 1000, 1000
			w.write(copied, data)
			w.calm(t)
			w.Flush()
			left := world(w)
			w.again(true, left, nil)
			if what != "more was left than an alignment looks ahead" {
				w.rests(t, fmt.Sprintf("%s; %d copied", what, copied))
				continue
			}
			end := w.second.end()
			if w.calm(t); w.second.end() != end || len(w.index.Copies.Foreign) > 0 {
				t.Fatalf("%s; %d copied: %d copied back, foreign %v", what, copied, w.second.end()-end, w.index.Copies.Foreign)
			}
		}
	}
}

// A primary whose log begins with nothing that a consumer reads is copied once, however often the index is lost.
func TestReviewIndexLostAndTheLogBeginsWithAHole(t *testing.T) {
	w := newWorld(unique)
	w.write(3, aborted)
	w.write(4, data)
	w.calm(t)
	w.again(true, nil, nil)
	w.rests(t, "aborted first")
}

// The index is there, and the primary has a new leader since: what was left out is no record that another leader wrote.
func TestReviewLeftOutAndANewLeader(t *testing.T) {
	w := newWorld(unique)
	w.write(4, data)
	w.calm(t)
	left := w.diverges(3)
	if err := w.index.Advance(translate.Frontier{Primary: w.primary.end(), Secondary: w.second.end()}); err != nil { // as Settle does
		t.Fatal(err)
	}
	w.Flush()
	w.primary.epoch++
	w.again(false, left, nil)
	w.rests(t, "a new leader")
}

// The way home has lost its index, and the other side's retention has taken all copies but those of what was left there: a replay of these is
// no place to begin at, or what was produced before it would never come home.
func TestReviewReplayIsNoAnchor(t *testing.T) {
	w := newWorld(unique) // the other way: the primary is where records were produced since
	w.write(4, data)
	for range 3 {
		w.write(1, data)
		r := w.primary.cells[w.primary.end()-1].record
		w.second.cells = append(w.second.cells, cell{kind: data, record: r, pid: 9, origin: orphan})
	}
	w.second.start = 1
	w.again(true, nil, spans{{From: 0, To: 3}})
	w.calm(t)
	copies := last(w.primary, w.second)
	for u := range w.primary.end() {
		if _, ok := copies[u]; !ok {
			t.Errorf("record %d never came home\n%s", u, w)
		}
	}
	w.check(t)
}

// What lies aside is no obstacle when the process that compared both sides has died, either.
func TestReviewAsideAfterARestart(t *testing.T) {
	w := newWorld(unique)
	w.write(4, data)
	w.calm(t)
	w.Flush()
	from := w.second.end()
	w.intrude(3)
	w.again(false, nil, spans{{From: from, To: from + 3}})
	w.write(2, data)
	w.calm(t)
	if len(w.index.Copies.Foreign) > 0 || w.second.end() != from+5 {
		t.Fatalf("foreign %v, ends at %d\n%s", w.index.Copies.Foreign, w.second.end(), w)
	}
	if pos := w.forward(5); pos.Offset != from+4 || pos.Confidence != translate.Exact {
		t.Errorf("%+v", pos)
	}
}

// The way home has lost its index, and producers of transactions have aborted some of what home has: these records are no obstacle.
func TestReviewAbortedAtHome(t *testing.T) {
	for _, theirs := range []bool{false, true} {
		w := newWorld(unique) // the other way: the secondary is home
		w.write(4, data)
		for at := range int64(4) {
			if at == 2 {
				w.second.cells = append(w.second.cells, cell{kind: aborted, record: w.record(), pid: 7, origin: orphan}, cell{kind: marker, pid: 7,
					record: kafka.Record{Key: []byte{0, 0, 0, 0}, Value: []byte{0, 0, 0, 0, 0, 0}}, origin: orphan})
			}
			w.second.cells = append(w.second.cells, cell{kind: data, record: w.primary.cells[at].record, pid: 9, origin: at})
		}
		w.write(2, data)
		w.again(true, nil, nil)
		if theirs {
			w.p.theirs = &w.second.fakeLog
		}
		w.calm(t)
		if foreign := len(w.index.Copies.Foreign) > 0; foreign == theirs || w.second.end() != 8 {
			t.Fatalf("theirs %t: foreign %v, ends at %d\n%s", theirs, w.index.Copies.Foreign, w.second.end(), w)
		}
		if pos := w.forward(5); theirs && (pos.Offset != 7 || pos.Confidence != translate.Exact) {
			t.Errorf("%+v", pos)
		}
		w.check(t)
	}
}
