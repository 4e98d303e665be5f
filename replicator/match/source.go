package match

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
)

// Source is the mapping source. It implements replicator.Mapper.
type Source struct {
	opt    Options
	log    *zap.Logger
	budget *budget
	shelf  *shelf

	primary, secondary counter

	mu      sync.RWMutex
	topics  map[string]*topic // by the primary's name
	trouble [2]trouble        // by side

	queue chan *partition

	discovered time.Time   // watch's own
	discover   atomic.Bool // somebody asked for a topic that is not known
}

var _ replicator.Mapper = (*Source)(nil)

// counter counts what was read of one side.
type counter struct{ fetches, bytes atomic.Int64 }

// topic is a pair of topics. Source.mu guards it.
type topic struct {
	name, secondary        string
	primaryID, secondaryID [16]byte
	partitions             int32 // of the primary
	held                   hold
	pair                   *checkpoint.Pair
	parts                  []*partition
}

// trouble is why a side does not answer, and since when. Source.mu guards it.
type trouble struct {
	err   error
	since time.Time
}

// New returns a source that answers from the index as soon as it runs.
func New(o Options) *Source {
	o.setDefaults()
	return &Source{opt: o, log: o.Logger, budget: newBudget(o.BytesPerSecond), shelf: newShelf(), topics: map[string]*topic{},
		queue: make(chan *partition, 1<<16)}
}

// Run looks at the records of both sides until ctx ends. A cluster that is down is waited for.
func (s *Source) Run(ctx context.Context) error {
	s.recall()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.every(ctx, s.watch) })
	g.Go(func() error { return s.every(ctx, s.followSecondary) })
	g.Go(func() error { return s.every(ctx, s.followPrimary) })
	for range s.opt.Workers {
		g.Go(func() error { return s.serve(ctx) })
	}
	return g.Wait()
}

// every makes a round each Refresh.
func (s *Source) every(ctx context.Context, round func(context.Context)) error {
	for {
		round(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(s.opt.Refresh):
		}
	}
}

// serve works on partitions in turn: each has one thing done for it, and goes to the end of the queue.
func (s *Source) serve(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-s.queue:
			p.mu.Lock()
			p.queued = false
			p.mu.Unlock()
			more, err := s.work(ctx, p)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				s.failed(p, err)
			case more:
				s.enqueue(p)
			default:
				s.chase(ctx, p)
			}
		}
	}
}

// enqueue never blocks; a partition is in the queue once.
func (s *Source) enqueue(p *partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queued || !p.known {
		return
	}
	select {
	case s.queue <- p:
		p.queued = true
	default: // tens of thousands wait already; the next round asks again
	}
}

// How soon the tip is looked at again while somebody waits for it.
const (
	chaseEager = 2 * time.Second
	chaseEvery = 4 * time.Millisecond
	chaseLater = 250 * time.Millisecond
	chaseFor   = 10 * time.Second
)

// chase comes back to a partition whose tip somebody waits for.
func (s *Source) chase(ctx context.Context, p *partition) {
	p.mu.Lock()
	waited := time.Since(p.waitsTip)
	due := !p.waitsTip.IsZero() && waited < chaseFor
	p.mu.Unlock()
	if !due {
		return
	}
	gap := chaseLater
	if waited < chaseEager {
		gap = chaseEvery
	}
	again := time.AfterFunc(gap, func() { s.enqueue(p) })
	context.AfterFunc(ctx, func() { again.Stop() })
}

// failed leaves the partition alone until the next round, which asks for its bounds first.
func (s *Source) failed(p *partition, err error) {
	s.log.Debug("look at the records", append(partitionFields(p), zap.Error(err))...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// answered takes note of whether a side answers.
func (s *Source) answered(side replicator.Side, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.trouble[side]
	switch {
	case err == nil:
		*t = trouble{}
	case t.err == nil:
		*t = trouble{err, time.Now()}
	default:
		t.err = err
	}
}

func partitionFields(p *partition) []zap.Field {
	return []zap.Field{zap.String("topic", p.topic.name), zap.Int32("partition", p.id)}
}
