package identity

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// Source is the mapping source. It implements replicator.Mapper.
type Source struct {
	opt Options
	log *zap.Logger

	mu      sync.RWMutex
	topics  map[string]*topic // by the primary's name
	wanted  map[*partition]struct{}
	trouble [questions]trouble

	discover   atomic.Bool // somebody asked for a topic that is not known
	discovered time.Time   // watch's own

	followNow, guardNow, chaseNow, proveNow chan struct{}
}

var _ replicator.Mapper = (*Source)(nil)

// topic is a pair of topics. Source.mu guards it and its partitions.
type topic struct {
	name, secondary string
	primaryID       [16]byte
	secondaryID     [16]byte
	partitions      int32 // of the primary
	held            hold  // why nothing is answered for the whole topic
	parts           []*partition
}

// hold is a reason with its sentence.
type hold struct {
	reason replicator.Reason
	detail string
}

// partition is one that both sides have.
type partition struct {
	topic *topic
	id    int32

	known bool // bounds are
	// bounds of the secondary, high the primary's high watermark (−1 until known).
	bounds translate.Bounds
	high   int64
	epochs [2]int32 // leader epochs by side, −1 until known

	verdict   verdict
	detail    string
	recreated bool        // a topic id changed, and nothing was compared since
	ahead     bool        // the secondary holds more than the primary
	asked     atomic.Bool // somebody committed here
	due       time.Time
	careful   int       // how many more times it is compared again soon
	checked   time.Time // last comparison that came to a verdict
	records   int       // it compared

	want     int64
	wantedAt time.Time
	chased   bool // bounds.End is from chase, after the last round of the watch
}

// verdict is what comparing came to.
type verdict uint8

const (
	untried verdict = iota
	proven
	differs
	nothing // records on both sides, but none to compare
)

// New returns a source that knows nothing yet.
func New(o Options) *Source {
	o.setDefaults()
	return &Source{opt: o, log: o.Logger, topics: map[string]*topic{}, wanted: map[*partition]struct{}{},
		followNow: make(chan struct{}, 1), guardNow: make(chan struct{}, 1), chaseNow: make(chan struct{}, 1), proveNow: make(chan struct{}, 1)}
}

// Run watches and compares until ctx ends. A cluster that is down is waited for.
func (s *Source) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.every(ctx, askTopics, nil, s.watch) })
	g.Go(func() error { return s.every(ctx, askSecondary, s.followNow, s.follow) })
	g.Go(func() error { return s.every(ctx, askPrimary, s.guardNow, s.guard) })
	g.Go(func() error { return s.chase(ctx) })
	g.Go(func() error { return s.prove(ctx) })
	return g.Wait()
}

// question is one of the rounds that are made again and again. Each has its own, so that a cluster that does not answer
// delays nothing else.
type question int

const (
	askTopics question = iota
	askSecondary
	askPrimary
	questions
)

// every makes a round each Refresh, and when woken. Its error is said, and does not end it.
func (s *Source) every(ctx context.Context, q question, wake <-chan struct{}, round func(context.Context) error) error {
	for {
		err := round(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.report(q, err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-time.After(s.opt.Refresh):
		}
	}
}

func (p *partition) on(side replicator.Side) kafka.TopicPartition {
	if side == replicator.Primary {
		return kafka.TopicPartition{Topic: p.topic.name, Partition: p.id}
	}
	return kafka.TopicPartition{Topic: p.topic.secondary, Partition: p.id}
}

// empty: the secondary serves no record of the partition.
func (p *partition) empty() bool { return p.bounds.End <= p.bounds.LogStart }

func (s *Source) notify(p *partition, all bool) {
	s.opt.Notify(replicator.Advance{Topic: p.topic.name, Partition: p.id, All: all})
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
