package mirror

import (
	"cmp"
	"slices"

	"github.com/leftoff/leftoff/translate"
)

// known are copies of this partition that were not made by a mirror, and whose places were written down: what a replay took to the secondary.
func (p *partition) known() []translate.Run {
	if p.options.known == nil {
		return nil
	}
	return slices.SortedFunc(slices.Values(p.options.known()), func(a, b translate.Run) int { return cmp.Compare(a.Secondary, b.Secondary) })
}

// place makes copies of what the comparison took for somebody else's records, because their originals were left out of it, where it is known
// what they are. known is in order.
func (a *alignment) place(known []translate.Run) {
	if len(known) == 0 {
		return
	}
	var rest []translate.Span
	placed := map[int64]bool{}
	for _, f := range a.foreign {
		for len(known) > 0 && known[0].Secondary < f.To {
			r := known[0]
			part := translate.Span{From: max(f.From, r.Secondary), To: min(f.To, r.SecondaryEnd())}
			if part.From < part.To {
				if f.From < part.From {
					rest = append(rest, translate.Span{From: f.From, To: part.From})
				}
				a.runs = append(a.runs, translate.Run{Primary: r.Primary + part.From - r.Secondary, Secondary: part.From, Length: part.To - part.From})
				a.copies, a.foreigners = a.copies+part.To-part.From, a.foreigners-(part.To-part.From)
				f.From, placed[part.From] = part.To, true
			}
			if r.SecondaryEnd() > f.To {
				break
			}
			known = known[1:]
		}
		if f.From < f.To {
			rest = append(rest, f)
		}
	}
	a.foreign = rest
	slices.SortFunc(a.runs, func(a, b translate.Run) int { return cmp.Compare(a.Secondary, b.Secondary) })
	for i := range a.runs {
		r := &a.runs[i]
		if placed[r.Secondary] && i > 0 {
			r.Closed = a.runs[i-1].SecondaryEnd() == r.Secondary // nothing lies between them
		}
	}
}
