package mirror

import (
	"context"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/translate"
)

// begin is the first time for a pair of topics: nothing is known of this partition. An empty secondary is filled from the primary's log
// start. What stands on one that is not empty belongs to a former incarnation of the primary, or the index was lost:
// then it is enumerated on both sides.
func (p *partition) begin(ctx context.Context, first, second ends) error {
	p.cursor.known = p.options.created // else another process may have been here before and lost its disk
	out := alignment{resume: first.start}
	if second.start < second.high && !p.options.former {
		var err error
		if out, err = p.rebuild(ctx, first, second); err != nil {
			return err
		}
	}
	var err error
	if out.resume, err = p.pastLeftOut(ctx, out.resume, first); err != nil {
		return err
	}
	return p.adopt(ctx, out, second)
}

// rebuild enumerates both sides. Records of the primary below the first copy found were deleted on the secondary when its
// log start moved; where it did not, they were never copied, and copying starts with them. What was left out is not there for this: it would
// fill the window, and a replay of it that came home looks the same.
func (p *partition) rebuild(ctx context.Context, first, second ends) (alignment, error) {
	p.log.Info("no index for a topic that is not empty: comparing all of it", zap.Int64("records_at_most", second.high-second.start))
	from, ok, err := p.anchor(ctx, first, second)
	if err != nil {
		return alignment{}, err
	}
	if !ok {
		p.log.Info("nothing on the secondary is a copy: it is left below what is copied from now on", zap.Int64("below", second.high))
		return alignment{resume: first.start, former: second.high - second.start}, nil
	}
	rules := alignRules{behind: rebuildSearch, ahead: rebuildSearch, compacted: p.topics.compacted, rebuild: true}
	ahead := p.primaryReader(from, p.readable(first))
	ahead.epochs, ahead.except = p.noteEpoch, p.leftOut()
	a := newAligner(rules, from, func() ([]mark, error) { return ahead.marks(ctx) }, nil)
	out, err := p.run(ctx, a, p.writtenBy(second))
	out.place(p.known())
	if err != nil || second.start > 0 || p.topics.compacted {
		return out, err
	}
	start, err := p.pastLeftOut(ctx, first.start, first)
	if err != nil {
		return out, err
	}
	some, err := p.anyRecord(ctx, start, from)
	if some {
		out.missing += from - start
		out.resume = start
	}
	return out, err
}

// writtenBy reads all of the secondary. What was aborted takes offsets there and is nobody's record: on a way home it is the primary's own, of before,
// and after one the producers', of the time when they were on the secondary.
func (p *partition) writtenBy(second ends) *reader {
	r := p.secondaryReader(second.start, second.high)
	if p.theirs != nil && p.options.committed && second.stable == second.high { // else copies may lie past an open transaction
		r.log, r.committed = p.theirs, true
	}
	return r
}

// anchor finds the primary's first record of which there is any copy.
func (p *partition) anchor(ctx context.Context, first, second ends) (int64, bool, error) {
	stretch := p.secondaryReader(second.start, second.high)
	for stretch.next < stretch.to {
		prints := map[uint64]struct{}{}
		for len(prints) < maxWindow/2 {
			marks, err := stretch.marks(ctx)
			if err != nil {
				return 0, false, fmt.Errorf("secondary: %w", err)
			}
			if len(marks) == 0 {
				break
			}
			for _, m := range marks {
				prints[m.print] = struct{}{}
			}
		}
		log := p.primaryReader(first.start, p.readable(first))
		log.except = p.leftOut()
		at, ok, err := firstOf(ctx, log, prints)
		if err != nil || ok {
			return at, ok, err
		}
	}
	return 0, false, nil
}

func firstOf(ctx context.Context, r *reader, prints map[uint64]struct{}) (int64, bool, error) {
	for {
		marks, err := r.marks(ctx)
		if err != nil {
			return 0, false, fmt.Errorf("primary: %w", err)
		}
		if len(marks) == 0 {
			return 0, false, nil
		}
		for _, m := range marks {
			if _, ok := prints[m.print]; ok {
				return m.offset, true, nil
			}
		}
	}
}

func sorted(spans []translate.Span) []translate.Span {
	slices.SortFunc(spans, func(a, b translate.Span) int { return int(min(1, max(-1, a.From-b.From))) })
	return spans
}
