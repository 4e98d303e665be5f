package identity

import (
	"context"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// follow asks for the ends and log starts of the secondary.
func (s *Source) follow(ctx context.Context) error {
	parts := s.all()
	ends, err := s.list(ctx, replicator.Secondary, kafka.Stable, parts)
	if err != nil {
		return wrap("ends of the secondary", err)
	}
	starts, err := s.list(ctx, replicator.Secondary, kafka.Earliest, parts)
	if err != nil {
		return wrap("log starts of the secondary", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range parts {
		end, start := ends[p.on(replicator.Secondary)], starts[p.on(replicator.Secondary)]
		if e := firstOf(end.Err, start.Err); e != nil {
			err = wrap("ends of the secondary", e)
			continue
		}
		if s.current(p) && !s.moved(p, end.Offset) {
			s.take(p, translate.Bounds{LogStart: start.Offset, End: max(start.Offset, end.Offset)})
		}
	}
	return err
}

// guard asks for the ends of the primary, after those of the secondary: in this order a copy can't seem to be ahead of its
// original.
func (s *Source) guard(ctx context.Context) error {
	parts := s.all()
	ends := make([]int64, len(parts))
	s.mu.RLock()
	for i, p := range parts {
		ends[i] = p.bounds.End
	}
	s.mu.RUnlock()
	highs, err := s.list(ctx, replicator.Primary, kafka.Latest, parts)
	if err != nil {
		return wrap("ends of the primary", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range parts {
		high := highs[p.on(replicator.Primary)]
		if high.Err != nil {
			err = wrap("ends of the primary", high.Err)
			continue
		}
		if s.current(p) && p.known {
			s.judge(p, ends[i], high.Offset)
		}
	}
	return err
}

// judge says whether the secondary holds more than the primary. Until both agree again and were compared, nothing is
// answered.
func (s *Source) judge(p *partition, end, high int64) {
	was, before := p.ahead, p.answer().reason
	if p.high < 0 {
		signal(s.proveNow)
	}
	p.high, p.ahead = high, end > high
	switch {
	case p.ahead && !was:
		p.verdict, p.detail = untried, ""
		s.log.Warn("the secondary holds more than the primary: somebody else writes there, or the primary was cut",
			topicField(p.topic.name), partitionField(p.id), offsetField("primary_end", high), offsetField("secondary_end", end))
	case was && !p.ahead:
		p.due = time.Time{}
		signal(s.proveNow)
	}
	if before != p.answer().reason {
		s.notify(p, true)
	}
}

// all lists the partitions that both sides have.
func (s *Source) all() (parts []*partition) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.topics {
		parts = append(parts, t.parts...)
	}
	return parts
}

// current: the partition was not replaced while a question was under way.
func (s *Source) current(p *partition) bool {
	t := s.topics[p.topic.name]
	return t == p.topic && int(p.id) < len(t.parts) && t.parts[p.id] == p
}

// moved: chase learned a later end while this answer was under way, so the answer is old and no truncation. A real one is
// seen the next time.
func (s *Source) moved(p *partition, end int64) bool {
	fresh := p.chased
	p.chased = false
	return fresh && end < p.bounds.End
}

func (s *Source) list(ctx context.Context, side replicator.Side, at kafka.When, parts []*partition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	tps := make([]kafka.TopicPartition, len(parts))
	for i, p := range parts {
		tps[i] = p.on(side)
	}
	c := s.opt.Primary
	if side == replicator.Secondary {
		c = s.opt.Secondary
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return c.ListOffsets(ctx, at, tps)
}

// take concludes from a partition's bounds, and tells whom it concerns.
func (s *Source) take(p *partition, b translate.Bounds) {
	was, before, wasKnown := p.bounds, p.answer().reason, p.known
	p.known, p.bounds = true, b
	truncated := wasKnown && b.End < was.End
	fresh := p.verdict == untried && !p.empty() && (!wasKnown || was.End <= was.LogStart)
	if truncated || fresh {
		p.due, p.careful = time.Time{}, careful
		signal(s.proveNow)
	}
	if !wasKnown {
		signal(s.guardNow)
	}
	switch {
	case truncated:
		s.log.Warn("the secondary was cut; positions are lowered", topicField(p.topic.name), partitionField(p.id), offsetField("from", was.End), offsetField("to", b.End))
		s.notify(p, true)
	case was.LogStart != b.LogStart, before != p.answer().reason, !wasKnown:
		s.notify(p, true)
	case b.End > was.End:
		s.notify(p, false)
	}
}
