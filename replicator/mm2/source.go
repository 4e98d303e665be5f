package mm2

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/match"
)

// SourceOptions of a Source.
type SourceOptions struct {
	Primary, Secondary *kafka.Cluster
	// Match is how records are compared; its Hints are set here.
	Match match.Options
	// Predict says whether offset syncs are used (mapping mm2) or only checkpoints, to recognise what MirrorMaker 2 writes to
	// groups (mapping match).
	Predict bool
	// Name is that of every topic of the link, where Match.Name is of some only; MirrorMaker 2's own topics are told by it.
	// nil: Match.Name.
	Name func(primary string) (secondary string, ok bool)
	// SyncsTopic and SyncsOn are as configured.
	SyncsTopic, SyncsOn string
}

// Source is the mapping source over an existing MirrorMaker 2: package match, told by the offset syncs where to look. Every sync is
// kept for good, beside the partition's runs in the index.
type Source struct {
	*match.Source
	opt   SourceOptions
	log   *zap.Logger
	hints *Hints

	mu          sync.Mutex
	problem     string
	syncs       *Syncs
	checkpoints *Checkpoints
	looked      chan struct{} // closed when it is known whether MirrorMaker 2 writes checkpoints, and they were read
	once        sync.Once
}

// NewSource returns a source that has looked at nothing yet.
func NewSource(o SourceOptions) *Source {
	s := &Source{opt: o, log: o.Match.Logger, hints: NewHints(0), looked: make(chan struct{})}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if s.opt.Name == nil {
		s.opt.Name = o.Match.Name
	}
	o.Match.Source = "match"
	if o.Predict {
		o.Match.Source, o.Match.Hints = "mm2", s.hints
	}
	s.Source = match.New(o.Match)
	return s
}

// Run compares records and follows MirrorMaker 2's own topics until ctx ends.
func (s *Source) Run(ctx context.Context) error {
	s.load()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Source.Run(ctx) })
	g.Go(func() error { return s.follow(ctx) })
	if s.opt.Predict {
		g.Go(func() error { return s.keep(ctx) })
	}
	return g.Wait()
}

const (
	locateAgain = 5 * time.Second // while nothing fits: MirrorMaker 2 may start after leftoff
	keepEvery   = 5 * time.Second
)

// follow finds MirrorMaker 2's topics, and reads each from when it is found, for as long as it takes.
func (s *Source) follow(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for {
			found, err := Locate(ctx, LocateOptions{
				Primary: s.opt.Primary, Secondary: s.opt.Secondary, Name: s.opt.Name, SyncsTopic: s.opt.SyncsTopic, SyncsOn: s.opt.SyncsOn,
			})
			if err == nil && s.take(ctx, g, found) {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(locateAgain):
			}
		}
	})
	return g.Wait()
}

// take begins to read what was found. It says whether that is all there is to find.
func (s *Source) take(ctx context.Context, g *errgroup.Group, found Located) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem = ""
	if s.opt.Predict {
		s.problem = found.Problem
	}
	if found.Checkpoints == "" {
		s.known()
	} else if s.checkpoints == nil {
		k := NewCheckpoints(CheckpointsOptions{Cluster: s.opt.Secondary, Topic: found.Checkpoints, Logger: s.log.Named("checkpoints")})
		s.checkpoints = k
		g.Go(func() error { return k.Run(ctx) })
		g.Go(func() error { return s.awaitCheckpoints(ctx, k) })
	}
	if s.opt.Predict && found.Syncs != nil && s.syncs == nil {
		cluster := s.opt.Primary
		if found.Syncs.On == replicator.Secondary {
			cluster = s.opt.Secondary
		}
		s.log.Info("MirrorMaker 2's offset syncs are used to find records", zap.String("topic", found.Syncs.Topic), zap.Stringer("on", found.Syncs.On))
		syncs := NewSyncs(SyncsOptions{Cluster: cluster, Topic: found.Syncs.Topic, Out: s.hints.Add, Logger: s.log.Named("syncs")})
		s.syncs = syncs
		g.Go(func() error { return syncs.Run(ctx) })
	}
	return s.checkpoints != nil && (s.syncs != nil || !s.opt.Predict)
}

func (s *Source) known() { s.once.Do(func() { close(s.looked) }) }

// awaitCheckpoints returns when the checkpoints that were there have been read.
func (s *Source) awaitCheckpoints(ctx context.Context, k *Checkpoints) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !k.CaughtUp() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	s.known()
	return nil
}

// AwaitOther waits until Other can be asked, a while at most: before that, what MirrorMaker 2 wrote would look like a person's
// commit.
func (s *Source) AwaitOther(ctx context.Context) {
	select {
	case <-s.looked:
	case <-time.After(15 * time.Second):
		s.log.Warn("MirrorMaker 2's checkpoints could not be read yet: offsets that it writes to groups look like somebody else's")
	case <-ctx.Done():
	}
}

// Other says whether MirrorMaker 2 translates a group's offsets, too.
func (s *Source) Other(group string) bool {
	s.mu.Lock()
	k := s.checkpoints
	s.mu.Unlock()
	return k != nil && k.Syncs(group)
}

// State is package match's, with what is wrong with MirrorMaker 2's topics.
func (s *Source) State() match.State {
	st := s.Source.State()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []string{s.problem}
	if s.syncs != nil {
		all = append(all, s.syncs.State().Problem)
	}
	for _, problem := range all {
		if problem != "" {
			st.Notes = append(st.Notes, problem)
		}
	}
	return st
}

// load takes the syncs that earlier processes read: MirrorMaker 2's topic may be compacted since.
func (s *Source) load() {
	if !s.opt.Predict {
		return
	}
	s.each(func(topic string, n int32, p *checkpoint.Partition) {
		if kept := p.Cursor(); kept != nil {
			if err := s.hints.Unmarshal(topic, n, kept); err != nil {
				s.log.Warn("syncs kept of a partition", zap.String("topic", topic), zap.Int32("partition", n), zap.Error(err))
			}
		}
	})
	s.hints.Changed()
}

func (s *Source) each(f func(topic string, n int32, p *checkpoint.Partition)) {
	for _, info := range s.opt.Match.Index.Pairs() {
		if pair, ok := s.opt.Match.Index.Lookup(info.Primary.Name); ok && !info.Retired && info.Source == "mm2" {
			for n := range info.Partitions {
				f(info.Primary.Name, n, pair.Partition(n))
			}
		}
	}
}

// keep puts what is new beside the partitions' runs, which the next flush makes durable.
func (s *Source) keep(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(keepEvery):
		}
		for _, at := range s.hints.Changed() {
			if pair, ok := s.opt.Match.Index.Lookup(at.Topic); ok && at.Partition < pair.Info().Partitions {
				pair.Partition(at.Partition).SetCursor(s.hints.Marshal(at.Topic, at.Partition))
			}
		}
	}
}
