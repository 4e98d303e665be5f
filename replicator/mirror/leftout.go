package mirror

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/leftoff/leftoff/translate"
)

// spans are offsets of a partition.
type spans []translate.Span

// spansOf asks when it is needed: what a way home left out is known once what is kept on the secondary was read.
func spansOf(ask func([16]byte, int32) []translate.Span, id [16]byte, n int32) func() spans {
	return func() spans {
		if ask == nil {
			return nil
		}
		return ask(id, n)
	}
}

// has says whether an offset is in one of them. They are in order and apart.
func (all spans) has(offset int64) bool {
	i, found := slices.BinarySearchFunc(all, offset, func(s translate.Span, offset int64) int { return cmp.Compare(s.From, offset) })
	if found {
		i++
	}
	return i > 0 && offset < all[i-1].To
}

// leftOut are offsets of the primary that are never to be copied, in order.
func (p *partition) leftOut() spans { return merged(slices.Concat(asked(p.options.leftOut), p.skip())) }

// aside are offsets of the secondary with records that are no copies and no obstacle.
func (p *partition) aside() spans { return merged(asked(p.options.aside)) }

// merged are the same offsets in spans that are in order and apart.
func merged(all spans) (apart spans) {
	for _, s := range sorted(slices.Clone(all)) {
		if n := len(apart); n > 0 && s.From <= apart[n-1].To {
			apart[n-1].To = max(apart[n-1].To, s.To)
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

func asked(ask func() spans) spans {
	if ask == nil {
		return nil
	}
	return ask()
}

// pastLeftOut is where copying goes on that has come as far as at: past what was left out, where nothing but markers, aborted records and holes
// lies before it.
func (p *partition) pastLeftOut(ctx context.Context, at int64, first ends) (int64, error) {
	for _, s := range p.leftOut() {
		if s.To <= at {
			continue
		}
		if some, err := p.anyRecord(ctx, at, min(s.From, p.readable(first))); err != nil || some {
			return at, err
		}
		at = max(at, min(s.To, p.readable(first)))
	}
	return at, nil
}

// anyRecord says whether the primary has records in [from, to).
func (p *partition) anyRecord(ctx context.Context, from, to int64) (bool, error) {
	if from >= to {
		return false, nil
	}
	some, err := p.primaryReader(from, to).marks(ctx)
	if err != nil {
		return false, fmt.Errorf("primary: %w", err)
	}
	return len(some) > 0, nil
}
