package mirror

import (
	"context"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// watch looks at the ends of every partition: the secondary's log start and readable end bound positions, and an end that
// is not where we left it shows what happened behind our back.
func (s *Source) watch(ctx context.Context) {
	parts, sends := s.running()
	if len(parts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	starts := s.list(ctx, replicator.Secondary, kafka.Earliest, parts)
	highs := s.list(ctx, replicator.Secondary, kafka.Latest, parts)
	stables := s.list(ctx, replicator.Secondary, kafka.Stable, parts) // after highs: it lies below only where a transaction is open
	if ctx.Err() == context.Canceled {
		return
	}
	for i, p := range parts {
		on := p.on[replicator.Secondary]
		start, ok1 := starts[on]
		stable, ok2 := stables[on]
		high, ok3 := highs[on]
		if !ok1 || !ok2 || !ok3 || start.Err != nil || stable.Err != nil || high.Err != nil {
			continue
		}
		l := looked{sends: sends[i], secondary: ends{start.Offset, stable.Offset, high.Offset, p.epochs[replicator.Secondary].Load()}}
		l.primary = ends{start: p.first.Load(), epoch: p.epochs[replicator.Primary].Load()}
		p.inbox.look(l)
	}
}

// watchPrimary asks for the primary's log starts; on its own, so that a primary that is gone delays nothing else.
func (s *Source) watchPrimary(ctx context.Context) {
	parts, _ := s.running()
	if len(parts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	firsts := s.list(ctx, replicator.Primary, kafka.Earliest, parts)
	for _, p := range parts {
		if first, ok := firsts[p.on[replicator.Primary]]; ok && first.Err == nil {
			p.first.Store(first.Offset)
		}
	}
}

func (s *Source) running() (parts []*partitionPair, sends []int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.topics {
		for _, p := range t.parts {
			parts, sends = append(parts, p), append(sends, p.quietSends())
		}
	}
	return parts, sends
}

func (s *Source) list(ctx context.Context, side replicator.Side, at kafka.When, parts []*partitionPair) map[kafka.TopicPartition]kafka.OffsetResult {
	tps := make([]kafka.TopicPartition, len(parts))
	for i, p := range parts {
		tps[i] = p.on[side]
	}
	c := s.opt.Primary
	if side == replicator.Secondary {
		c = s.opt.Secondary
	}
	got, err := c.ListOffsets(ctx, at, tps)
	if err != nil {
		return nil
	}
	return got
}
