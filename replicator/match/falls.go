package match

import (
	"sort"

	"github.com/leftoff/leftoff/translate"
)

// beginsIn says that the session that was known to begin within a span, does so at the first record seen of it, or before.
func (h *shape) beginsIn(span translate.Span, seen []anchor) bool {
	i := sort.Search(len(h.anchors), func(i int) bool { return h.anchors[i].secondary >= span.From })
	return i < len(h.anchors) && h.anchors[i].secondary < span.To && h.anchors[i].fall && seen[0].primary <= h.anchors[i].primary
}

// straighten moves falls to where they are, by what was seen since: the session begins at the first record behind the one before.
func (h *shape) straighten() {
	for i := 1; i < len(h.anchors); i++ {
		if !h.anchors[i].fall {
			continue
		}
		j := i
		for j > 0 && h.anchors[j-1].primary < h.anchors[i].primary {
			if j--; h.anchors[j].fall {
				break
			}
		}
		if j < i {
			h.anchors[i].fall = false
			h.anchors[j].fall = j > 0
		}
	}
}

// overtaken marks falls that several looks show together: a record lies further behind one with a greater offset than copies are
// out of order. The session begins where the source went back most between the two.
func (h *shape) overtaken() {
	for i, j, best := 1, 0, -1; i < len(h.anchors); i++ {
		a := h.anchors[i]
		if (bracket{h.anchors[i-1], a}).falls(h) {
			j, best = i, -1
			continue
		}
		for ; h.anchors[j].secondary < a.secondary-2*h.flight; j++ {
			if best < 0 || h.anchors[j].primary > h.anchors[best].primary {
				best = j
			}
		}
		if best >= 0 && h.anchors[best].primary > a.primary {
			i = best + steepest(h.anchors[best:i+1])
			h.anchors[i].fall = true
			j, best = i, -1
		}
	}
}

// steepest is the anchor to which the source goes back furthest in one step.
func steepest(seen []anchor) int {
	at := 1
	for k := range seen[1:] {
		if seen[k].primary-seen[k+1].primary > seen[at-1].primary-seen[at].primary {
			at = k + 1
		}
	}
	return at
}

// highest is the anchor from so many on with the greatest source.
func highest(seen []anchor, from int) int {
	top := from
	for k := from; k < len(seen); k++ {
		if seen[k].primary > seen[top].primary {
			top = k
		}
	}
	return top
}
