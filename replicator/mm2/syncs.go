package mm2

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// SyncsOptions of a Syncs. Cluster, Topic and Out are required.
type SyncsOptions struct {
	// Cluster is the one that the topic is on.
	Cluster *kafka.Cluster
	// Topic is the offset-syncs topic; see Locate.
	Topic string
	// From is a Position of an earlier run; the zero value is the log start.
	From Position
	// Out takes the syncs, one at a time, in log order. It may block. Hints.Add is meant for it.
	Out    func(topic string, partition int32, upstream, downstream int64)
	Logger *zap.Logger
	// Refresh is how often the topic is asked for. Default 1 s.
	Refresh time.Duration
}

// Syncs reads an offset-syncs topic: all that is there, then what comes. Make it with NewSyncs, run it once.
//
// A topic of which most records do not decode is refused: nothing of it comes out, and State().Problem says so. After a
// restart of its own (recreated, cut) it may hand on what it handed on before.
type Syncs struct {
	f     *follower
	sieve *sieve[Sync]

	mu       sync.Mutex
	position Position
	ok       bool
}

// NewSyncs returns a reader that has read nothing yet.
func NewSyncs(o SyncsOptions) *Syncs { return newSyncs(realCluster{o.Cluster}, o) }

func newSyncs(c cluster, o SyncsOptions) *Syncs {
	s := &Syncs{sieve: &sieve[Sync]{topic: o.Topic, what: "an offset-syncs", out: func(v Sync) { o.Out(v.Topic, v.Partition, v.Upstream, v.Downstream) }}}
	s.sieve.accepted = o.From != Position{} // it was, when that was saved
	s.f = newFollower(c, o.Topic, o.Refresh, o.Logger)
	s.f.from, s.f.take, s.f.settle, s.f.restart = o.From, s.record, s.settle, s.sieve.reset
	return s
}

func newFollower(c cluster, topic string, refresh time.Duration, log *zap.Logger) *follower {
	if log == nil {
		log = zap.NewNop()
	}
	if refresh <= 0 {
		refresh = time.Second
	}
	return &follower{cluster: c, tp: kafka.TopicPartition{Topic: topic}, refresh: refresh, log: log}
}

// Run reads until ctx ends.
func (s *Syncs) Run(ctx context.Context) error { return s.f.run(ctx) }

// CaughtUp says that all syncs that were there at the start have been handed on, or that there is no such topic.
func (s *Syncs) CaughtUp() bool { return s.f.snapshot().CaughtUp }

// State may be called at any time.
func (s *Syncs) State() State { return s.f.snapshot() }

// Position is how far Out has been told; ok is false while nothing of the topic is believed. Ask for it before asking for
// what Out made of the syncs: read twice is harmless, not read is not.
func (s *Syncs) Position() (p Position, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position, s.ok
}

func (s *Syncs) record(r *kafka.Record) {
	if r.Value != nil { // MirrorMaker 2 writes no tombstones, and they say nothing
		s.sieve.take(ParseSync(r.Key, r.Value))
	}
}

func (s *Syncs) settle(caughtUp bool) string {
	problem := s.sieve.settle(caughtUp)
	s.mu.Lock()
	s.position, s.ok = Position{TopicID: s.f.id, Next: s.f.next}, s.sieve.accepted
	s.mu.Unlock()
	s.f.edit(func(st *State) { st.Records, st.Malformed = s.sieve.records, s.sieve.bad })
	return problem
}
