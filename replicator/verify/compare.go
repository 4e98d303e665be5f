package verify

// side is a window in kinds.
type side struct {
	below, above          []int
	inBelow, inAbove      []int // how often each kind is there
	firstAbove, lastAbove []int // where it is; -1: nowhere
	start, end            bool
}

func newSide(w *window, below, above []int, kinds int) *side {
	s := &side{below: below, above: above, start: w.start, end: w.end}
	s.inBelow, s.inAbove, s.lastAbove, s.firstAbove = make([]int, kinds), make([]int, kinds), make([]int, kinds), make([]int, kinds)
	for k := range kinds {
		s.lastAbove[k], s.firstAbove[k] = -1, -1
	}
	for _, k := range below {
		s.inBelow[k]++
	}
	for i, k := range above {
		s.inAbove[k]++
		if s.lastAbove[k] = i; s.firstAbove[k] < 0 {
			s.firstAbove[k] = i
		}
	}
	return s
}

func (s *side) has(kind int) int { return s.inBelow[kind] + s.inAbove[kind] }

// finding is what two windows show.
type finding struct {
	verdict Verdict
	records int64
	atLeast bool
	why     string
	notes   []string
	// near: landmarks on both sides of the position, or nothing is there.
	near bool
	// lost: neither side's next record is near the other position.
	lost bool
}

// comparison of the windows around a position on the primary (a) and the one on the secondary (b).
//
// A landmark is a record of the primary that is there once, as far as the window reaches: wherever its kind is found on the secondary
// is a copy of it. What is proven is proven by landmarks; records that are alike only have to agree in number between them.
type comparison struct {
	a, b *side
	// meet is the first landmark above on the primary that has a copy above on the secondary, there its first copy: indexes, or -1.
	meet, there int
	skipped     int
	cut         bool // the last ones looked at are skipped: there may be more
	reread      int
	unsure      bool
	focus       int // how many of the primary's records above can be expected in b's window
}

func (c *comparison) landmark(kind int) bool { return c.a.has(kind) == 1 }

// compare is a pure function of two windows.
func compare(a, b *side) finding {
	c := &comparison{a: a, b: b, meet: -1, there: -1}
	c.focus = len(a.above)
	if !b.end {
		c.focus = min(c.focus, (len(b.above)+1)/2)
	}
	c.landmarks()
	c.alike()
	c.rereads()
	switch {
	case c.skipped > 0:
		return finding{verdict: Skips, records: int64(c.skipped), atLeast: c.cut, why: "the next records lie below the position on the secondary, and not above it"}
	case len(a.above) == 0 && len(b.above) == 0:
		return c.atEnd()
	case len(a.above) == 0:
		return c.primaryAtEnd()
	case len(b.above) == 0:
		return c.secondaryAtEnd()
	}
	return c.next()
}

// landmarks looks for those that would be skipped, and for the first one that both sides have above.
func (c *comparison) landmarks() {
	last := false
	for i, k := range c.a.above {
		if !c.landmark(k) {
			continue
		}
		if c.b.inAbove[k] > 0 {
			if c.meet < 0 {
				c.meet, c.there = i, c.b.firstAbove[k]
			}
			last = false
			continue
		}
		if i < c.focus && c.b.inBelow[k] > 0 {
			c.skipped++
			last = true
		}
	}
	c.cut = last && (!c.a.end || c.focus < len(c.a.above))
}

// alike looks at the records that are not landmarks: if fewer of a kind lie above on the secondary than on the primary, and
// some lie below, those may be of the ones above.
func (c *comparison) alike() {
	to, until := len(c.a.above), len(c.b.above)
	if !c.b.end {
		if to, until = c.reach(); to == 0 {
			return
		}
	}
	need := map[int]int{}
	for _, k := range c.a.above[:to] {
		if !c.landmark(k) {
			need[k]++
		}
	}
	for _, k := range c.b.above[:until] {
		need[k]--
	}
	for k, n := range need {
		switch extra := c.b.inBelow[k] - c.a.inBelow[k]; {
		case n <= 0 || c.b.inBelow[k] == 0:
		case extra > 0 && c.a.start:
			c.skipped += min(n, extra)
		default:
			c.unsure = true
		}
	}
}

// reach is up to where the two windows hold the same stretch: past the last landmark that both have above.
func (c *comparison) reach() (to, until int) {
	for i, k := range c.a.above {
		if c.landmark(k) && c.b.inAbove[k] > 0 {
			to, until = i+1, max(until, c.b.lastAbove[k]+1)
		}
	}
	return to, until
}

// rereads counts what lies above on the secondary, and below on the primary. Further above than the primary's window reaches
// nothing is counted: what comes there may be another one that is alike.
func (c *comparison) rereads() {
	all := c.b.above
	if !c.b.end {
		all = all[:min(len(all), len(c.a.above))]
	}
	for j, k := range all {
		if c.a.inBelow[k] > 0 && (c.landmark(k) || c.a.inAbove[k] == 0 && (c.there < 0 || j < c.there)) {
			c.reread++
		}
	}
}
