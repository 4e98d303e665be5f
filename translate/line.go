package translate

import "sort"

// Older holds the part of a main line that is not in memory: every run before Copies.Main[0] that begins at Copies.Mark
// or above (all of them when Mark is None). Errors are those of the store.
type Older interface {
	// AtPrimary returns the first older run that ends above a primary offset, and the one before it.
	AtPrimary(u int64) (Place, error)
	// AtSecondary returns the first older run that ends above a secondary offset, and the one before it.
	AtSecondary(v int64) (Place, error)
	// Load hands over the older runs from the last one that begins below primary, or more of them; from then on they are
	// in memory and older no more.
	Load(primary int64) ([]Run, error)
}

// Place is where an offset stands on the main line: inside Next, or in the gap between Prev and Next.
type Place struct {
	Prev, Next       Run
	HasPrev, HasNext bool
}

// Search finds the place of an offset in sorted runs: end is Run.PrimaryEnd or Run.SecondaryEnd.
func Search(runs []Run, offset int64, end func(Run) int64) Place {
	i := sort.Search(len(runs), func(i int) bool { return end(runs[i]) > offset })
	var at Place
	if i > 0 {
		at.Prev, at.HasPrev = runs[i-1], true
	}
	if i < len(runs) {
		at.Next, at.HasNext = runs[i], true
	}
	return at
}

// at is the place of a primary offset.
func (c *Copies) at(u int64) (Place, error) {
	if c.Older == nil {
		return Search(c.Main, u, Run.PrimaryEnd), nil
	}
	if len(c.Main) > 0 && u >= c.Main[0].PrimaryEnd() {
		return Search(c.Main, u, Run.PrimaryEnd), nil
	}
	at, err := c.Older.AtPrimary(u)
	return c.joined(at), err
}

// atSecondary is the place of a secondary offset.
func (c *Copies) atSecondary(v int64) (Place, error) {
	if c.Older == nil || len(c.Main) > 0 && v >= c.Main[0].SecondaryEnd() {
		return Search(c.Main, v, Run.SecondaryEnd), nil
	}
	at, err := c.Older.AtSecondary(v)
	return c.joined(at), err
}

// joined puts Main after what is older.
func (c *Copies) joined(at Place) Place {
	if !at.HasNext && len(c.Main) > 0 {
		at.Next, at.HasNext = c.Main[0], true
	}
	return at
}

// Reach makes sure that the run before a primary offset is in memory.
func (c *Copies) Reach(primary int64) error {
	if c.Older == nil || len(c.Main) > 0 && c.Main[0].Primary < primary {
		return nil
	}
	older, err := c.Older.Load(primary)
	if err != nil {
		return err
	}
	c.Main = append(older, c.Main...)
	return nil
}
