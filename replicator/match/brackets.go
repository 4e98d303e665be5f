package match

import "math"

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
