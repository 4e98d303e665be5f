package identity

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// askTimeout bounds a round of questions, so that a dead cluster shows in State.
const askTimeout = 5 * time.Second

// watch keeps topics, ids and partition counts. When a side does not answer, what was known stays.
func (s *Source) watch(ctx context.Context) error {
	all := time.Since(s.discovered) >= s.opt.Discover || s.discover.Swap(false)
	primary, err := s.ask(ctx, s.opt.Primary, s.primaryNames(all))
	if err != nil {
		return wrap("topics of the primary", err)
	}
	secondary, err := s.ask(ctx, s.opt.Secondary, s.secondaryNames(primary))
	if err != nil {
		return wrap("topics of the secondary", err)
	}
	if all {
		s.discovered = time.Now()
	}
	s.takeTopics(primary, secondary)
	return nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// ask describes topics; no names are no question.
func (s *Source) ask(ctx context.Context, c Cluster, names []string) (map[string]kafka.TopicInfo, error) {
	if names != nil && len(names) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return c.Topics(ctx, names)
}

// primaryNames are the topics to ask the primary for: nil, which is all, or those known.
func (s *Source) primaryNames(all bool) []string {
	if all {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.AppendSeq(make([]string, 0, len(s.topics)), maps.Keys(s.topics))
}

// secondaryNames are the names that the primary's topics have on the secondary.
func (s *Source) secondaryNames(primary map[string]kafka.TopicInfo) []string {
	names := map[string]struct{}{}
	for name, info := range primary {
		if to, ok := s.opt.Name(name); ok && !info.Internal {
			names[to] = struct{}{}
		}
	}
	return slices.AppendSeq(make([]string, 0, len(names)), maps.Keys(names))
}

// takeTopics brings the pairs up to date. Topics that the primary no longer has, or the link no longer replicates, go.
func (s *Source) takeTopics(primary, secondary map[string]kafka.TopicInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, t := range s.topics {
		info, ok := primary[name]
		if _, mirrored := s.opt.Name(name); !ok || !mirrored || info.Internal {
			delete(s.topics, name)
			s.opt.Notify(replicator.Advance{Topic: t.name, Partition: -1, All: true})
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
		copied, exists := secondary[to]
		if s.takeTopic(t, info, copied, exists) {
			s.opt.Notify(replicator.Advance{Topic: name, Partition: -1, All: true})
			signal(s.followNow)
		}
	}
}

// takeTopic compares a pair with what both sides say now, and says whether answers may have changed.
func (s *Source) takeTopic(t *topic, info, copied kafka.TopicInfo, exists bool) (changed bool) {
	was := t.held
	t.held = topicHold(t, info, copied, exists)
	changed = was != t.held
	if info.Err != nil || copied.Err != nil || !exists {
		return changed
	}
	none := [16]byte{}
	recreated := t.primaryID != none && t.primaryID != info.ID || t.secondaryID != none && t.secondaryID != copied.ID
	if recreated {
		t.parts, changed = nil, true
		s.log.Warn("a topic was deleted and created again; its records are compared before anything is written", topicField(t.name))
	}
	t.primaryID, t.secondaryID = info.ID, copied.ID
	if n := int32(len(info.Partitions)); n != t.partitions {
		t.partitions, changed = n, true
	}
	for len(t.parts) < min(len(info.Partitions), len(copied.Partitions)) {
		p := &partition{topic: t, id: int32(len(t.parts)), high: -1, epochs: [2]int32{-1, -1}, recreated: recreated}
		t.parts, changed = append(t.parts, p), true
	}
	for _, p := range t.parts {
		if int(p.id) < len(info.Partitions) && int(p.id) < len(copied.Partitions) {
			s.takeEpochs(p, info.Partitions[p.id].LeaderEpoch, copied.Partitions[p.id].LeaderEpoch)
		}
	}
	return changed
}

// topicHold says why a pair can't be answered at all.
func topicHold(t *topic, info, copied kafka.TopicInfo, exists bool) hold {
	switch {
	case info.Err != nil:
		return hold{replicator.Unauthorized, fmt.Sprintf("the primary does not describe %s: %v", t.name, info.Err)}
	case !exists:
		return hold{replicator.TopicMissing, fmt.Sprintf("the secondary has no topic %s. Try: let the link mirror it", t.secondary)}
	case copied.Err != nil:
		return hold{replicator.Unauthorized, fmt.Sprintf("the secondary does not describe %s: %v", t.secondary, copied.Err)}
	case len(copied.Partitions) > len(info.Partitions):
		return hold{replicator.PartitionMismatch, fmt.Sprintf("%d partitions on the primary, %d on the secondary: not a copy of one another. Try: create the topic anew on the secondary, or use another mapping", len(info.Partitions), len(copied.Partitions))}
	}
	return hold{}
}

// takeEpochs: under another leader there may be other records, so what was compared is compared again soon. The answers
// stand meanwhile: leaders change with every restart of a broker.
func (s *Source) takeEpochs(p *partition, primary, secondary int32) {
	now := [2]int32{primary, secondary}
	if p.epochs == now {
		return
	}
	if p.epochs != [2]int32{-1, -1} && p.verdict != untried {
		p.due, p.careful = time.Time{}, careful
		signal(s.proveNow)
	}
	p.epochs = now
}
