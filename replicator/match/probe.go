package match

import (
	"context"
	"errors"
	"fmt"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// errAgain: what was known turned out wrong and was dropped; look again.
var errAgain = errors.New("look again")

func isConflict(err error) bool { return errors.Is(err, checkpoint.ErrConflict) }

// maxSteps bounds what one probe does: halvings of a doubtful bracket, and places looked at.
const maxSteps = 40

// probe finds T(u) and puts what it proves into the index. Its answer is empty when it did, and else says why not.
func (s *Source) probe(ctx context.Context, p *partition, u int64) (why string, err error) {
	why, err = s.clear(ctx, p, u)
	p.publish()
	if why != "" || err != nil {
		return why, err
	}
	v, in, ok := route(p.shape.sessions(), u)
	if !ok {
		return "", s.lookAtTip(ctx, p)
	}
	return s.find(ctx, p, v, in)
}

// maxSuspects bounds what is looked into on a suspicion.
const maxSuspects = 16

// clear looks into brackets until nothing around an offset is in doubt.
func (s *Source) clear(ctx context.Context, p *partition, u int64) (why string, err error) {
	for n := range maxSteps {
		b, some := p.shape.doubt(u)
		if !some && n < maxSuspects {
			if b, some = p.shape.suspect(u); some {
				if _, err := s.refine(ctx, p, b); err != nil {
					return "", err
				}
				continue
			}
		}
		if !some {
			return "", nil
		}
		learnt, err := s.refine(ctx, p, b)
		if err != nil {
			return "", err
		}
		if !learnt {
			return fmt.Sprintf("the secondary holds %d more offsets than the primary between %d and %d, and why could not be seen", b.excess(), b.low.secondary, b.high.secondary), nil
		}
	}
	return "the mirror went back so often around there that it takes longer to see where", nil
}

// find compares around a record and its copy, in one session.
func (s *Source) find(ctx context.Context, p *partition, u int64, in session) (why string, err error) {
	ours, err := s.ours(ctx, p, u, 0)
	if err != nil {
		return "", err
	}
	i, back := ours.at(u), 0
	if i == len(ours.recs) {
		return "", s.lookAtTip(ctx, p) // the primary ends here
	}
	looked := tried{near: p.window / 8}
	ambiguous := false
	for range maxSteps {
		at, some := s.next(ctx, p, &looked, ours, i, in)
		if !some {
			break
		}
		done, unsure, err := s.around(ctx, p, ours, i, u, at, in, &looked)
		if done || err != nil {
			return "", err
		}
		ambiguous = ambiguous || unsure
		if looked.short && !ours.start && back < maxBack*int(p.window) { // nothing that was copied lies before it so far
			back = max(2*i, 4*back)
			if ours, err = s.ours(ctx, p, u, back); err != nil {
				return "", err
			}
			i, looked = ours.at(u), tried{near: p.window / 8}
			continue
		}
		if p.needs() > len(ours.recs)-i && !ours.end || p.lead()+p.before() > i && !ours.start {
			if ours, err = s.ours(ctx, p, u, back); err != nil { // the window is larger than was thought
				return "", err
			}
			i, looked = ours.at(u), tried{near: p.window / 8}
		}
	}
	if ambiguous {
		return "records there are alike: which copy is whose can't be told. A commit on a record that differs becomes exact", nil
	}
	return fmt.Sprintf("no copy of the record %d, or of those behind it, was found on the secondary", ours.recs[i].offset), nil
}

// before is how many records before the one that is looked for an island holds, so that a point of the main line is among them
// and the gap behind it is known.
func (p *partition) before() int { return 8 + 2*int(p.shape.jitter) }

// maxBack bounds how many windows before an offset are read to find a record that was copied.
const maxBack = 16

// ours reads the primary around an offset: a lead before it, of so many records at least, and more than a window behind it.
func (s *Source) ours(ctx context.Context, p *partition, u int64, least int) (*stretch, error) {
	lead := max(p.lead()+p.before(), least)
	var st *stretch
	var err error
	for back := int64(lead); ; back *= 2 {
		if st, err = s.read(ctx, p, replicator.Primary, u-back, u+p.window+p.window/4); err != nil {
			return st, err
		}
		if st.start || st.at(u) >= lead || back > 64*p.window {
			break
		}
	}
	for !st.end && len(st.recs)-st.at(u) <= p.needs()+p.needs()/8 && st.bytes < maxStretch {
		if err := s.readOn(ctx, p, replicator.Primary, st, st.to+p.window/2); err != nil {
			return st, err
		}
	}
	return st, nil
}

// next is the next place of the secondary to look at, or a place between anchors that a sample has brought closer.
func (s *Source) next(ctx context.Context, p *partition, looked *tried, ours *stretch, i int, in session) (int64, bool) {
	for _, at := range s.places(ctx, p, ours.recs[i], in) {
		if !looked.before(at) {
			return at, true
		}
	}
	low, high, hasLow, hasHigh := p.shape.around(ours.recs[i].offset, in)
	if !hasLow || !hasHigh || high.secondary-low.secondary <= p.window {
		return 0, false
	}
	mid := low.secondary + (high.secondary-low.secondary)/2
	if looked.before(mid) {
		return 0, false
	}
	return mid, true
}

// around looks at the secondary around a place where the copy of record i, or of the first one behind it, should be. Where
// the records show that it is elsewhere, it goes there.
func (s *Source) around(ctx context.Context, p *partition, ours *stretch, i int, u, at int64, in session, looked *tried) (done, unsure bool, err error) {
	for range 6 {
		w := p.window
		back := w + w/4 + int64(p.before())
		q, err := s.read(ctx, p, replicator.Secondary, max(in.from-back, at-back), at+w/2+w/4)
		if err != nil {
			return false, unsure, err
		}
		a, ok := s.compare(p, ours, q)
		unsure = unsure || a.ambiguous > 0
		if !ok {
			// What stands there may be copies of something else: where they come from brings the search closer.
			_, _, _, err := s.origin(ctx, p, q)
			return false, unsure, err
		}
		all, err := s.conclude(p, ours, q, a, nil)
		if err != nil || s.exact(p, u) {
			return err == nil, unsure, err
		}
		if covered(all, u) && !q.start {
			at -= w / 2 // it lies in the gap before the first record that was decided
			looked.short = true
			continue
		}
		better, some := nearer(ours, q, a, i)
		_, served := p.serves()
		better = min(max(better, served.LogStart), served.End)
		if !some || looked.before(better) {
			return false, unsure, nil
		}
		at = better
	}
	return false, unsure, nil
}

// exact says whether the index knows T of a primary offset now.
func (s *Source) exact(p *partition, u int64) bool {
	_, secondary := p.serves()
	return p.index.Forward(u, secondary).Confidence == translate.Exact
}

// nearer is where record i should be by the record nearest to it that was recognised.
func nearer(ours, q *stretch, a alignment, i int) (int64, bool) {
	best, some := 0, false
	for k, at := range a.last {
		if at != none && (!some || distance(k, i) < distance(best, i)) {
			best, some = k, true
		}
	}
	if !some {
		return 0, false
	}
	return a.last[best] + int64(float64(i-best)*a.kept()), true
}

func distance(a, b int) int { return max(a-b, b-a) }
