package checkpoint

import "github.com/leftoff/leftoff/translate"

// ErrConflict: what was compared contradicts the main line around it.
var ErrConflict = translate.ErrConflict

// Graft says what the main line is over a span of primary offsets that was compared as a whole. See translate.Copies.Graft.
func (p *Partition) Graft(of translate.Span, runs []translate.Run) error {
	return p.write(func(c *translate.Copies) error { return c.Graft(of, runs) })
}

// Drop forgets what is known of a span of primary offsets.
func (p *Partition) Drop(of translate.Span) error {
	return p.write(func(c *translate.Copies) error { return c.Drop(of) })
}

// Settle sets the frontier behind grafted runs. See translate.Copies.Settle.
func (p *Partition) Settle(f translate.Frontier) error {
	return p.write(func(c *translate.Copies) error { return c.Settle(f) })
}

// GraftEnd grafts the end of the main line and settles it, so that no lookup sees the one without the other.
func (p *Partition) GraftEnd(of translate.Span, runs []translate.Run, f translate.Frontier) error {
	return p.write(func(c *translate.Copies) error {
		if err := c.Graft(of, runs); err != nil {
			return err
		}
		return c.Settle(f)
	})
}

// Around is the place of a primary offset on the main line.
func (p *Partition) Around(u int64) (translate.Place, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.err != nil {
		return translate.Place{}, p.err
	}
	return p.copies.Around(u)
}
