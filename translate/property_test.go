package translate

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// world is a mirror that does everything a mirror was ever seen to do, with the index told what a source would learn.
type world struct {
	t    *rapid.T
	m    *model
	c    *Copies
	back int64 // where an unfinished re-copy will have caught up
	// unseen says that a later copy of an earlier record was hidden in an open gap: answers are safe, exact ones may read again.
	unseen bool
	// blind says that something happened that nobody can answer exactly after: an open gap, records that came and went,
	// runs pruned while the other side still had them. Without any of it every answer up to the frontier is exact.
	blind  bool
	voided bool // the primary was truncated
	log    []string
}

func (w *world) say(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func (w *world) n(name string, from, to int64) int64 {
	return rapid.Int64Range(from, to).Draw(w.t, name)
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.story())
	}
}

func (w *world) story() string {
	return strings.Join(w.log, "\n") + fmt.Sprintf("\nmain %v\npending %v\ndead %v\nfrontier %v tip %d past %+v veils %+v foreign %v open %v",
		w.c.Main, w.c.Pending, w.c.Dead, w.c.Frontier, w.c.Tip, w.c.Past, w.c.Veils, w.c.Foreign, w.c.NextOpen)
}

// copy puts length records from primary on at the secondary's end and tells it.
func (w *world) copy(primary, length int64, closed bool) {
	r := Run{Primary: primary, Secondary: w.m.end, Length: length, Closed: closed}
	w.say("append %+v", r)
	for i := range length {
		w.m.copies[w.m.end+i] = primary + i
	}
	w.m.end += length
	w.must(w.c.Append(r))
	w.m.next = max(w.m.next, r.PrimaryEnd())
}

// ops of a mirror, each one small.
func (w *world) step() {
	switch w.n("op", 0, 15) {
	case 0, 1, 2:
		w.copy(w.cursor(), w.n("length", 1, 6), true)
		w.moved()
	case 3: // a marker or a dropped record on the primary, filtered or aborted
		w.back = max(w.cursor()+w.n("dropped", 1, 3), 0)
		w.m.next = max(w.m.next, w.back)
	case 4: // markers on the secondary
		w.m.end += w.n("markers", 1, 2)
	case 5:
		w.hidden()
	case 6: // the mirror starts again from an earlier offset
		w.back = w.n("restart", w.m.log.LogStart, w.m.next)
	case 7: // one batch arrives late, once more, and the mirror goes on where it was
		if top := w.m.top(); top > w.m.log.LogStart {
			from := w.n("late", w.m.log.LogStart, top-1)
			w.copy(from, min(top-from, w.n("length", 1, 6)), true)
		}
	case 8:
		w.foreign()
	case 9:
		below := w.n("accept", 0, w.m.end)
		w.say("accept below %d", below)
		w.c.AcceptForeign(below)
		for d := range w.m.foreign {
			w.m.foreign[d] = w.m.foreign[d] || d < below
		}
	case 10:
		w.truncateSecondary()
	case 11:
		// Not where unseen copies are hidden: among what becomes foreign here they are accepted with it.
		if w.n("rare", 0, 3) == 0 && !w.unseen {
			w.truncatePrimary()
		}
	case 12, 13:
		w.prune()
	default:
		w.advance()
	}
}

// cursor is where the mirror reads: back, while it copies again.
func (w *world) cursor() int64 { return w.back }
func (w *world) moved() {
	w.back = w.m.copies[w.m.end-1] + 1
}

// hidden copies some of the next records without telling, then one run that is told, with an open gap before it.
func (w *world) hidden() {
	if w.cursor() < w.m.next {
		return // a re-copy that is not looked at is an unseen copy, below
	}
	w.blind = true
	from := w.cursor()
	gap := w.n("gap", 1, 5)
	w.say("hidden gap %d..%d at %d", from, from+gap, w.m.end)
	for s := from; s < from+gap; s++ {
		for range w.n("times", 0, 2) {
			w.m.copies[w.m.end] = s
			w.m.end++
		}
		if w.n("hole", 0, 4) == 0 {
			w.m.end++
		}
	}
	if again := w.n("unseen", -9*(from+1), from-1); again >= 0 && !w.voided && w.m.primaries()[again] {
		w.m.copies[w.m.end] = again
		w.m.end++
		w.unseen = true
	}
	w.m.next = max(w.m.next, from+gap)
	w.copy(from+gap, w.n("length", 1, 5), false)
	w.moved()
}

func (w *world) foreign() {
	w.blind = true
	s := Span{w.m.end, w.m.end + w.n("foreign", 1, 3)}
	w.say("foreign %v", s)
	for d := s.From; d < s.To; d++ {
		w.m.foreign[d] = false
	}
	w.m.end = s.To
	w.must(w.c.AddForeign(s))
}

func (w *world) advance() {
	if w.cursor() < w.m.next || w.m.log.LogStart > w.m.next {
		return // copying again: what lies below next is told, but a source would not say so
	}
	f := Frontier{w.m.next, w.m.end}
	w.blind = w.blind || w.c.virgin() && f != Frontier{}
	w.say("advance %+v", f)
	w.must(w.c.Advance(f))
}

func (w *world) truncateSecondary() {
	from := w.n("truncate", max(w.m.logs, w.m.end-w.n("tail", 0, 12)), w.m.end)
	w.say("truncate secondary at %d", from)
	before := w.m.primaries()
	w.m.truncate(from)
	resume, err := w.c.TruncateSecondary(from)
	w.must(err)
	left := w.m.primaries()
	for s := range before {
		if !left[s] && s < resume && s >= w.m.log.LogStart {
			w.t.Fatalf("resume at %d, but %d has no copy left\n%s", resume, s, w.story())
		}
	}
	w.back = max(resume, w.m.log.LogStart)
}

func (m *model) primaries() map[int64]bool {
	all := map[int64]bool{}
	for _, s := range m.copies {
		all[s] = true
	}
	return all
}

func (w *world) truncatePrimary() {
	from := w.n("unclean", max(w.m.log.LogStart, w.m.next-8), max(w.m.log.LogStart, w.m.next))
	w.blind, w.voided = true, true
	w.say("truncate primary at %d", from)
	w.m.void(from)
	w.must(w.c.TruncatePrimary(from))
	w.back, w.m.next = min(w.back, from), min(w.m.next, from)
}

func (w *world) prune() {
	w.m.log.LogStart = w.n("primary log start", w.m.log.LogStart, max(w.m.log.LogStart, w.m.log.LogStart+(w.m.next-w.m.log.LogStart)/2))
	w.m.logs = w.n("secondary log start", w.m.logs, max(w.m.logs, w.m.logs+(w.m.end-w.m.logs)/2))
	w.back = max(w.back, w.m.log.LogStart)
	w.m.next = max(w.m.next, w.back)
	if w.n("told", 0, 2) > 0 {
		w.say("prune %d %d", w.m.log.LogStart, w.m.logs)
		w.must(w.c.Prune(w.m.log.LogStart, w.m.logs))
		w.blind = w.blind || w.c.Past.LostCopies > w.m.logs
	} else {
		w.say("log starts %d %d", w.m.log.LogStart, w.m.logs)
	}
}

// checkForward holds every answer against the truth.
func (w *world) checkForward() {
	top := max(w.m.top(), w.m.next) + 2
	want := w.m.forward(top)
	foreign := w.m.firstForeign()
	b := Bounds{w.m.logs, w.m.end}
	for u := range top {
		got, err := w.c.Forward(u, b)
		w.must(err)
		if got.Confidence == Unmapped {
			continue
		}
		if end, _ := w.c.End(); !w.blind && got.Confidence != Exact && (u < end || w.c.HasFrontier && u <= w.c.Frontier.Primary) {
			w.t.Fatalf("forward %d = %+v should be exact\n%s", u, got, w.story())
		}
		t := min(want[u], max(foreign, w.m.logs))
		if got.Offset > t {
			w.t.Fatalf("SKIP: forward %d = %+v, T = %d\n%s", u, got, t, w.story())
		}
		again := w.m.records(got.Offset, t)
		if w.unseen {
			continue
		}
		if got.Confidence == Exact && (again > 0 || got.Reread != 0) {
			w.t.Fatalf("forward %d = %+v is not exact, T = %d\n%s", u, got, t, w.story())
		}
		if again > 0 && got.Reread >= 0 && got.Reread < again {
			w.t.Fatalf("forward %d = %+v reads %d again, T = %d\n%s", u, got, again, t, w.story())
		}
		if got.Offset < b.LogStart || got.Offset > b.End {
			w.t.Fatalf("forward %d = %+v is out of %+v\n%s", u, got, b, w.story())
		}
	}
}

func (w *world) checkReverse() {
	b := Bounds{w.m.log.LogStart, max(w.m.next, w.m.top())}
	for v := int64(0); v <= w.m.end+1; v++ {
		got, err := w.c.Reverse(v, b)
		w.must(err)
		if got.Confidence == Unmapped {
			continue
		}
		want, some := w.m.reverse(v)
		if some && got.Offset > want {
			w.t.Fatalf("SKIP: reverse %d = %+v, R = %d\n%s", v, got, want, w.story())
		}
		to := want
		if !some {
			to = b.End
		}
		again := w.m.read(got.Offset, to, v)
		if w.unseen {
			continue
		}
		if got.Confidence == Exact && again > 0 {
			w.t.Fatalf("reverse %d = %+v is not exact, R = %d, %d read again\n%s", v, got, want, again, w.story())
		}
		if got.Reread >= 0 && got.Reread < again {
			w.t.Fatalf("reverse %d = %+v reads %d again, R = %d\n%s", v, got, again, want, w.story())
		}
	}
}

// TestMirror holds forward and reverse against the naive model after every step of a random mirror.
func TestMirror(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, m: newModel(), c: New()}
		if w.n("advance first", 0, 1) == 0 {
			w.must(w.c.Advance(Frontier{}))
		}
		for range w.n("steps", 1, 30) {
			w.step()
			if err := w.c.Check(); err != nil {
				t.Fatalf("check: %v\n%s", err, w.story())
			}
			w.checkForward()
			w.checkReverse()
		}
	})
}
