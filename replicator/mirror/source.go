package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// Options of a Source.
type Options struct {
	Primary, Secondary Cluster
	Index              *checkpoint.Index
	// Select says what a primary topic is called on the secondary, and whether it is mirrored at all.
	Select func(topic string) (secondary string, ok bool)
	// ReadUncommitted copies the records of aborted and open transactions, too.
	ReadUncommitted bool
	// LeftOut are offsets of the primary that are copied no more, by the topic's id: a way home left their records where they are. Aside are
	// offsets of the secondary with records that are nobody's copy and no obstacle. Nil: none.
	LeftOut, Aside func(id [16]byte, partition int32) []translate.Span
	// Skip are offsets of the primary whose records the secondary has already, elsewhere: they are never copied, whatever the index knows. In
	// order, and the same each time. Nil: none.
	Skip func(id [16]byte, partition int32) []translate.Span
	// Known are copies that no mirror made, by the ids of both topics, asked only where the index was lost. Nil: none.
	Known func(primary, secondary [16]byte, partition int32) []translate.Run
	// Notify tells the planner what is new. It must not block.
	Notify func(replicator.Advance)
	Logger *zap.Logger
	// Refresh is how often topics and ends are looked at. Default 1 s.
	Refresh time.Duration
	// Prefetch bounds the bytes held in memory. Default 64 MiB.
	Prefetch int
}

func (o *Options) setDefaults() {
	if o.Notify == nil {
		o.Notify = func(replicator.Advance) {}
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Refresh <= 0 {
		o.Refresh = time.Second
	}
	if o.Prefetch <= 0 {
		o.Prefetch = 64 << 20
	}
}

// alignments is how many partitions may compare long stretches at once; each may take a few hundred MB at worst.
const alignments = 4

// Source is the built-in mirror. It implements replicator.Mapper.
type Source struct {
	opt    Options
	log    *zap.Logger
	flush  shared[struct{}]
	look   chan struct{} // look at the topics now
	active atomic.Int64  // partitions
	slots  chan struct{} // alignments under way

	mu       sync.RWMutex
	topics   map[string]*topic // by the primary's name
	fenced   map[string]bool   // topics that are not copied any more
	problems [2]string         // by side, for status
	counts   map[string]int32  // partitions of every selected topic of the primary

	idMu sync.Mutex
	id   *kafka.ProducerID

	// run's own
	feeds    *feeds
	producer *kafka.Producer
	group    *errgroup.Group
}

var _ replicator.Mapper = (*Source)(nil)

// New returns a source that answers from the index as soon as it runs.
func New(o Options) *Source {
	o.setDefaults()
	s := &Source{opt: o, log: o.Logger.Named("mirror"), topics: map[string]*topic{}, fenced: map[string]bool{}, counts: map[string]int32{}, look: make(chan struct{}, 1), slots: make(chan struct{}, alignments)}
	s.flush.do = func() (struct{}, error) { return struct{}{}, o.Index.Flush() }
	return s
}

// Run copies until ctx ends. Clusters that are down are waited for.
func (s *Source) Run(ctx context.Context) error {
	isolation := kafka.ReadCommitted
	if s.opt.ReadUncommitted {
		isolation = kafka.ReadUncommitted
	}
	fetcher := s.opt.Primary.NewFetcher(kafka.FetchOptions{Isolation: isolation, PartitionMaxBytes: s.fetchBytes(), Buffer: s.opt.Prefetch / 4})
	defer fetcher.Close()
	s.producer = s.opt.Secondary.NewProducer(kafka.ProducerOptions{})
	defer s.producer.Close()
	s.feeds = newFeeds(fetcher)

	g, ctx := errgroup.WithContext(ctx)
	s.group = g
	s.recall(ctx)
	g.Go(func() error { return s.feeds.run(ctx) })
	g.Go(func() error { return s.every(ctx, s.look, s.discover) })
	g.Go(func() error { return s.every(ctx, nil, s.watch) })
	g.Go(func() error { return s.every(ctx, nil, s.watchPrimary) })
	err := g.Wait()
	if errors.Is(err, kafka.ErrClosed) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// every makes a round each Refresh, and when woken.
func (s *Source) every(ctx context.Context, wake <-chan struct{}, round func(context.Context)) error {
	for {
		round(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-time.After(s.opt.Refresh):
		}
	}
}

// newID returns the process's producer id, or another one when that is spent.
func (s *Source) newID(ctx context.Context, spent int64) (kafka.ProducerID, error) {
	s.idMu.Lock()
	defer s.idMu.Unlock()
	if s.id != nil && s.id.ID != spent {
		return *s.id, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	id, err := s.opt.Secondary.InitProducer(ctx)
	if err != nil {
		return id, err
	}
	s.id = &id
	return id, nil
}

// fetchBytes is how much is fetched of a partition at a time: each holds at least one fetch, however small its share.
func (s *Source) fetchBytes() int32 {
	partitions := 1
	for _, info := range s.opt.Index.Pairs() {
		if !info.Retired {
			partitions += int(info.Partitions)
		}
	}
	return int32(min(1<<20, max(256<<10, s.opt.Prefetch/4/partitions)))
}

// share is how much memory a partition may hold.
func (s *Source) share() int {
	return max(64<<10, s.opt.Prefetch*3/4/int(max(1, s.active.Load())))
}

// State lists all partitions, by topic and number.
func (s *Source) State() []State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []State
	for _, t := range s.topics {
		for _, p := range t.parts {
			st := p.view.snapshot()
			st.Topic, st.Secondary, st.Partition = t.name, t.secondary, p.number
			p.foreign(&st)
			if t.problem.detail != "" && st.Detail == "" {
				st.Detail = t.problem.detail
			}
			all = append(all, st)
		}
	}
	slices.SortFunc(all, func(a, b State) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition - b.Partition)
	})
	return all
}

// foreign shows what keeps positions down.
func (p *partitionPair) foreign(st *State) {
	spans := p.index.ForeignSpans()
	for _, f := range spans {
		st.Foreign += f.To - f.From
	}
	if len(spans) > 0 && st.Detail == "" {
		st.Detail = foreignDetail(spans)
	}
}

func foreignDetail(spans []translate.Span) string {
	return fmt.Sprintf("somebody else wrote the records %d to %d on the secondary: no position passes them. "+
		"Try: stop the foreign producer, then accept its records with leftoff index accept", spans[0].From, spans[0].To-1)
}

// Problems lists what keeps topics from being mirrored, and clusters from answering.
func (s *Source) Problems() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []string
	for _, t := range s.topics {
		if t.problem.detail != "" {
			all = append(all, t.problem.detail)
		}
	}
	slices.Sort(all)
	for _, p := range s.problems {
		if p != "" {
			all = append(all, p)
		}
	}
	return all
}
