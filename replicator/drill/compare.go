package drill

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// notCompared is the verdict where a side is missing.
const notCompared = "not_compared"

// compare sets what the consumers read beside what the groups have read and would read on the primary. leftoff verify judges, over whole
// records and as far around as it takes; the drill's own look is what the consumer itself got, for the report.
func (r *run) compare(ctx context.Context) error {
	var all []*position
	for _, g := range r.groups {
		for _, p := range g.positions {
			if p.Primary != nil {
				all = append(all, p)
			}
		}
	}
	if len(all) == 0 || !r.primaryUp {
		return nil
	}
	var looking errgroup.Group
	looking.SetLimit(r.o.Parallel)
	for _, p := range all {
		if p.Resumed {
			looking.Go(func() error {
				if err := r.beside(ctx, p); err != nil {
					p.Notes = append(p.Notes, "what the consumer read could not be set beside the primary's records: "+err.Error())
				}
				return nil
			})
		}
	}
	_ = looking.Wait()
	if err := r.verify(ctx, all); err != nil {
		return err
	}
	for _, p := range all {
		p.contradict()
	}
	return nil
}

// beside counts the records that are the same, in order.
func (r *run) beside(ctx context.Context, p *position) error {
	from, err := boundsOf(ctx, r.primary, p.here)
	if err != nil {
		return err
	}
	copied, err := boundsOf(ctx, r.secondary, p.there)
	if err != nil {
		return err
	}
	a, b := &reader{c: r.primary, tp: p.here}, &reader{c: r.secondary, tp: p.there}
	at := min(max(*p.Primary, from[0]), from[1])
	above, _, err := a.above(ctx, at, 4*r.o.Above, nil)
	if err != nil {
		return err
	}
	below, _, err := a.below(ctx, at, from[0], 4*r.o.Below)
	if err != nil {
		return err
	}
	read, _, err := b.below(ctx, *p.Secondary, copied[0], r.o.Below)
	if err != nil {
		return err
	}
	times := !p.appended && !b.appended
	var added bool
	p.Read.Below, p.Read.BelowSame = len(read), backwards(below, read, times)
	p.Read.AboveSame, added = inOrder(above, p.got, times)
	p.Read.PrimaryFirst = sight(above)
	if added {
		p.Notes = append(p.Notes, "the mirror adds headers")
	}
	if !times {
		p.Notes = append(p.Notes, "timestamps are the broker's on the secondary, and were not compared")
	}
	return nil
}
