package match

import (
	"math"
	"sort"

	"github.com/leftoff/leftoff/translate"
)

// shape is what is known of a partition's secondary as a whole: from which primary records its places were copied, at a few
// places. A mirror that goes forward is one line that rises; one that was restarted falls back, and copies again.
//
//	secondary
//	  |                     ·  session 2: 50 … 59, and then the mirror died
//	  |                    ·
//	  |                 x      a fall: the source goes back from 99 to 50
//	  |               ·
//	  |          ·             session 1: 0 … 99
//	  |     ·
//	  +-------------------------- primary
//
// What is safe to answer follows from the sessions (route), on one assumption: a session begins at or before the place which
// those before it have reached, or further on where nothing was copied yet; a mirror goes on where it stopped, or before.
type shape struct {
	anchors []anchor // by secondary offset
	known   []translate.Span
	window  int64          // of the secondary: the window that is looked at
	flight  int64          // of the secondary: how far copies may be out of order
	seen    translate.Span // offsets compared without a fall: From of the secondary, To of the primary
	thinned int64          // records that a copy stands for, at most: a filter leaves the others out
	jitter  int64          // how far they were seen to be, in records
	spread  int64          // primary offsets that a record takes, at most: holes and markers. With window, a fall below it is no fall
}

// anchor is one record whose place on both sides was seen.
type anchor struct {
	primary, secondary int64
	fall               bool // a session begins here, as was seen record by record
}

func (a anchor) delta() int64 { return a.secondary - a.primary }

// maxAnchors bounds a shape; beyond it every other one that tells least is dropped.
const maxAnchors = 2048

// add takes an anchor.
func (h *shape) add(a anchor) {
	i := sort.Search(len(h.anchors), func(i int) bool { return h.anchors[i].secondary >= a.secondary })
	if i < len(h.anchors) && h.anchors[i].secondary == a.secondary {
		h.anchors[i] = a
		return
	}
	h.anchors = append(h.anchors, anchor{})
	copy(h.anchors[i+1:], h.anchors[i:])
	h.anchors[i] = a
	if len(h.anchors) > maxAnchors {
		h.thin()
	}
}

// thin drops anchors that lie on a line with both neighbours.
func (h *shape) thin() {
	kept := h.anchors[:1]
	for i := 1; i < len(h.anchors); i++ {
		straight := i+1 < len(h.anchors) && h.anchors[i].delta() == kept[len(kept)-1].delta() && h.anchors[i].delta() == h.anchors[i+1].delta()
		if !straight || i%2 == 0 {
			kept = append(kept, h.anchors[i])
		}
	}
	if len(kept) > maxAnchors {
		kept = append(kept[:0:0], kept[len(kept)-maxAnchors/2:]...)
	}
	h.anchors = kept
}

// learn takes what an aligned stretch of the secondary showed: where recognised records begin and end, and where the source
// falls back between them. What was known of these places is replaced. A part in which records were not recognised stays
// unknown: the mirror may have gone back in it.
func (h *shape) learn(p, q *stretch, a alignment) {
	h.spread = max(h.spread, p.spread())
	if a.matched >= 16 {
		h.thinned = max(h.thinned, int64(math.Ceil(1/a.kept())))
	}
	h.measure(p, a)
	var part []anchor
	strange := int64(0)
	for j, i := range a.source {
		if i < 0 {
			if strange++; strange > h.window/4 {
				h.learnPart(part)
				part = nil
			}
			continue
		}
		strange = 0
		part = append(part, anchor{primary: p.recs[i].offset, secondary: q.recs[j].offset})
	}
	h.learnPart(part)
}

// scale is how many primary offsets a copy takes, at most.
func (h *shape) scale() int64 { return max(1, h.spread) * max(1, h.thinned) }

// measure notes how far copies that were made once are out of order.
func (h *shape) measure(p *stretch, a alignment) {
	copied, top := make([]bool, len(p.recs)), -1
	for _, i := range a.source {
		if i < 0 || copied[i] {
			continue
		}
		copied[i] = true
		if back := int64(top - i); back > h.jitter && back <= h.flight {
			h.jitter = back
		}
		top = max(top, i)
	}
}

func (h *shape) learnPart(seen []anchor) {
	if len(seen) == 0 {
		return
	}
	last := seen[len(seen)-1]
	span := translate.Span{From: seen[0].secondary, To: last.secondary + 1}
	kept := h.anchors[:0:0]
	for _, x := range h.anchors {
		if x.secondary < span.From || x.secondary >= span.To {
			kept = append(kept, x)
		}
	}
	h.anchors = kept
	h.add(seen[0])
	fell := false
	top, copied := 0, map[int64]bool{seen[0].primary: true}
	for k := 1; k < len(seen); k++ {
		// What lies further back than records can be out of order was copied again, and so was what was copied before and lies too
		// far back for a window to show both.
		again := copied[seen[k].primary] && seen[top].primary-seen[k].primary > h.window/4*h.scale()
		copied[seen[k].primary] = true
		if seen[k].primary > seen[top].primary {
			top = k
		} else if again || (bracket{seen[top], seen[k]}).falls(h) {
			h.add(seen[top])
			seen[k].fall, fell = true, true
			h.add(seen[k])
			top = k
		}
	}
	h.add(seen[top])
	h.add(last)
	h.cover(span)
	if last.primary > seen[0].primary && top == len(seen)-1 && !fell {
		h.seen.From += last.secondary - seen[0].secondary
		h.seen.To += last.primary - seen[0].primary
	}
}

// maxKnown bounds the spans that are kept as read.
const maxKnown = 512

func (h *shape) cover(s translate.Span) {
	all := append(h.known, s)
	sort.Slice(all, func(i, j int) bool { return all[i].From < all[j].From })
	merged := all[:1]
	for _, x := range all[1:] {
		if last := &merged[len(merged)-1]; x.From <= last.To {
			last.To = max(last.To, x.To)
		} else {
			merged = append(merged, x)
		}
	}
	if len(merged) > maxKnown {
		merged = merged[len(merged)-maxKnown:]
	}
	h.known = merged
}

// read says that a span of the secondary was read as a whole.
func (h *shape) read(from, to int64) bool {
	for _, k := range h.known {
		if k.From <= from && to <= k.To {
			return true
		}
	}
	return false
}

// cutSecondary forgets what lies at an offset of the secondary and above.
func (h *shape) cutSecondary(from int64) {
	i := sort.Search(len(h.anchors), func(i int) bool { return h.anchors[i].secondary >= from })
	h.anchors = h.anchors[:i]
	kept := h.known[:0:0]
	for _, k := range h.known {
		if k.To = min(k.To, from); k.From < k.To {
			kept = append(kept, k)
		}
	}
	h.known = kept
}

// raise forgets what lies below the secondary's log start.
func (h *shape) raise(logStart int64) {
	i := sort.Search(len(h.anchors), func(i int) bool { return h.anchors[i].secondary >= logStart })
	h.anchors = h.anchors[i:]
}

// bracket is the space between two neighbouring anchors.
type bracket struct{ low, high anchor }

// excess is how many more offsets there are on the secondary than on the primary: copies made again, markers, or records of
// somebody else.
func (b bracket) excess() int64 {
	return b.high.secondary - b.low.secondary - (b.high.primary - b.low.primary)
}

// falls: the source goes back further than records may be out of order.
func (b bracket) falls(h *shape) bool {
	return b.high.fall || b.low.primary-b.high.primary > h.flight*h.scale()
}

func (h *shape) brackets(yield func(bracket) bool) {
	for i := 1; i < len(h.anchors); i++ {
		if !yield(bracket{h.anchors[i-1], h.anchors[i]}) {
			return
		}
	}
}

// doubt returns a bracket that must be looked into before T is known for a primary offset: copies may have been made again
// in it of records around that offset, and where is not known yet.
//
// In a bracket with an excess of e, a session that fell back inside it fell back by e at most, unless records were dropped
// there, too. So it can concern offsets from e below its low end to e above its high one. Where records are known to leave
// offsets out (markers, holes, a filter), the excess counts against what is usual. Where there is more than is usual, the mirror may
// also have gone ahead first, over records that it dropped for the time being: what it copied there lies however far above.
func (h *shape) doubt(u int64) (worst bracket, some bool) {
	return h.worst(u, func(b bracket) bool { return b.excess() > h.window/4 })
}

// suspect is a bracket in which there is more on the secondary than is usual, though not more than on the primary. That may be
// chance.
func (h *shape) suspect(u int64) (worst bracket, some bool) {
	if h.seen.To == 0 {
		return worst, false
	}
	return h.worst(u, h.odd)
}

// odd: there is more on the secondary than chance would have there.
func (h *shape) odd(b bracket) bool {
	width := float64(b.high.secondary - b.low.secondary)
	return float64(h.unusual(b)) > max(float64(h.window)/4, width/8, 4*math.Sqrt(width))
}

// unusual is the excess of a bracket, in secondary offsets, over what the stretches compared so far would have.
func (h *shape) unusual(b bracket) int64 {
	rate := 1.0
	if h.seen.To > 0 {
		rate = min(1, float64(h.seen.From)/float64(h.seen.To))
	}
	return b.high.secondary - b.low.secondary - int64(rate*float64(b.high.primary-b.low.primary))
}

func (h *shape) worst(u int64, counts func(bracket) bool) (worst bracket, some bool) {
	var width int64
	for b := range h.brackets {
		if h.read(b.low.secondary, b.high.secondary) || !counts(b) {
			continue
		}
		e := max(b.excess(), h.unusual(b))
		if h.seen.From > 0 { // in primary offsets
			e = max(e, int64(float64(e)*float64(h.seen.To)/float64(h.seen.From)))
		}
		low, high := min(b.low.primary, b.high.primary)-e, max(b.low.primary, b.high.primary)+e
		if u < low || u > high && !h.odd(b) {
			continue
		}
		if w := b.high.secondary - b.low.secondary; w > width {
			worst, width, some = b, w, true
		}
	}
	return worst, some
}

// session is a part of the secondary in which the source rises.
type session struct {
	from, to    int64 // secondary offsets [from, to)
	first, last int64 // primary offsets copied first and last
}

// sessions splits the secondary at the falls.
func (h *shape) sessions() []session {
	var all []session
	for i, a := range h.anchors {
		if i == 0 || (bracket{h.anchors[i-1], a}).falls(h) {
			from := a.secondary
			if i == 0 {
				from = 0
			}
			all = append(all, session{from: from, first: a.primary})
		}
		s := &all[len(all)-1]
		s.to, s.last = math.MaxInt64, max(s.last, a.primary)
		if len(all) > 1 {
			all[len(all)-2].to = s.from
		}
	}
	if len(all) > 0 {
		all[0].first = 0
	}
	return all
}

// route says which record's copy is T(u), and in which part of the secondary that copy lies. T is the lowest last copy of a
// record at or after u: that of v, the first one in the lowest session that has one which no later session copied again.
func route(all []session, u int64) (v int64, in session, ok bool) {
	for i, s := range all {
		v := max(u, s.first)
		for again := true; again; {
			again = false
			for _, later := range all[i+1:] {
				if later.first <= v && v <= later.last {
					v, again = later.last+1, true
				}
			}
		}
		if v <= s.last {
			return v, s, true
		}
	}
	if len(all) > 0 {
		return u, all[len(all)-1], false
	}
	return u, session{to: math.MaxInt64}, false
}

// greatest is the greatest primary offset seen copied.
func (h *shape) greatest() (int64, bool) {
	most, some := int64(-1), false
	for _, a := range h.anchors {
		most, some = max(most, a.primary), true
	}
	return most, some
}

// around are the anchors before and after a primary offset within a session.
func (h *shape) around(u int64, in session) (before, after anchor, hasBefore, hasAfter bool) {
	for _, a := range h.anchors {
		if a.secondary < in.from || a.secondary >= in.to {
			continue
		}
		if a.primary <= u && (!hasBefore || a.primary >= before.primary) {
			before, hasBefore = a, true
		}
		if a.primary > u && (!hasAfter || a.primary < after.primary) {
			after, hasAfter = a, true
		}
	}
	return before, after, hasBefore, hasAfter
}

// aroundSecondary are the anchors before and after a place of the secondary.
func (h *shape) aroundSecondary(v int64) (before, after anchor, hasBefore, hasAfter bool) {
	i := sort.Search(len(h.anchors), func(i int) bool { return h.anchors[i].secondary > v })
	if i > 0 {
		before, hasBefore = h.anchors[i-1], true
	}
	if i < len(h.anchors) {
		after, hasAfter = h.anchors[i], true
	}
	return before, after, hasBefore, hasAfter
}
