package mirror

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// sourceName is how the index knows pairs of this source.
const sourceName = "mirror"

// topic is a pair of topics. Source.mu guards it.
type topic struct {
	name, secondary        string
	primaryID, secondaryID [16]byte
	pair                   *checkpoint.Pair
	parts                  []*partitionPair
	problem                problem
	created                bool // by this process
	same                   shared[struct{}]
	settings               shared[settings]
	former                 bool // the secondary holds copies of an earlier incarnation of the primary's topic
}

// problem is why a whole topic is not mapped.
type problem struct {
	reason replicator.Reason
	detail string
}

// partitionPair is a partition with what Source keeps of it.
type partitionPair struct {
	*partition
	index  *checkpoint.Partition
	on     [2]kafka.TopicPartition
	epochs [2]atomic.Int32 // leader epochs by side, as last seen in the metadata
	first  atomic.Int64    // the primary's log start, as last seen
	done   chan struct{}

	// The loop ends with ctx at once, and with going when nothing is on the wire.
	ctx, going    context.Context
	cancel, fence context.CancelFunc
}

// recall takes the pairs that the index knows, so that positions are answered on a day when the primary is gone.
func (s *Source) recall(ctx context.Context) {
	for _, info := range s.opt.Index.Pairs() {
		name, ok := s.opt.Select(info.Primary.Name)
		if info.Retired || info.Source != sourceName || !ok || name != info.Secondary.Name {
			continue
		}
		pair, ok := s.opt.Index.Lookup(info.Primary.Name)
		if !ok {
			continue
		}
		t := s.newTopic(ctx, info.Topics, pair)
		s.mu.Lock()
		s.topics[t.name], s.counts[t.name] = t, info.Partitions
		s.mu.Unlock()
		s.grow(ctx, t, info.Partitions, func(*partitionPair) {})
	}
}

// discover makes what is mirrored follow what the clusters have.
func (s *Source) discover(ctx context.Context) {
	primary, err := s.ask(ctx, replicator.Primary, s.opt.Primary, nil)
	if err != nil {
		return
	}
	wanted := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(primary)) {
		if to, ok := s.opt.Select(name); ok && !primary[name].Internal && primary[name].Err == nil {
			wanted[name] = to
		}
	}
	names := slices.Sorted(maps.Values(wanted))
	secondary := map[string]kafka.TopicInfo{}
	if len(names) > 0 {
		if secondary, err = s.ask(ctx, replicator.Secondary, s.opt.Secondary, names); err != nil {
			return
		}
	}
	s.forget(wanted, primary)
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		to := wanted[name]
		if other, ok := taken[to]; ok {
			s.refuse(name, to, problem{replicator.PartitionMismatch, fmt.Sprintf("topics %s and %s would both be copied to %s. Try: another rename, or exclude one of them", other, name, to)})
			continue
		}
		taken[to] = name
		if s.isFenced(name) {
			continue
		}
		info, there := secondary[to]
		s.reconcile(ctx, primary[name], to, info, there)
	}
}

func (s *Source) ask(ctx context.Context, side replicator.Side, c Cluster, names []string) (map[string]kafka.TopicInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	topics, err := c.Topics(ctx, names)
	if ctx.Err() == context.Canceled {
		return nil, ctx.Err()
	}
	said := ""
	if err != nil {
		said = fmt.Sprintf("topics of the %s: %v", side, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if said != "" && s.problems[side] == "" {
		s.log.Warn("cannot list topics", zap.Stringer("side", side), zap.Error(err))
	}
	s.problems[side] = said
	return topics, err
}

// forget stops copying topics that are no longer on the primary. Their positions stay: groups may still be handed over.
func (s *Source) forget(wanted map[string]string, primary map[string]kafka.TopicInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, t := range s.topics {
		if _, ok := wanted[name]; ok {
			continue
		}
		delete(s.counts, name)
		if info, there := primary[name]; there && info.Err != nil {
			t.problem = problem{replicator.Unauthorized, fmt.Sprintf("topic %s on the primary: %v", name, info.Err)}
			continue
		}
		if t.pair == nil {
			delete(s.topics, name)
		}
		t.problem = problem{detail: fmt.Sprintf("topic %s is not on the primary any more: what was copied stays", name)}
		for _, p := range t.parts {
			p.cancel()
		}
	}
	for name := range wanted {
		s.counts[name] = int32(len(primary[name].Partitions))
	}
}

// refuse holds a whole topic.
func (s *Source) refuse(name, to string, why problem) {
	s.mu.Lock()
	t := s.topics[name]
	if t == nil {
		t = &topic{name: name, secondary: to}
		s.topics[name] = t
	}
	news := t.problem != why
	t.problem = why
	s.mu.Unlock()
	if news {
		s.log.Warn("topic is not mirrored", zap.String("topic", name), zap.String("why", why.detail))
		s.opt.Notify(replicator.Advance{Topic: name, Partition: -1, All: true})
	}
}

// reconcile brings one topic to where it should be.
func (s *Source) reconcile(ctx context.Context, from kafka.TopicInfo, to string, info kafka.TopicInfo, there bool) {
	created := false
	switch {
	case info.Err != nil:
		s.refuse(from.Name, to, problem{replicator.Unauthorized, fmt.Sprintf("topic %s on the secondary: %v", to, info.Err)})
		return
	case !there:
		if err := s.create(ctx, from, to); err != nil {
			s.refuse(from.Name, to, problem{replicator.TopicMissing, fmt.Sprintf("topic %s is not on the secondary, and creating it: %v", to, err)})
			return
		}
		created = true
	case len(info.Partitions) < len(from.Partitions):
		if err := s.widen(ctx, from, to); err != nil {
			s.refuse(from.Name, to, problem{replicator.PartitionMismatch, fmt.Sprintf("topic %s has %d partitions on the primary and %d on the secondary, and adding them: %v", to, len(from.Partitions), len(info.Partitions), err)})
			return
		}
	}
	if created || len(info.Partitions) < len(from.Partitions) {
		again, err := s.ask(ctx, replicator.Secondary, s.opt.Secondary, []string{to})
		if err != nil {
			return
		}
		if info, there = again[to]; !there || len(info.Partitions) < len(from.Partitions) {
			s.lookAgain()
			return // it takes a moment until every broker knows
		}
	}
	s.adopt(ctx, from, info, created)
}

func (s *Source) lookAgain() {
	select {
	case s.look <- struct{}{}:
	default:
	}
}

func (s *Source) create(ctx context.Context, from kafka.TopicInfo, to string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	configs, err := s.opt.Primary.TopicConfigs(ctx, from.Name)
	if err != nil {
		return fmt.Errorf("settings of %s on the primary: %w", from.Name, err)
	}
	if err := s.opt.Secondary.CreateTopic(ctx, spec(to, int32(len(from.Partitions)), configs)); err != nil {
		return err
	}
	s.log.Info("created a topic on the secondary", zap.String("topic", to), zap.Int("partitions", len(from.Partitions)))
	return nil
}

func (s *Source) widen(ctx context.Context, from kafka.TopicInfo, to string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := s.opt.Secondary.CreatePartitions(ctx, to, int32(len(from.Partitions))); err != nil {
		return err
	}
	s.log.Info("added partitions on the secondary", zap.String("topic", to), zap.Int("partitions", len(from.Partitions)))
	return nil
}

// adopt makes a pair of two topics that are both there, and copies its partitions. Other ids than before end the old pair.
func (s *Source) adopt(ctx context.Context, from, to kafka.TopicInfo, created bool) {
	s.mu.RLock()
	t := s.topics[from.Name]
	s.mu.RUnlock()
	if t == nil || t.pair == nil || t.pair.Info().Retired || t.primaryID != from.ID || t.secondaryID != to.ID || t.secondary != to.Name {
		var err error
		if t, err = s.pairUp(ctx, t, from, to, created); err != nil {
			s.refuse(from.Name, to.Name, problem{replicator.SourceDegraded, fmt.Sprintf("index of topic %s: %v", from.Name, err)})
			return
		}
	}
	if int(t.pair.Info().Partitions) < len(from.Partitions) {
		if _, _, err := s.opt.Index.Pair(topicsOf(from, to)); err != nil {
			s.refuse(from.Name, to.Name, problem{replicator.SourceDegraded, fmt.Sprintf("index of topic %s: %v", from.Name, err)})
			return
		}
	}
	s.settleProblem(t, from, to)
	epochs := func(p *partitionPair) {
		p.epochs[replicator.Primary].Store(epochOf(from, p.number))
		p.epochs[replicator.Secondary].Store(epochOf(to, p.number))
	}
	for _, p := range t.parts {
		epochs(p)
	}
	s.grow(ctx, t, int32(len(from.Partitions)), epochs)
	s.restart(ctx, t, epochs)
}

func epochOf(t kafka.TopicInfo, i int32) int32 {
	if int(i) >= len(t.Partitions) {
		return -1
	}
	return t.Partitions[i].LeaderEpoch
}

// settleProblem clears what held the topic. More partitions on the secondary than on the primary are no reason to stop: every
// one of the primary's has its own. But somebody should know.
func (s *Source) settleProblem(t *topic, from, to kafka.TopicInfo) {
	s.mu.Lock()
	held, said := t.problem.reason, t.problem.detail
	t.problem = problem{}
	if len(to.Partitions) > len(from.Partitions) {
		t.problem.detail = fmt.Sprintf("topic %s has %d partitions on the primary and %d on the secondary: keys will spread differently after a failover. Try: add partitions on the primary", from.Name, len(from.Partitions), len(to.Partitions))
	}
	news := t.problem.detail != "" && t.problem.detail != said
	s.mu.Unlock()
	if news {
		s.log.Warn("partition counts differ", zap.String("why", t.problem.detail))
	}
	if held != replicator.NoReason {
		s.opt.Notify(replicator.Advance{Topic: t.name, Partition: -1, All: true})
	}
}

func topicsOf(from, to kafka.TopicInfo) checkpoint.Topics {
	return checkpoint.Topics{
		Primary: checkpoint.Topic{Name: from.Name, ID: from.ID}, Secondary: checkpoint.Topic{Name: to.Name, ID: to.ID},
		Partitions: int32(len(from.Partitions)), Source: sourceName,
	}
}

func (s *Source) pairUp(ctx context.Context, was *topic, from, to kafka.TopicInfo, created bool) (*topic, error) {
	topics := topicsOf(from, to)
	if was != nil {
		for _, p := range was.parts {
			p.cancel()
		}
		for _, p := range was.parts {
			<-p.done
		}
	}
	pair, fresh, err := s.opt.Index.Pair(topics)
	if err != nil {
		return nil, err
	}
	t := s.newTopic(ctx, topics, pair)
	t.created = created
	if was != nil && was.pair != nil {
		s.log.Warn("a topic was recreated: what is known of its earlier self is not used any more", zap.String("topic", from.Name),
			zap.Bool("on_primary", was.primaryID != from.ID), zap.Bool("on_secondary", was.secondaryID != to.ID), zap.Bool("new_pair", fresh))
	}
	s.mu.Lock()
	s.topics[t.name] = t
	s.mu.Unlock()
	s.opt.Notify(replicator.Advance{Topic: t.name, Partition: -1, All: true})
	return t, nil
}

func (s *Source) newTopic(ctx context.Context, of checkpoint.Topics, pair *checkpoint.Pair) *topic {
	t := &topic{name: of.Primary.Name, secondary: of.Secondary.Name, primaryID: of.Primary.ID, secondaryID: of.Secondary.ID,
		pair: pair, former: s.hasFormer(of)}
	t.same.do = func() (struct{}, error) { return struct{}{}, s.sameTopics(ctx, t) }
	t.settings.do = func() (settings, error) { return s.settingsOf(ctx, t) }
	return t
}

// hasFormer says that an earlier pair copied another incarnation of the primary's topic into this very topic.
func (s *Source) hasFormer(t checkpoint.Topics) bool {
	for _, old := range s.opt.Index.Pairs() {
		if old.Retired && old.Primary.Name == t.Primary.Name && old.Primary.ID != t.Primary.ID && old.Secondary == t.Secondary {
			return true
		}
	}
	return false
}

// grow adds partitions up to n.
func (s *Source) grow(ctx context.Context, t *topic, n int32, prepare func(*partitionPair)) {
	for i := int32(len(t.parts)); i < n; i++ {
		p := s.newPair(ctx, t, i)
		prepare(p)
		s.mu.Lock()
		t.parts = append(t.parts, p)
		s.mu.Unlock()
		s.start(p)
	}
}

// restart copies partitions again whose topic was away for a while.
func (s *Source) restart(ctx context.Context, t *topic, prepare func(*partitionPair)) {
	for i, p := range t.parts {
		select {
		case <-p.done:
		default:
			continue
		}
		if ctx.Err() != nil {
			return
		}
		again := s.newPair(ctx, t, int32(i))
		prepare(again)
		s.mu.Lock()
		t.parts[i] = again
		s.mu.Unlock()
		s.start(again)
	}
}
