package match

import (
	"context"

	"github.com/leftoff/leftoff/replicator"
)

// agrees says whether so much of two stretches is alike that the one holds copies of the other. A record that is the same
// in time, key and value is evidence by itself; the less is compared, the more records it takes.
func (a *alignment) agrees(p, q *stretch, surveyed bool) bool {
	first, last := -1, -1
	for j, i := range a.source {
		if i >= 0 {
			if first < 0 {
				first = j
			}
			last = j
		}
	}
	if first < 0 {
		return false
	}
	between, few := last-first+1, 8
	if surveyed { // what occurs once does so in the whole log
		few = min(few, len(p.recs), len(q.recs))
	}
	switch a.level {
	case keyed:
		return a.matched >= min(few, 3) && 2*a.matched >= between
	case timeless:
		return a.matched >= few && 4*a.matched >= 3*between
	}
	return true
}

// disordered: neither does the one side hold most of the other's records, nor the other way round, or the source goes back all
// the time. A filter leaves out some of the primary's records, compaction makes some of the secondary's unknown; a mirror
// that shuffles does both.
func (a *alignment) disordered() bool {
	first, last, top, falls := -1, -1, -1, 0
	for j, i := range a.source {
		if i < 0 {
			continue
		}
		if first < 0 {
			first = j
		}
		last = j
		if top-i > len(a.last)/3 {
			falls++
			top = i
		}
		top = max(top, i)
	}
	if a.matched < 16 {
		return false
	}
	low, high, copied := len(a.last), -1, 0
	for i, at := range a.last {
		if at != none {
			low, high, copied = min(low, i), i, copied+1
		}
	}
	theirs, ours := float64(a.matched+a.ambiguous)/float64(last-first+1), float64(copied)/float64(high-low+1)
	return theirs < 0.5 && ours < 0.5 || falls > 3 && falls > a.matched/16
}

// compare aligns two stretches of a partition, and remembers what they show.
func (s *Source) compare(p *partition, ours, theirs *stretch) (alignment, bool) {
	s.widen(p, theirs)
	if theirs.stamped {
		p.weakest = timeless
	}
	p.memory.note(ours, p.weakest)
	a := align(ours, theirs, p.weakest, p.memory.repeats)
	p.alike = p.alike || a.ambiguous > 0
	p.flat = p.flat || ours.flat()
	if !a.agrees(ours, theirs, p.complete) {
		return a, false
	}
	if a.disordered() {
		p.quarrels++
		return a, false
	}
	p.shape.learn(ours, theirs, a)
	s.widen(p, theirs)
	if a.matched >= 32 {
		p.kept = a.kept()
	}
	p.mu.Lock()
	p.level = a.level
	p.mu.Unlock()
	return a, true
}

// origin finds the stretch of the primary of which a stretch of the secondary holds the copies.
func (s *Source) origin(ctx context.Context, p *partition, q *stretch) (*stretch, alignment, bool, error) {
	if len(q.recs) == 0 {
		return nil, alignment{}, false, nil
	}
	primary, _ := p.serves()
	ref := q.recs[len(q.recs)-1]
	reach := q.to - q.from + p.window/2
	tried := tried{near: p.window / 4}
	look := func(at, behind, ahead int64) (*stretch, alignment, bool, error) {
		st, err := s.read(ctx, p, replicator.Primary, max(primary.LogStart, at-behind), at+ahead)
		if err != nil {
			return nil, alignment{}, false, err
		}
		a, ok := s.compare(p, st, q)
		return st, a, ok, nil
	}
	for _, at := range s.origins(ctx, p, q, ref) {
		if at = min(max(at, primary.LogStart), max(primary.LogStart, primary.End-1)); tried.before(at) {
			continue
		}
		st, a, ok, err := look(at, reach, p.window)
		if ok || err != nil {
			return st, a, ok, err
		}
	}
	if len(tried.all) == 0 {
		return nil, alignment{}, false, nil
	}
	return look(tried.all[0], reach+16*p.window, 16*p.window)
}

// origins lists where on the primary the record at the end of q may stand.
func (s *Source) origins(ctx context.Context, p *partition, q *stretch, ref rec) []int64 {
	d := ref.offset
	if at, ok := p.memory.where(q, p.weakest); ok {
		return []int64{at}
	}
	all := s.opt.Hints.Origins(p.topic.name, p.id, d)
	before, after, hasBefore, hasAfter := p.shape.aroundSecondary(d)
	if hasBefore {
		all = append(all, d-before.delta())
	}
	if hasAfter {
		all = append(all, d-after.delta())
	}
	if !q.stamped {
		if at, ok := s.after(ctx, p, replicator.Primary, ref.time); ok {
			all = append(all, at)
		}
	}
	if hasBefore && hasAfter && after.secondary > before.secondary {
		part := float64(d-before.secondary) / float64(after.secondary-before.secondary)
		all = append(all, before.primary+int64(part*float64(after.primary-before.primary)))
	}
	primary, secondary := p.serves()
	return append(all, primary.End-(secondary.End-d), d, primary.LogStart+d-secondary.LogStart)
}

// places lists where on the secondary, within a session, the copy of a primary record may stand.
func (s *Source) places(ctx context.Context, p *partition, r rec, in session) []int64 {
	u := r.offset
	all := s.opt.Hints.Predict(p.topic.name, p.id, u)
	if at, err := p.index.Around(u); err == nil {
		if at.HasPrev {
			all = append(all, u+at.Prev.Secondary-at.Prev.Primary)
		}
		if at.HasNext {
			all = append(all, u+at.Next.Secondary-at.Next.Primary)
		}
	}
	before, after, hasBefore, hasAfter := p.shape.around(u, in)
	_, secondary := p.serves()
	if hasBefore {
		all = append(all, u+before.delta())
	}
	if hasAfter {
		all = append(all, u+after.delta())
	}
	if hasBefore && hasAfter {
		part := float64(u-before.primary) / float64(after.primary-before.primary)
		all = append(all, before.secondary+int64(part*float64(after.secondary-before.secondary)))
	}
	if p.weakest != timeless {
		if at, ok := s.after(ctx, p, replicator.Secondary, r.time); ok {
			all = append(all, at)
		}
	}
	kept := all[:0]
	for _, d := range all {
		if d >= in.from-p.window && d < in.to {
			kept = append(kept, min(max(d, secondary.LogStart), secondary.End))
		}
	}
	return kept
}

// tried remembers places, so that none is looked at twice.
type tried struct {
	near  int64
	all   []int64
	short bool // the offset lies in a gap of which the lower end was not read
}

func (t *tried) before(at int64) bool {
	for _, x := range t.all {
		if at >= x-t.near && at <= x+t.near {
			return true
		}
	}
	t.all = append(t.all, at)
	return false
}
