package translate

// AddForeign says that the secondary's records in a span are nobody's copy. No position passes the first of them until
// they are accepted. Calling copies foreign is ErrOverlap; what was accepted before stays accepted.
func (c *Copies) AddForeign(s Span) error {
	if s.From < 0 || s.From >= s.To {
		return ErrRange
	}
	at, err := c.atSecondary(s.From)
	if err != nil {
		return err
	}
	if at.HasNext && at.Next.Secondary < s.To {
		return ErrOverlap
	}
	for _, runs := range [][]Run{c.Pending, c.Dead} {
		for _, r := range runs {
			if r.Secondary < s.To && s.From < r.SecondaryEnd() {
				return ErrOverlap
			}
		}
	}
	c.Tip = max(c.Tip, s.To)
	if s.From = max(s.From, c.Accepted); s.From < s.To {
		c.Foreign = union(append(c.Foreign, s))
	}
	return nil
}

// AcceptForeign says that a person accepted the foreign records below an offset of the secondary: positions may pass them.
func (c *Copies) AcceptForeign(below int64) {
	c.Accepted = max(c.Accepted, below)
	c.Foreign = trimSpans(c.Foreign, below, None)
}

// trimSpans keeps the parts of spans in [from, to).
func trimSpans(spans []Span, from, to int64) []Span {
	var kept []Span
	for _, s := range spans {
		if s = (Span{max(s.From, from), min(s.To, to)}); s.From < s.To {
			kept = append(kept, s)
		}
	}
	return kept
}

// subtract takes b away from a; both are sorted and apart.
func subtract(a, b []Span) []Span {
	var left []Span
	for _, s := range a {
		for _, cut := range b {
			if cut.To <= s.From || s.To <= cut.From {
				continue
			}
			if s.From < cut.From {
				left = append(left, Span{s.From, cut.From})
			}
			s.From = cut.To
		}
		if s.From < s.To {
			left = append(left, s)
		}
	}
	return left
}
