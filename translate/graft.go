package translate

import (
	"errors"
	"slices"
)

// ErrConflict: what was compared contradicts the main line around it.
var ErrConflict = errors.New("contradicts what is known")

// Graft says that a stretch was compared record by record on both sides: the main line over the primary offsets of is runs,
// and nothing else. It is for sources that compare where they are asked to, in any order (match); Copies are either grafted or
// appended, and the other is ErrRange.
//
//	known       ■■■■■■■·······■■■■■■■■■■■·········■■■■
//	of                    |············|
//	runs                    ■■■■   ■■■
//	then        ■■■■■■■·····■■■■···■■■··■■········■■■■
//	                    ↑ open   ↑ runs[1].Closed
//
// runs[i].Closed for i > 0 says whether the gap before it is known, runs[0].Closed whether what of of lies before it is. The gap
// before runs[0] is closed when also everything between of and the run before was known, and the gap behind runs likewise.
//
// What is past the last run is open until Settle says otherwise. A run that does not lie between its neighbours on the secondary is
// ErrConflict, and nothing is changed.
func (c *Copies) Graft(of Span, runs []Run) error {
	if err := c.graftable(of, runs); err != nil {
		return err
	}
	if err := c.Reach(of.From); err != nil {
		return err
	}
	g := c.cutOut(of)
	if n := len(runs); n > 0 && (g.hasPrev && g.prev.SecondaryEnd() > runs[0].Secondary || g.hasNext && runs[n-1].SecondaryEnd() > g.next.Secondary) {
		return ErrConflict
	}
	before := g.knownBefore
	keep := appendNonEmpty(nil, g.left)
	for i, r := range runs {
		if i == 0 {
			r.Closed = r.Closed && before
		}
		keep = append(keep, r)
		c.Tip = max(c.Tip, r.SecondaryEnd())
	}
	behind := g.knownBehind && (len(runs) > 0 || before)
	c.put(g, keep, behind)
	if end, ok := c.End(); !g.hasNext && (!ok || end > g.end || g.left.Length > 0 && len(runs) == 0) {
		c.NextOpen, c.Frontier, c.HasFrontier = true, Frontier{}, false
	}
	return nil
}

func (c *Copies) graftable(of Span, runs []Run) error {
	if of.From < 0 || of.From >= of.To || len(c.Pending) > 0 || len(c.Dead) > 0 || len(c.Veils) > 0 {
		return ErrRange
	}
	for i, r := range runs {
		switch {
		case r.Length <= 0 || r.Secondary < 0 || r.Primary < of.From || r.PrimaryEnd() > of.To:
			return ErrRange
		case i > 0 && (runs[i-1].PrimaryEnd() > r.Primary || runs[i-1].SecondaryEnd() > r.Secondary):
			return ErrRange
		case overlaps(c.Foreign, Span{r.Secondary, r.SecondaryEnd()}):
			return ErrOverlap
		}
	}
	return nil
}

// Drop forgets what is known of the primary offsets of: the gap over them is open.
func (c *Copies) Drop(of Span) error {
	if of.From < 0 || of.From >= of.To {
		return ErrRange
	}
	if err := c.Reach(of.From); err != nil {
		return err
	}
	end, some := c.End()
	g := c.cutOut(of)
	c.put(g, appendNonEmpty(nil, g.left), false)
	if !some || of.To >= end {
		c.NextOpen, c.Frontier, c.HasFrontier = true, Frontier{}, false
	}
	return nil
}

// Settle sets the frontier of grafted copies, which asserts what Advance asserts, and that nothing past the last run was copied:
// the last run was grafted up to the greatest record that has a copy, and all of them lie below f.Secondary. It never goes back.
func (c *Copies) Settle(f Frontier) error {
	if len(c.Main) == 0 {
		return ErrOrder
	}
	if c.HasFrontier {
		f = Frontier{max(f.Primary, c.Frontier.Primary), max(f.Secondary, c.Frontier.Secondary)}
	}
	if err := c.Advance(f); err != nil {
		return err
	}
	c.NextOpen = false
	return nil
}

// Around is the place of a primary offset on the main line.
func (c *Copies) Around(u int64) (Place, error) { return c.at(u) }

// hole is where a span of primary offsets lies in Main.
type hole struct {
	i, j             int // Main[i:j] meet the span
	left, right      Run // what of them lies outside
	prev, next       Run // the neighbours, left and right among them
	hasPrev, hasNext bool
	knownBefore      bool  // everything between prev and the span is known
	knownBehind      bool  // everything between the span and next is known
	end              int64 // of the main line
}

func (c *Copies) cutOut(of Span) hole {
	g := hole{i: endsAbove(c.Main, of.From)}
	g.end, _ = c.End()
	for g.j = g.i; g.j < len(c.Main) && c.Main[g.j].Primary < of.To; g.j++ {
	}
	if g.i > 0 {
		g.prev, g.hasPrev = c.Main[g.i-1], true
	}
	if g.i < len(c.Main) {
		first := c.Main[g.i]
		if g.left = section(first, first.Primary, min(of.From, first.PrimaryEnd())); g.left.Length > 0 {
			g.prev, g.hasPrev = g.left, true
		}
		g.knownBefore = first.Primary >= of.From && first.Closed && g.hasPrev
	}
	g.knownBefore = g.knownBefore || g.hasPrev && g.prev.PrimaryEnd() >= of.From
	if g.j < len(c.Main) {
		g.next, g.hasNext = c.Main[g.j], true
		g.knownBehind = g.next.Closed || g.next.Primary <= of.To
	}
	if g.j > g.i {
		last := c.Main[g.j-1]
		if g.right = section(last, max(of.To, last.Primary), last.PrimaryEnd()); g.right.Length > 0 {
			g.next, g.hasNext, g.knownBehind = g.right, true, true
		}
	}
	return g
}

// put fills a hole. closed is what the gap before what follows becomes.
func (c *Copies) put(g hole, keep []Run, closed bool) {
	low := int64(None)
	if g.i < len(c.Main) {
		low = c.Main[g.i].Primary
	}
	if len(keep) > 0 {
		low = min(low, keep[0].Primary)
	}
	if low != None {
		c.touch(low)
	}
	j := g.j
	if g.right.Length > 0 {
		g.right.Closed = closed
		keep = append(keep, g.right)
	} else if g.hasNext {
		g.next.Closed = closed
		keep = append(keep, g.next)
		c.touch(g.next.Primary)
		j++
	}
	c.Main = slices.Replace(c.Main, g.i, j, keep...)
	for i := min(g.i+len(keep), len(c.Main)-1); i >= max(0, g.i-1); i-- {
		c.join(i)
	}
}
