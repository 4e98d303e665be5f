package match

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// discoverEvery is how often topics are asked for that are not known yet.
const discoverEvery = 5 * time.Second

// recall takes the pairs that the index knows, so that positions are answered on a day when the primary is gone.
func (s *Source) recall() {
	for _, info := range s.opt.Index.Pairs() {
		name, ok := s.opt.Name(info.Primary.Name)
		if info.Retired || info.Source != s.opt.Source || !ok || name != info.Secondary.Name {
			continue
		}
		if pair, ok := s.opt.Index.Lookup(info.Primary.Name); ok {
			s.mu.Lock()
			t := &topic{name: info.Primary.Name, secondary: name, primaryID: info.Primary.ID, secondaryID: info.Secondary.ID, pair: pair}
			s.topics[t.name] = t
			s.grow(t, info.Partitions)
			s.mu.Unlock()
		}
	}
}

// watch keeps topics, their ids and partition counts. When a side does not answer, what was known stays.
func (s *Source) watch(ctx context.Context) {
	all := time.Since(s.discovered) >= discoverEvery || s.discover.Swap(false)
	names := s.names(all)
	if names != nil && len(names) == 0 {
		return
	}
	primary, err := s.describe(ctx, replicator.Primary, names)
	if err != nil {
		return
	}
	var there []string
	for name, info := range primary {
		if to, ok := s.opt.Name(name); ok && !info.Internal {
			there = append(there, to)
		}
	}
	secondary := map[string]kafka.TopicInfo{}
	if len(there) > 0 {
		if secondary, err = s.describe(ctx, replicator.Secondary, there); err != nil {
			return
		}
	}
	if all {
		s.discovered = time.Now()
	}
	for _, name := range s.take(primary, secondary, all) {
		s.opt.Notify(replicator.Advance{Topic: name, Partition: -1, All: true})
	}
}

func (s *Source) names(all bool) []string {
	if all {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, 0, len(s.topics))
	for name := range s.topics {
		names = append(names, name)
	}
	return names
}

func (s *Source) describe(ctx context.Context, side replicator.Side, names []string) (map[string]kafka.TopicInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	got, err := s.cluster(side).Topics(ctx, names)
	s.answered(side, err)
	return got, err
}

// take brings the pairs up to date, and lists the topics whose answers may have changed.
func (s *Source) take(primary, secondary map[string]kafka.TopicInfo, all bool) (changed []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, t := range s.topics {
		if _, mirrored := s.opt.Name(name); !mirrored || all && absent(primary, name) && t.pair == nil {
			delete(s.topics, name)
			changed = append(changed, name)
		}
	}
	for name, info := range primary {
		to, ok := s.opt.Name(name)
		if !ok || info.Internal {
			continue
		}
		t := s.topics[name]
		if t == nil || t.secondary != to {
			t = &topic{name: name, secondary: to}
			s.topics[name] = t
		}
		if copied, there := secondary[to]; s.takeTopic(t, info, copied, there) {
			changed = append(changed, name)
		}
	}
	return changed
}

func absent(topics map[string]kafka.TopicInfo, name string) bool {
	_, ok := topics[name]
	return !ok
}

// takeTopic compares a pair with what both sides say now, and says whether answers may have changed.
func (s *Source) takeTopic(t *topic, info, copied kafka.TopicInfo, there bool) bool {
	was, parts := t.held, len(t.parts)
	t.held, t.partitions = topicHold(t, info, copied, there), int32(len(info.Partitions))
	if info.Err != nil || copied.Err != nil || !there || t.held.reason == replicator.PartitionMismatch {
		return was != t.held
	}
	recreated := t.pair != nil && (t.primaryID != info.ID || t.secondaryID != copied.ID)
	if t.pair == nil || recreated || int(t.pair.Info().Partitions) < len(info.Partitions) {
		if recreated {
			s.log.Warn("a topic was deleted and created again; its records are compared before anything is written", zap.String("topic", t.name))
		}
		pair, _, err := s.opt.Index.Pair(checkpoint.Topics{
			Primary: checkpoint.Topic{Name: info.Name, ID: info.ID}, Secondary: checkpoint.Topic{Name: copied.Name, ID: copied.ID},
			Partitions: int32(len(info.Partitions)), Source: s.opt.Source,
		})
		if err != nil {
			t.held = hold{replicator.SourceDegraded, fmt.Sprintf("index of topic %s: %v", t.name, err)}
			return was != t.held
		}
		if pair != t.pair {
			t.pair, t.parts = pair, nil
		}
		t.primaryID, t.secondaryID = info.ID, copied.ID
	}
	s.grow(t, int32(min(len(info.Partitions), len(copied.Partitions))))
	for _, p := range t.parts {
		if int(p.id) < len(info.Partitions) && int(p.id) < len(copied.Partitions) {
			p.takeEpochs(info.Partitions[p.id].LeaderEpoch, copied.Partitions[p.id].LeaderEpoch)
		}
	}
	return was != t.held || recreated || parts != len(t.parts)
}

// topicHold says why a pair can't be answered at all.
func topicHold(t *topic, info, copied kafka.TopicInfo, there bool) hold {
	switch {
	case info.Err != nil:
		return hold{replicator.Unauthorized, fmt.Sprintf("the primary does not describe %s: %v", t.name, info.Err)}
	case !there:
		return hold{replicator.TopicMissing, fmt.Sprintf("the secondary has no topic %s. Try: let the mirror copy it, or check topics.rename", t.secondary)}
	case copied.Err != nil:
		return hold{replicator.Unauthorized, fmt.Sprintf("the secondary does not describe %s: %v", t.secondary, copied.Err)}
	case len(copied.Partitions) != len(info.Partitions) && len(copied.Partitions) != 0 && len(info.Partitions) < len(copied.Partitions):
		return hold{replicator.PartitionMismatch, fmt.Sprintf("%s has %d partitions on the primary and %d on the secondary: records of one may lie in several. Try: a mirror that keeps partitions, and as many of them", t.secondary, len(info.Partitions), len(copied.Partitions))}
	}
	return hold{}
}

// grow makes partitions. Call with s.mu held.
func (s *Source) grow(t *topic, n int32) {
	for i := int32(len(t.parts)); i < n; i++ {
		p := &partition{
			topic: t, id: i, index: t.pair.Partition(i), window: s.opt.MinWindow, epochs: [2]int32{-1, -1}, settled: map[int64]verdict{}, cut: none, kept: 1, weakest: bare,
			on: [2]kafka.TopicPartition{{Topic: t.name, Partition: i}, {Topic: t.secondary, Partition: i}},
		}
		p.shape.window, p.shape.flight = p.window, p.window
		t.parts = append(t.parts, p)
	}
}

// takeEpochs takes the leader epochs of both sides.
func (p *partition) takeEpochs(primary, secondary int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epochs = [2]int32{primary, secondary}
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

// followSecondary asks for the ends and log starts of the secondary; followPrimary for those of the primary. Each on its own, so
// that a side that is gone delays nothing else.
func (s *Source) followSecondary(ctx context.Context) {
	s.follow(ctx, replicator.Secondary, kafka.Stable)
}

func (s *Source) followPrimary(ctx context.Context) { s.follow(ctx, replicator.Primary, kafka.Latest) }

func (s *Source) follow(ctx context.Context, side replicator.Side, last kafka.When) {
	parts := s.all()
	if len(parts) == 0 {
		return
	}
	tps := make([]kafka.TopicPartition, len(parts))
	for i, p := range parts {
		tps[i] = p.on[side]
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	starts, err := s.cluster(side).ListOffsets(ctx, kafka.Earliest, tps)
	if err == nil {
		var ends map[kafka.TopicPartition]kafka.OffsetResult
		if ends, err = s.cluster(side).ListOffsets(ctx, last, tps); err == nil {
			for i, p := range parts {
				start, end := starts[tps[i]], ends[tps[i]]
				if start.Err == nil && end.Err == nil {
					s.served(p, side, translate.Bounds{LogStart: start.Offset, End: max(start.Offset, end.Offset)})
				}
			}
		}
	}
	s.answered(side, err)
}

// served takes the bounds of one side.
func (s *Source) served(p *partition, side replicator.Side, b translate.Bounds) {
	p.mu.Lock()
	was, knew := p.bounds, p.known
	if side == replicator.Primary {
		p.reset = p.reset || p.sides&1 != 0 && b.End < p.primary.End
		p.primary, p.sides = b, p.sides|1
	} else {
		b = p.notBack(b)
		p.bounds, p.sides = b, p.sides|2
	}
	p.known = p.sides == 3
	fresh := p.known && !knew
	p.mu.Unlock()
	if side == replicator.Secondary && was.LogStart != b.LogStart || fresh {
		s.opt.Notify(replicator.Advance{Topic: p.topic.name, Partition: p.id, All: true})
	}
	s.enqueue(p)
}

// notBack tells an answer that is older than what was read since from a log that was cut.
func (p *partition) notBack(b translate.Bounds) translate.Bounds {
	fresh := p.fresh
	p.fresh = false
	switch {
	case p.sides&2 == 0 || b.End >= p.bounds.End:
	case fresh:
		b.End = p.bounds.End
	default:
		p.cut = min(p.cut, b.End)
	}
	return b
}
