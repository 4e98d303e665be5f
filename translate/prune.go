package translate

import "slices"

// Prune drops the runs wholly below either log start: no group can stand there any more, or what it would read is gone.
// The frontier stays, so a partition without runs still answers. What is dropped while the other side still has it is
// remembered in Past, and answers below it are floors until the other log start has passed, too.
func (c *Copies) Prune(primaryLogStart, secondaryLogStart int64) error {
	if err := c.pruneSecondary(primaryLogStart, secondaryLogStart); err != nil {
		return err
	}
	if err := c.prunePrimary(primaryLogStart, secondaryLogStart); err != nil {
		return err
	}
	c.Foreign = trimSpans(c.Foreign, secondaryLogStart, None)
	for _, v := range c.Veils {
		if v.In.To <= secondaryLogStart && v.Of.To > primaryLogStart {
			c.Past.Secondary = max(c.Past.Secondary, v.In.To)
			c.Past.LostHome = max(c.Past.LostHome, v.Of.To)
		}
	}
	c.trimVeils(secondaryLogStart, None, false)
	return nil
}

// pruneSecondary drops what the secondary's log start has passed. A pending copy may now be undercut by nothing.
func (c *Copies) pruneSecondary(primaryLogStart, secondaryLogStart int64) error {
	at, err := c.atSecondary(secondaryLogStart)
	if err != nil {
		return err
	}
	gone := func(r Run) bool {
		if r.SecondaryEnd() > secondaryLogStart {
			return false
		}
		c.Past.Secondary = max(c.Past.Secondary, r.SecondaryEnd())
		if r.PrimaryEnd() > primaryLogStart {
			c.Past.LostHome = max(c.Past.LostHome, r.PrimaryEnd())
		}
		return true
	}
	c.Pending = slices.DeleteFunc(c.Pending, gone)
	c.Dead = slices.DeleteFunc(c.Dead, func(r Run) bool {
		if !gone(r) {
			return false
		}
		c.Past.Forgotten = max(c.Past.Forgotten, r.PrimaryEnd())
		return true
	})
	if !at.HasPrev {
		return nil
	}
	gone(at.Prev)
	c.drop(at)
	return c.surface(at)
}

// surface promotes pending copies before the first run of the main line.
func (c *Copies) surface(first Place) error {
	if len(c.Pending) == 0 || first.HasNext && c.Pending[0].Primary >= first.Next.Primary {
		return nil
	}
	if err := c.Reach(c.Pending[0].Primary); err != nil {
		return err
	}
	c.promote(0, !c.NextOpen) // what open gaps hid before the first run is gone, too
	return nil
}

// prunePrimary drops what the primary's log start has passed.
func (c *Copies) prunePrimary(primaryLogStart, secondaryLogStart int64) error {
	at, err := c.at(primaryLogStart)
	if err != nil {
		return err
	}
	limit := primaryLogStart
	if at.HasNext {
		limit = min(limit, at.Next.Primary)
	}
	gone := func(r Run) bool {
		if r.PrimaryEnd() > limit {
			return false
		}
		c.Past.Primary = max(c.Past.Primary, r.PrimaryEnd())
		if r.SecondaryEnd() > secondaryLogStart {
			c.Past.LostCopies = max(c.Past.LostCopies, r.SecondaryEnd())
		}
		return true
	}
	c.Pending = slices.DeleteFunc(c.Pending, gone)
	c.Dead = slices.DeleteFunc(c.Dead, gone)
	if at.HasPrev {
		gone(at.Prev)
		c.drop(at)
	}
	return nil
}

// drop forgets the main line before a place.
func (c *Copies) drop(at Place) {
	c.Past.Primary = max(c.Past.Primary, at.Prev.PrimaryEnd())
	c.Past.Secondary = max(c.Past.Secondary, at.Prev.SecondaryEnd())
	mark := at.Prev.PrimaryEnd()
	if c.Mark == None || c.Mark < mark {
		c.Mark = mark
	}
	c.Main = slices.DeleteFunc(c.Main, func(r Run) bool { return r.Primary < mark })
}
