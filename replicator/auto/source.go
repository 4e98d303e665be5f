package auto

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/detect"
	"github.com/leftoff/leftoff/replicator/identity"
	"github.com/leftoff/leftoff/replicator/match"
	"github.com/leftoff/leftoff/replicator/mm2"
)

// Options of a Source.
type Options struct {
	// Identity and Compare are those of the sources to choose from. Their names are set here: each answers for its topics.
	Identity identity.Options
	Compare  mm2.SourceOptions
	// Name says what a topic of the primary is called on the secondary, and whether the link replicates it.
	Name func(primary string) (secondary string, ok bool)
	// Notify hears that a partition's mapping is new. It must not block.
	Notify func(replicator.Advance)
	Logger *zap.Logger
}

// Source is the mapping source. It implements replicator.Mapper.
type Source struct {
	name   func(primary string) (secondary string, ok bool)
	notify func(replicator.Advance)
	log    *zap.Logger
	// look asks which mapping fits the topics that are asked about.
	look func(ctx context.Context, asked func(topic string) bool) (detect.Report, error)

	identity  keeping
	comparing comparing

	wake chan struct{}

	mu      sync.RWMutex
	topics  map[string]choice // by the primary's name
	asked   map[string]bool   // topics that somebody committed and no look has seen yet
	failing error             // why the clusters could not be looked at
}

// keeping is the source for mirrors that keep offsets: package identity's.
type keeping interface {
	replicator.Mapper
	Run(ctx context.Context) error
	State() identity.State
}

// comparing is the source that compares records: package mm2's.
type comparing interface {
	replicator.Mapper
	Run(ctx context.Context) error
	State() match.State
	Other(group string) bool
	AwaitOther(ctx context.Context)
}

var (
	_ replicator.Mapper = (*Source)(nil)
	_ keeping           = (*identity.Source)(nil)
	_ comparing         = (*mm2.Source)(nil)
)

// choice is what was decided for a topic.
type choice struct {
	mapping  string            // "" where there is none
	reason   replicator.Reason // why not
	why      string
	at       time.Time
	recalled bool // from the index: not looked at by this process
}

// New returns a source that knows what the index does.
func New(o Options) *Source {
	s := &Source{name: o.Name, notify: o.Notify, log: o.Logger, topics: map[string]choice{}, asked: map[string]bool{}, wake: make(chan struct{}, 1)}
	primary, secondary := o.Compare.Primary, o.Compare.Secondary
	s.look = func(ctx context.Context, asked func(string) bool) (detect.Report, error) {
		return detect.Look(ctx, primary, secondary, detect.Options{
			Select: asked, Name: func(topic string) string { to, _ := o.Name(topic); return to },
			SyncsTopic: o.Compare.SyncsTopic, SyncsOn: o.Compare.SyncsOn, NoGroups: true,
		})
	}
	for _, pair := range o.Compare.Match.Index.Pairs() {
		if pair.Source == configs.MappingMM2 && !pair.Retired {
			s.topics[pair.Primary.Name] = choice{mapping: configs.MappingMM2, why: "its records were compared before", recalled: true}
		}
	}
	o.Identity.Name = func(topic string) (string, bool) { return s.named(topic, configs.MappingIdentity) }
	o.Compare.Match.Name = func(topic string) (string, bool) { return s.named(topic, configs.MappingMM2, configs.MappingMatch) }
	o.Compare.Predict, o.Compare.Name = true, o.Name
	s.identity, s.comparing = identity.New(o.Identity), mm2.NewSource(o.Compare)
	return s
}

// named is Name for the topics of some mappings.
func (s *Source) named(topic string, mappings ...string) (string, bool) {
	to, ok := s.name(topic)
	if !ok {
		return "", false
	}
	chosen, _ := s.chosen(topic)
	for _, m := range mappings {
		if chosen.mapping == m {
			return to, true
		}
	}
	return "", false
}

func (s *Source) chosen(topic string) (choice, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.topics[topic]
	return c, ok
}

// Run chooses, and runs what is chosen from, until ctx ends.
func (s *Source) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.identity.Run(ctx) })
	g.Go(func() error { return s.comparing.Run(ctx) })
	g.Go(func() error { return s.choose(ctx) })
	return g.Wait()
}

// Other says whether MirrorMaker 2 writes a group's offsets, too.
func (s *Source) Other(group string) bool { return s.comparing.Other(group) }

// AwaitOther waits until Other can be asked, a while at most.
func (s *Source) AwaitOther(ctx context.Context) { s.comparing.AwaitOther(ctx) }
