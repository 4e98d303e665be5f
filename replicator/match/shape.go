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
	latest  int64          // the latest time of a record that was recognised
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
		h.latest = max(h.latest, p.recs[i].time)
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
	begins := h.beginsIn(span, seen)
	kept := h.anchors[:0:0]
	for _, x := range h.anchors {
		if x.secondary < span.From || x.secondary >= span.To {
			kept = append(kept, x)
		}
	}
	h.anchors = kept
	seen[0].fall = begins
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
			at := steepest(seen[top : k+1])
			h.add(seen[top])
			seen[top+at].fall, fell = true, true
			h.add(seen[top+at])
			top = highest(seen[:k+1], top+at)
		}
	}
	h.add(seen[top])
	h.add(seen[len(seen)-1])
	h.straighten()
	h.overtaken()
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
