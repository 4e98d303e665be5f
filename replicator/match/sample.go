package match

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// look learns the shape of a partition for the first time: its end, its start, and places between them at distances from
// the end that double.
//
// A session that the mirror has not finished ends at the end of the log; it copied j records again, and the session before
// it lies directly before it, longer than j. So one of the doubling distances falls into that one, and shows more
// secondary offsets than primary ones between it and the end: a bracket in doubt, or a fall.
func (s *Source) look(ctx context.Context, p *partition) error {
	p.looked = false
	if err := s.lookAtTip(ctx, p); err != nil {
		return err
	}
	_, secondary := p.serves()
	if err := s.lookBack(ctx, p, secondary.LogStart, secondary.End); err != nil {
		return err
	}
	if err := s.lookAtStart(ctx, p, secondary.LogStart); err != nil {
		return err
	}
	if err := s.lookLater(ctx, p); err != nil {
		return err
	}
	if err := s.lookBelow(ctx, p, secondary); err != nil {
		return err
	}
	for _, at := range s.opt.Hints.Falls(p.topic.name, p.id) {
		if at > secondary.LogStart && at < secondary.End {
			if err := s.sample(ctx, p, at-p.window/2, at+p.window/2); err != nil {
				return err
			}
		}
	}
	p.looked = true
	p.publish()
	return nil
}

// lookBack samples the secondary between two offsets.
func (s *Source) lookBack(ctx context.Context, p *partition, from, to int64) error {
	for back := p.window; to-back > from; back *= 2 {
		if err := s.sample(ctx, p, to-back, to-back+p.window/4); err != nil {
			return err
		}
	}
	return s.sample(ctx, p, from, from+p.window/4)
}

// lookAtStart looks at the secondary's first records. Where they can't be told apart, what is left of an earlier session may be among
// them, and nothing is proven.
func (s *Source) lookAtStart(ctx context.Context, p *partition, logStart int64) error {
	q, err := s.read(ctx, p, replicator.Secondary, logStart, logStart+p.window/4)
	if err != nil || len(q.recs) == 0 {
		return err
	}
	ours, a, ok, err := s.origin(ctx, p, q)
	if err != nil || ours == nil {
		return err
	}
	p.blind = false
	for j, i := range a.source {
		if ok && i >= 0 {
			return s.lookBefore(ctx, p, q, j)
		}
		p.blind = p.blind || i == ambiguous
	}
	return nil
}

// lookBefore looks at the first n records of a stretch by themselves: what is left of an earlier session stands there, copied from
// elsewhere than what follows.
func (s *Source) lookBefore(ctx context.Context, p *partition, q *stretch, n int) error {
	if n == 0 {
		return nil
	}
	head := *q
	head.recs, head.to, head.end = q.recs[:n:n], q.recs[n].offset, false
	_, _, _, err := s.origin(ctx, p, &head)
	return err
}

// lookLater looks where the secondary holds records that are later than all that were recognised: the mirror had come further once.
func (s *Source) lookLater(ctx context.Context, p *partition) error {
	for range maxLater {
		latest := p.shape.latest
		if latest == 0 || p.weakest == timeless {
			return nil
		}
		at, some := s.after(ctx, p, replicator.Secondary, latest+1)
		if !some {
			return nil
		}
		if err := s.sample(ctx, p, at, at+p.window/4); err != nil || p.shape.latest == latest {
			return err
		}
	}
	return nil
}

// lookBelow looks through the part of the secondary in which nothing was recognised, below what was: the primary has deleted those
// records. The end of an earlier session may lie in it, which had come further; it holds at least what the last one holds, so
// that steps of that length can't pass over it. Where time tells records apart, lookLater has found it.
func (s *Source) lookBelow(ctx context.Context, p *partition, secondary translate.Bounds) error {
	if !p.weak() || !p.surveyed || len(p.shape.anchors) == 0 {
		return nil
	}
	lowest := p.shape.anchors[0].secondary
	step := secondary.End - lowest - p.window/4
	if lowest-secondary.LogStart < p.window {
		return nil
	}
	if step <= 0 || (lowest-secondary.LogStart)/step > maxBelow {
		p.blind = true
		return nil
	}
	for at := lowest - step; at > secondary.LogStart; at -= step {
		if err := s.sample(ctx, p, at, at+p.window/4); err != nil {
			return err
		}
	}
	return nil
}

// maxBelow bounds the places that are looked at below what was recognised.
const maxBelow = 256

// maxLater bounds how often later records are looked for.
const maxLater = 16

// sample looks at one place of the secondary. A place that can't be recognised teaches nothing, and is no error.
func (s *Source) sample(ctx context.Context, p *partition, from, to int64) error {
	_, secondary := p.serves()
	from = max(from, secondary.LogStart)
	if from >= secondary.End || p.shape.read(from, min(to, secondary.End)) {
		return nil
	}
	q, err := s.read(ctx, p, replicator.Secondary, from, to)
	if err != nil {
		return err
	}
	_, _, _, err = s.origin(ctx, p, q)
	return err
}

// refine looks into a bracket: all of it where it is small, else at its middle. It reports whether anything was learnt.
func (s *Source) refine(ctx context.Context, p *partition, b bracket) (bool, error) {
	from, to := b.low.secondary, b.high.secondary
	if to-from <= 2*p.window {
		if err := s.enumerate(ctx, p, b); err != nil {
			return false, err
		}
		return p.shape.read(from, to), nil
	}
	n := len(p.shape.anchors)
	for _, at := range []int64{from + (to-from)/2, from + (to-from)/4, from + 3*(to-from)/4} {
		if err := s.sample(ctx, p, at, at+p.window/4); err != nil {
			return false, err
		}
		if len(p.shape.anchors) > n {
			return true, nil
		}
	}
	return false, nil
}

// enumerate reads a small bracket as a whole. Where the source falls back in it, its records come from two places of the
// primary: those after the low end, and those before the high one.
func (s *Source) enumerate(ctx context.Context, p *partition, b bracket) error {
	q, err := s.read(ctx, p, replicator.Secondary, b.low.secondary, b.high.secondary+1)
	if err != nil {
		return err
	}
	primary, _ := p.serves()
	width := q.to - q.from + p.window
	spans := []translate.Span{{From: b.low.primary - p.window, To: b.low.primary + width}, {From: b.high.primary - width, To: b.high.primary + p.window}}
	if spans[1].From < spans[0].From {
		spans[0], spans[1] = spans[1], spans[0]
	}
	spans[1].From = max(spans[1].From, spans[0].To)
	both := &stretch{}
	for _, span := range spans {
		if span.From = max(span.From, primary.LogStart); span.From >= span.To {
			continue
		}
		st, err := s.read(ctx, p, replicator.Primary, span.From, span.To)
		if err != nil {
			return err
		}
		if n := len(both.recs); n > 0 {
			st.cut(both.recs[n-1].offset + 1)
		}
		both.recs, both.to = append(both.recs, st.recs...), st.to
	}
	s.compare(p, both, q)
	return nil
}

// conclude keeps what a comparison proves. end is the frontier where the comparison reached the greatest record that has a copy,
// nil elsewhere.
func (s *Source) conclude(p *partition, ours, theirs *stretch, a alignment, end *translate.Frontier) ([]island, error) {
	if p.blind || p.weak() && !(p.looked && p.surveyed) {
		return nil, nil // what repeats is seen by looking around first
	}
	if p.memory.periodic() && !p.wary {
		p.wary = true
		return nil, p.startOver(s)
	}
	sessions := p.shape.sessions()
	points := prove(ours, theirs, a, p.window, p.lead())
	all := islands(ours, theirs, a, points, func(u, d int64) bool {
		v, in, ok := route(sessions, u)
		if !ok || v != u || d < in.from || d >= in.to {
			return false
		}
		_, doubtful := p.shape.doubt(u)
		return !doubtful
	})
	for i, l := range all {
		err := error(nil)
		if end != nil && i == len(all)-1 {
			err = p.index.GraftEnd(l.of, l.runs, *end)
		} else {
			err = p.index.Graft(l.of, l.runs)
		}
		if err := s.grafted(p, l, err); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// grafted takes the index's answer. An island that contradicts what is there means that the mirror did something that was not
// seen: everything is looked at anew.
func (s *Source) grafted(p *partition, l island, err error) error {
	if !isConflict(err) {
		return err
	}
	p.mu.Lock()
	p.conflicts++
	p.mu.Unlock()
	if p.quarrels++; p.quarrels >= maxQuarrels {
		return s.disordered(p)
	}
	s.log.Warn("what the records show contradicts what was known: the partition is looked at anew",
		append(partitionFields(p), zap.Int64("from", l.of.From), zap.Int64("to", l.of.To))...)
	if err := p.forget(); err != nil {
		return err
	}
	s.opt.Notify(replicator.Advance{Topic: p.topic.name, Partition: p.id, All: true})
	return errAgain
}

// maxQuarrels is how often what is compared may contradict what was compared before, or be in no order, until nothing is believed.
const maxQuarrels = 4

// disordered gives a partition up, for a while: its copies are in no order that a window would show.
func (s *Source) disordered(p *partition) error {
	if err := p.forget(); err != nil {
		return err
	}
	p.quarrels = 0
	p.mu.Lock()
	p.ready, p.retryAt = false, time.Now().Add(again)
	p.problem = hold{replicator.Unmapped, fmt.Sprintf("the copies on the secondary are not in the order of the primary, as far as %d records were looked at: "+
		"no position can be proven. Try: a mirror that keeps order within a partition, or match.batches_in_flight if it has more on the way", p.window)}
	p.mu.Unlock()
	s.log.Warn("copies are in no order", partitionFields(p)...)
	s.opt.Notify(replicator.Advance{Topic: p.topic.name, Partition: p.id, All: true})
	return errAgain
}

// covered says whether islands hold an offset.
func covered(all []island, u int64) bool {
	for _, l := range all {
		if l.of.From <= u && u < l.of.To {
			return true
		}
	}
	return false
}
