package mirror

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

// quietWithin is how long a fence waits for what was fetched to be acknowledged.
const quietWithin = 5 * time.Second

// Fence stops copying topics, by their names on the primary: the secondary's producers write them now. When it returns nil, all that was
// fetched of them is acknowledged or given up, and nothing is on the wire: what stands on the secondary then is all that this mirror
// ever writes there. An error says that something still is; the topics are fenced all the same, and Fence again waits on.
// Fenced topics stay so until Unfence; who restarts says so again.
func (s *Source) Fence(ctx context.Context, topics []string) error {
	if len(topics) == 0 {
		return nil
	}
	var parts []*partitionPair
	s.mu.Lock()
	for _, name := range topics {
		if !s.fenced[name] {
			s.fenced[name] = true
			s.log.Warn("the topic is written on the secondary now: it is not mirrored any more", zap.String("topic", name))
		}
		if t := s.topics[name]; t != nil {
			parts = append(parts, t.parts...)
		}
	}
	s.mu.Unlock()
	for _, p := range parts {
		p.fence()
	}
	for _, name := range topics {
		s.opt.Notify(replicator.Advance{Topic: name, Partition: -1, All: true})
	}
	ctx, cancel := context.WithTimeout(ctx, quietWithin)
	defer cancel()
	for _, p := range parts {
		select {
		case <-p.done:
		case <-ctx.Done():
			return fmt.Errorf("fence %s: the secondary has not answered what is on its way there: %w", p.on[replicator.Primary], ctx.Err())
		}
	}
	return s.flushNow()
}

func (s *Source) flushNow() error {
	_, err := s.flush.get()
	return err
}

// Unfence lets topics be copied again, from where they were left.
func (s *Source) Unfence(topics []string) {
	if len(topics) == 0 {
		return
	}
	s.mu.Lock()
	for _, name := range topics {
		delete(s.fenced, name)
	}
	s.mu.Unlock()
	s.lookAgain()
}

func (s *Source) isFenced(topic string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.fenced[topic]
}

// Fenced lists the topics that are fenced, by their names on the primary.
func (s *Source) Fenced() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.fenced))
}

// handedOver answers for a fenced topic, also where nothing else is known of it: a lost index, a primary that is gone.
func (s *Source) handedOver(name string) replicator.Mapping {
	to, ok := s.opt.Select(name)
	if !ok {
		to = name
	}
	return replicator.Mapping{Topic: to, Reason: replicator.HandedOver,
		Detail: fmt.Sprintf("topic %s is written on the secondary since a failover: what the primary commits means nothing there. Try: leftoff failover status", to)}
}
