package mirror

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

// quietWithin is how long a fence waits for batches on the wire to be answered.
const quietWithin = 5 * time.Second

// Fence stops copying topics, by their names on the primary: the secondary's producers write them now. It returns when nothing
// of them is on the wire any more, or after a while. Fenced topics stay so until Unfence; who restarts says so again.
func (s *Source) Fence(ctx context.Context, topics []string) error {
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
	quiet, cancel := context.WithTimeout(ctx, quietWithin)
	defer cancel()
	for _, p := range parts {
		p.feed.Stop() // what was fetched is still sent
	}
	for _, p := range parts {
		p.awaitQuiet(quiet)
		p.cancel()
	}
	for _, p := range parts {
		select {
		case <-p.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, name := range topics {
		s.opt.Notify(replicator.Advance{Topic: name, Partition: -1, All: true})
	}
	return s.flushNow()
}

func (s *Source) flushNow() error {
	_, err := s.flush.get()
	return err
}

// awaitQuiet waits until nothing is on the wire.
func (p *partitionPair) awaitQuiet(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for p.quietSends() < 0 {
		select {
		case <-ctx.Done():
			return
		case <-p.done:
			return
		case <-tick.C:
		}
	}
}

// Unfence lets topics be copied again, from where they were left.
func (s *Source) Unfence(topics []string) {
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

// handedOver answers for a fenced topic.
func handedOver(to string) replicator.Mapping {
	return replicator.Mapping{Topic: to, Reason: replicator.HandedOver,
		Detail: fmt.Sprintf("topic %s is written on the secondary since a failover: what the primary commits means nothing there. Try: leftoff failover status", to)}
}
