package translate

import "fmt"

// Check proves the invariants of Copies, over the part of the main line that is in memory.
func (c *Copies) Check() error {
	for i, r := range c.Main {
		if err := checkRun(r); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		before := c.Main[i-1]
		if before.PrimaryEnd() > r.Primary || before.SecondaryEnd() > r.Secondary {
			return fmt.Errorf("main line: %+v does not lie after %+v", r, before)
		}
		if contiguous(before, r) {
			return fmt.Errorf("main line: %+v and %+v should be one run", before, r)
		}
	}
	if err := c.checkAside(); err != nil {
		return err
	}
	if err := c.checkForeign(); err != nil {
		return err
	}
	if c.Frontier.Primary < 0 || c.Frontier.Secondary < 0 {
		return fmt.Errorf("frontier %+v is negative", c.Frontier)
	}
	return nil
}

func checkRun(r Run) error {
	if r.Length <= 0 || r.Primary < 0 || r.Secondary < 0 {
		return fmt.Errorf("run %+v: %w", r, ErrRange)
	}
	return nil
}

// checkAside proves that pending and dead runs are where they belong.
func (c *Copies) checkAside() error {
	for i, p := range c.Pending {
		if err := checkRun(p); err != nil {
			return err
		}
		if i > 0 && c.Pending[i-1].PrimaryEnd() > p.Primary {
			return fmt.Errorf("pending: %+v does not lie after %+v", p, c.Pending[i-1])
		}
		at, err := c.at(p.Primary)
		if err != nil {
			return err
		}
		if !at.HasNext || at.Next.Secondary > p.Secondary || at.Next.Primary < p.PrimaryEnd() {
			return fmt.Errorf("pending: %+v is not undercut by the main line (next: %+v)", p, at.Next)
		}
	}
	for i, d := range c.Dead {
		if err := checkRun(d); err != nil {
			return err
		}
		if i > 0 && c.Dead[i-1].SecondaryEnd() > d.Secondary {
			return fmt.Errorf("dead: %+v does not lie after %+v", d, c.Dead[i-1])
		}
	}
	return c.checkApart()
}

// checkApart proves that no secondary offset is in two runs, and that all lie below the tip.
func (c *Copies) checkApart() error {
	var spans []Span
	var records int64
	for _, runs := range [][]Run{c.Main, c.Pending, c.Dead} {
		for _, r := range runs {
			spans = append(spans, Span{r.Secondary, r.SecondaryEnd()})
			records += r.Length
			if r.SecondaryEnd() > c.Tip {
				return fmt.Errorf("run %+v lies above the tip %d", r, c.Tip)
			}
			if overlaps(c.Foreign, Span{r.Secondary, r.SecondaryEnd()}) {
				return fmt.Errorf("run %+v: %w", r, ErrOverlap)
			}
		}
	}
	for _, s := range union(spans) {
		records -= s.To - s.From
	}
	if records != 0 {
		return fmt.Errorf("%d secondary offsets are in two runs", records)
	}
	return nil
}

func (c *Copies) checkForeign() error {
	for i, f := range c.Foreign {
		if f.From < 0 || f.From >= f.To || i > 0 && c.Foreign[i-1].To >= f.From {
			return fmt.Errorf("foreign spans %v are not sorted and apart", c.Foreign)
		}
	}
	return nil
}
