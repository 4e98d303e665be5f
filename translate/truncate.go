package translate

import (
	"cmp"
	"slices"
)

// TruncateSecondary says that the secondary lost every offset at from and above. Earlier copies of the records lost are
// their last copies again; positions fall. resume is the primary offset to copy again from: nothing below it lost its only copy.
func (c *Copies) TruncateSecondary(from int64) (resume int64, err error) {
	if from < 0 {
		return 0, ErrRange
	}
	at, err := c.atSecondary(from)
	if err != nil {
		return 0, err
	}
	if at.HasNext {
		if err := c.Reach(at.Next.Primary); err != nil {
			return 0, err
		}
	}
	lost := c.primaries(func(r Run) Run { return above(r, from) })
	back, lowest := c.survivors(lost, from)
	resume = c.resume(subtract(lost, back), at.Prev, from)
	if len(back) == 0 {
		c.chop(from)
	} else if err := c.reweave(from, back[0].From, lowest); err != nil {
		return 0, err
	}
	c.trimVeils(0, from, true)
	if at.HasNext && !at.Next.Closed && from <= at.Next.Secondary {
		c.NextOpen = true
		c.addVeil(Span{at.Prev.PrimaryEnd(), at.Next.Primary}, Span{at.Prev.SecondaryEnd(), from})
	}
	c.Foreign = trimSpans(c.Foreign, 0, from)
	c.Accepted, c.Tip = min(c.Accepted, from), min(c.Tip, from)
	c.Past.Secondary, c.Past.LostCopies = min(c.Past.Secondary, from), min(c.Past.LostCopies, from)
	if c.HasFrontier {
		c.Frontier = Frontier{min(c.Frontier.Primary, resume), min(c.Frontier.Secondary, from)}
	}
	return resume, nil
}

// primaries are the primary offsets of last copies, each run cut down by part first.
func (c *Copies) primaries(part func(Run) Run) []Span {
	var spans []Span
	for _, runs := range [][]Run{c.Main, c.Pending} {
		for _, r := range runs {
			if r = part(r); r.Length > 0 {
				spans = append(spans, Span{r.Primary, r.PrimaryEnd()})
			}
		}
	}
	return union(spans)
}

// survivors are the lost primary offsets that have an earlier copy below from, and the lowest such copy.
func (c *Copies) survivors(lost []Span, from int64) (back []Span, lowest int64) {
	lowest = None
	for _, d := range c.Dead {
		d = below(d, from)
		for _, l := range lost {
			if part := section(d, max(d.Primary, l.From), min(d.PrimaryEnd(), l.To)); part.Length > 0 {
				back = append(back, Span{part.Primary, part.PrimaryEnd()})
				lowest = min(lowest, part.Secondary)
			}
		}
	}
	return union(back), lowest
}

// resume is the least primary offset that may have to be copied again.
func (c *Copies) resume(gone []Span, prev Run, from int64) int64 {
	end, _ := c.End()
	resume := end
	if c.HasFrontier {
		resume = c.Frontier.Primary
	}
	if len(gone) > 0 {
		resume = min(resume, gone[0].From)
	}
	for _, r := range c.Main { // what was copied in an open gap is not known, nor what of it is lost
		if r.SecondaryEnd() <= from {
			continue
		}
		if !r.Closed && from < r.Secondary {
			resume = min(resume, prev.PrimaryEnd())
		}
		prev = r
	}
	for _, v := range c.Veils {
		if from < v.In.To {
			resume = min(resume, v.Of.From)
		}
	}
	if from < c.Past.LostCopies {
		resume = 0 // copies that were pruned: all that the primary still has
	}
	return resume
}

// chop drops every copy at secondary offset from and above.
func (c *Copies) chop(from int64) {
	for i, r := range c.Main {
		if r.SecondaryEnd() > from {
			c.touch(r.Primary)
			c.Main = appendNonEmpty(c.Main[:i:i], below(r, from))
			break
		}
	}
	chop := func(runs []Run) (kept []Run) {
		for _, r := range runs {
			kept = appendNonEmpty(kept, below(r, from))
		}
		return kept
	}
	c.Pending, c.Dead = chop(c.Pending), chop(c.Dead)
}

// reweave chops, and puts together again what earlier copies may change: all runs from the first revived record on, and
// from the first point of Main that lies above the lowest revived copy. What is before both stands as it is.
func (c *Copies) reweave(from, revived, lowest int64) error {
	at, err := c.atSecondary(lowest)
	if err != nil {
		return err
	}
	start := revived
	if at.HasNext {
		start = min(start, at.Next.Primary)
	}
	if err := c.Reach(start); err != nil {
		return err
	}
	was := Search(c.Main, start, Run.PrimaryEnd)
	closed := !was.HasNext || was.Next.Primary < start || was.Next.Closed
	if was.HasNext {
		c.touch(was.Next.Primary)
	}
	c.touch(start)
	c.chop(from)
	var again []Run
	take := func(runs []Run) (kept []Run) {
		for _, r := range runs {
			kept = appendNonEmpty(kept, section(r, r.Primary, min(r.PrimaryEnd(), start)))
			again = appendNonEmpty(again, section(r, max(r.Primary, start), r.PrimaryEnd()))
		}
		return kept
	}
	c.Main, c.Pending, c.Dead = take(c.Main), take(c.Pending), take(c.Dead)
	slices.SortFunc(again, func(a, b Run) int { return cmp.Compare(a.Secondary, b.Secondary) })
	for _, r := range again {
		if err := c.weave(r); err != nil {
			return err
		}
	}
	c.closeAt(start, closed)
	return nil
}

// closeAt lets the gap that spans a primary offset be known only if it was before.
func (c *Copies) closeAt(start int64, closed bool) {
	for i, r := range c.Main {
		if r.Primary < start {
			continue
		}
		if i == 0 || c.Main[i-1].PrimaryEnd() <= start {
			c.Main[i].Closed = r.Closed && closed
		}
		return
	}
}

// TruncatePrimary says that the primary's log was cut at an offset (an unclean election) and may be written differently
// from there. The copies of what is gone stay on the secondary, and are nobody's copy now: foreign, until a person accepts
// them. The gap before the next run is open.
func (c *Copies) TruncatePrimary(from int64) error {
	if from < 0 {
		return ErrRange
	}
	at, err := c.at(from)
	if err != nil {
		return err
	}
	if at.HasNext {
		if err := c.Reach(at.Next.Primary); err != nil {
			return err
		}
		c.touch(at.Next.Primary)
	}
	var void []Span
	cut := func(runs []Run, last bool) (kept []Run) {
		for _, r := range runs {
			kept = appendNonEmpty(kept, section(r, r.Primary, min(r.PrimaryEnd(), from)))
			if v := section(r, max(r.Primary, from), r.PrimaryEnd()); last && v.Length > 0 {
				void = append(void, Span{v.Secondary, v.SecondaryEnd()})
			}
		}
		return kept
	}
	void = append(void, c.unseen(from)...)
	c.Main, c.Pending, c.Dead = cut(c.Main, true), cut(c.Pending, true), cut(c.Dead, false)
	c.promote(len(c.Main), !at.HasNext || at.Next.Closed || at.Next.Primary < from)
	c.Foreign = union(append(c.Foreign, void...))
	if len(void) > 0 {
		c.Accepted = min(c.Accepted, c.Foreign[0].From)
	}
	c.Past.Primary, c.Past.LostHome = min(c.Past.Primary, from), min(c.Past.LostHome, from)
	c.Frontier.Primary = min(c.Frontier.Primary, from)
	c.NextOpen = true
	return nil
}

// unseen are the secondary's sides of open gaps that reach to a primary offset or above. What was copied there of records
// below it lies behind a veil.
func (c *Copies) unseen(from int64) (spans []Span) {
	prev := Run{Secondary: c.Past.Secondary}
	for _, r := range c.Main {
		if r.Primary >= from && !r.Closed && prev.SecondaryEnd() < r.Secondary {
			in := Span{prev.SecondaryEnd(), r.Secondary}
			c.addVeil(Span{prev.PrimaryEnd(), min(r.Primary, from)}, in)
			if r.Primary > from {
				spans = append(spans, in)
			}
		}
		prev = r
	}
	for i, v := range c.Veils {
		if v.Of.To > from {
			spans = append(spans, v.In)
			c.Veils[i].Of.To = from
		}
	}
	return subtract(union(spans), c.secondaries())
}

// secondaries are the secondary offsets of all known copies.
func (c *Copies) secondaries() []Span {
	var spans []Span
	for _, runs := range [][]Run{c.Main, c.Pending, c.Dead} {
		for _, r := range runs {
			spans = append(spans, Span{r.Secondary, r.SecondaryEnd()})
		}
	}
	return union(spans)
}
