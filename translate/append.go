package translate

import "slices"

// Append adds the next copies in the order of the secondary's log: r.Secondary is at or above everything appended and
// the frontier, else ErrOrder. r.Primary may go back (a re-copy); r.Closed then speaks of the secondary's side only.
// A run contiguous on both sides with the one before is merged with it.
func (c *Copies) Append(r Run) error {
	switch {
	case r.Length <= 0 || r.Primary < 0 || r.Secondary < 0:
		return ErrRange
	case r.Secondary < c.Tip || c.HasFrontier && r.Secondary < c.Frontier.Secondary:
		return ErrOrder
	case overlaps(c.Foreign, Span{r.Secondary, r.SecondaryEnd()}):
		return ErrOverlap
	}
	if c.NextOpen {
		r.Closed = false
		if end, _ := c.End(); r.PrimaryEnd() > end {
			c.Past.Forgotten = max(c.Past.Forgotten, r.PrimaryEnd())
		}
	}
	if err := c.weave(r); err != nil {
		return err
	}
	c.NextOpen, c.Tip = false, r.SecondaryEnd()
	return nil
}

// weave puts the newest copies where they belong. In a mirror that goes forward that is the end of Main; nothing else moves.
func (c *Copies) weave(r Run) error {
	if r.Primary < c.Past.Primary {
		c.Past.Forgotten = max(c.Past.Forgotten, min(r.PrimaryEnd(), c.Past.Primary))
	}
	defer c.cover(r)
	end, some := c.End()
	if !some || r.Primary >= end {
		c.Main = c.push(c.Main, r)
		return nil
	}
	if err := c.Reach(r.Primary); err != nil {
		return err
	}
	c.kill(r.Primary, r.PrimaryEnd())
	i, closed := c.cut(r.Primary, r.PrimaryEnd())
	r.Closed = r.Closed && closed
	if i == len(c.Main) {
		c.Main = append(c.Main, r)
		c.touch(r.Primary)
	} else {
		c.lowest = min(c.lowestPending(), r.Secondary)
		c.Pending = insertByPrimary(c.Pending, r)
	}
	c.promote(i, true)
	return nil
}

// push adds a run past the end, or lengthens the last one.
func (c *Copies) push(runs []Run, r Run) []Run {
	if n := len(runs); n > 0 && contiguous(runs[n-1], r) {
		c.touch(runs[n-1].Primary)
		runs[n-1].Length += r.Length
		return runs
	}
	c.touch(r.Primary)
	return append(runs, r)
}

// kill moves the pending copies of [from, to) to Dead: newer ones have come.
func (c *Copies) kill(from, to int64) {
	i := endsAbove(c.Pending, from)
	if i == len(c.Pending) || c.Pending[i].Primary >= to {
		return
	}
	var keep []Run
	j := i
	for ; j < len(c.Pending) && c.Pending[j].Primary < to; j++ {
		left, mid, right := split(c.Pending[j], from, to)
		keep = appendNonEmpty(keep, left, right)
		c.Dead = insertBySecondary(c.Dead, mid)
	}
	c.Pending = replace(c.Pending, i, j, keep)
}

// cut takes the primary offsets [from, to) out of Main and moves them to Dead. i is where they were; closed says that
// the gap left of them is known. The gap before Main[i] is now one with everything around it that is not in Main.
//
//	   left         from            to          right
//	========|  gap  |====|  gap  |===·====|
//	          ↑ closed: of the first run cut      ↑ closed: its own, or nothing to know when it was cut in two
func (c *Copies) cut(from, to int64) (i int, closed bool) {
	i = endsAbove(c.Main, from)
	if i == len(c.Main) {
		return i, true
	}
	c.blur(i, from, to)
	first := c.Main[i]
	closed = first.Closed || first.Primary < from
	if first.Primary >= to {
		return i, closed
	}
	c.touch(first.Primary)
	var keep []Run
	j := i
	for ; j < len(c.Main) && c.Main[j].Primary < to; j++ {
		left, mid, right := split(c.Main[j], from, to)
		if right.Length > 0 {
			right.Closed = closed
		}
		keep = appendNonEmpty(keep, left, right)
		c.Dead = insertBySecondary(c.Dead, mid)
	}
	if j < len(c.Main) && c.Main[j-1].PrimaryEnd() <= to {
		c.Main[j].Closed = c.Main[j].Closed && closed
	}
	c.Main = replace(c.Main, i, j, keep)
	if first.Primary < from {
		i++
	}
	return i, closed
}

// blur remembers what copies of [from, to) do to open gaps: records there may have been copied before, and what else was
// copied there lies behind a veil.
func (c *Copies) blur(i int, from, to int64) {
	var prev Run
	if i > 0 {
		prev = c.Main[i-1]
	}
	for ; i < len(c.Main) && prev.PrimaryEnd() < to; i++ {
		r := c.Main[i]
		if !r.Closed && r.Primary >= from {
			c.addVeil(Span{prev.PrimaryEnd(), r.Primary}, Span{prev.SecondaryEnd(), r.Secondary})
			if end := min(r.Primary, to); max(prev.PrimaryEnd(), from) < end {
				c.Past.Forgotten = max(c.Past.Forgotten, end)
			}
		}
		prev = r
	}
}

// promote moves to Main the pending copies between Main[i-1] and Main[i] that nothing undercuts any more, from right to
// left. A run is undercut as a whole or not at all: no other copy lies between its own. closed says whether the gap is
// known, for i past the end of Main; otherwise Main[i] says it.
func (c *Copies) promote(i int, closed bool) {
	lower, floor, hi := int64(None), int64(-1), int64(None)
	if i < len(c.Main) {
		lower, closed, hi = c.Main[i].Secondary, c.Main[i].Closed, c.Main[i].Primary
	}
	if i > 0 {
		floor = c.Main[i-1].PrimaryEnd()
	}
	if c.lowestPending() >= lower {
		return
	}
	j, _ := slices.BinarySearchFunc(c.Pending, hi, func(p Run, hi int64) int {
		if p.Primary < hi {
			return -1
		}
		return 1
	})
	end := j
	var up, stay []Run // from right to left
	for j--; j >= 0 && c.Pending[j].Primary >= floor; j-- {
		p := c.Pending[j]
		if p.Secondary >= lower {
			stay = append(stay, p)
			continue
		}
		lower = p.Secondary
		p.Closed = p.Closed && closed
		up = append(up, p)
	}
	if len(up) == 0 {
		return
	}
	slices.Reverse(up)
	slices.Reverse(stay)
	c.Pending = replace(c.Pending, j+1, end, stay)
	c.Main = slices.Insert(c.Main, i, up...)
	c.touch(up[0].Primary)
	c.join(i + len(up) - 1)
	if i > 0 {
		c.join(i - 1)
	}
}

// join merges Main[i] with its successor where they are contiguous on both sides.
func (c *Copies) join(i int) {
	if i+1 < len(c.Main) && contiguous(c.Main[i], c.Main[i+1]) {
		c.touch(c.Main[i].Primary)
		c.Main[i].Length += c.Main[i+1].Length
		c.Main = slices.Delete(c.Main, i+1, i+2)
	}
}

// lowestPending is a lower bound of the pending secondary offsets. It spares a long re-copy from looking at all it has
// copied so far with every batch. 0 means not known; no pending run lies at 0, as another one lies below it.
func (c *Copies) lowestPending() int64 {
	if len(c.Pending) == 0 {
		return None
	}
	if c.lowest == 0 {
		c.lowest = None
		for _, p := range c.Pending {
			c.lowest = min(c.lowest, p.Secondary)
		}
	}
	return c.lowest
}
