package daemon

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/drill"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/tail"
	"github.com/leftoff/leftoff/translate"
)

// ErrRefused wraps what ends the daemon because going on could do harm: wrong credentials at the start, another cluster
// than last time, an index of another link.
var ErrRefused = errors.New("refused")

// Link says what one link is made of.
type Link struct {
	Name               string
	Primary, Secondary kafka.Config
	Mapping            string // identity | mirror
	// Rename selects the topics and gives the secondary's name.
	Rename func(primary string) (secondary string, ok bool)
	// Invert gives the primary's name of a topic on the secondary, where it can be a copy; nil: the names are the same.
	Invert       func(secondary string) (primary string, ok bool)
	SelectGroup  func(group string) bool
	Policy       replicator.Policy
	IndexPath    string
	NoStamp      bool          // never stamp: a secondary that would refuse it, and tests
	RefreshAfter time.Duration // 0: the core's default
	ReadOnly     bool          // gate closed, index opened read-only, nothing mirrored: `leftoff plan` without a daemon

	Drill Drill

	config configs.Link // where it came from

	aside, skip func(id [16]byte, partition int32) []translate.Span // of a way home, see mirror.Options
}

// link runs one Link.
type link struct {
	Link
	log       *zap.Logger
	clusters  [2]*kafka.Cluster
	index     *checkpoint.Index
	keeper    *keeper
	committer *kafka.Committer

	mu       sync.Mutex
	errs     [2]error  // why a side can't be reached, by side
	ids      [2]string // cluster ids: from the index, then from the clusters themselves
	verified [2]chan struct{}
	running  *running // set once the cluster ids are known
	newLog   bool     // the secondary's offsets topic was recreated

	scratches []*scratch // instead of the index, where that is read only
	home      ways

	version  string
	schedule *drill.Schedule // nil: no drills

	check func() error // of all links together, when a cluster id became known
	// configured are the names of all links of this process; nil: a way home, which nobody named.
	configured map[string]bool
}

// running is what exists from the moment both cluster ids are known.
type running struct {
	loop    *replicator.Loop
	settled chan struct{} // closed when the work of the start is over
	source  source
	tails   [2]*tail.Tail
	memory  *memory
	ends    ends
	strays  strays
	outputs *outputs // nil where no commit waits for any
	checks  *checks
}

// source is a mapping source.
type source interface {
	replicator.Mapper
	Run(ctx context.Context) error
}

// others is a source that knows which groups another replicator writes to.
type others interface {
	Other(group string) bool
	AwaitOther(ctx context.Context)
}

func newLink(o Link, log *zap.Logger) *link {
	l := &link{Link: o, log: log.Named(o.Name)}
	for side, cfg := range []kafka.Config{o.Primary, o.Secondary} {
		l.clusters[side] = kafka.Open(cfg, l.log.Named("kafka"))
		l.verified[side] = make(chan struct{})
	}
	return l
}

// open opens the index, before anything else runs: an index of another link, a newer schema or a lock ends it here.
func (l *link) open() error {
	index, err := checkpoint.Open(l.IndexPath, checkpoint.Options{Link: checkpoint.Link{Name: l.Name}, ReadOnly: l.ReadOnly, Logger: l.log.Named("index")})
	if err != nil {
		return fmt.Errorf("%w: link %s: %w", ErrRefused, l.Name, err)
	}
	schedule, err := l.rehearsals(l.version)
	if err != nil {
		return errors.Join(fmt.Errorf("%w: link %s: %w", ErrRefused, l.Name, err), index.Close())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.schedule = schedule
	l.index, l.keeper = index, newKeeper(index, l.log)
	l.ids = [2]string{index.Link().PrimaryClusterID, index.Link().SecondaryClusterID}
	return nil
}

// keepRunning runs the link until ctx ends or it is refused (ErrRefused). Where a cluster's `__consumer_offsets` was
// deleted and created again, the places of all records start over: the ledger is forgotten and read anew.
func (l *link) keepRunning(ctx context.Context) error {
	for {
		err := l.run(ctx)
		if !errors.Is(err, tail.ErrRecreated) {
			return err
		}
		l.log.Warn("an offsets topic was recreated: reading both sides from the start", zap.Error(err))
		if err := l.forget(); err != nil {
			return fmt.Errorf("link %s: %w", l.Name, err)
		}
	}
}

// forget prepares for a start with an empty table. Where the secondary's log is another one, what a person reclaimed stays
// reclaimed only until that log says otherwise: its place in the old one means nothing.
func (l *link) forget() error {
	l.mu.Lock()
	l.running = nil
	for side := range l.verified {
		l.verified[side] = make(chan struct{})
	}
	newLog := l.newLog
	l.newLog = false
	l.mu.Unlock()
	if !newLog {
		return nil
	}
	for group, v := range l.index.Verdicts() {
		if v.Kind != checkpoint.Reclaimed {
			continue
		}
		v.LogEpoch, v.LogOffset = 0, -1 // before its first record
		if err := l.index.SetVerdict(group, v); err != nil {
			return err
		}
	}
	return nil
}

// run keeps the link going until ctx ends. Its errors wrap ErrRefused, or tail.ErrRecreated.
func (l *link) run(ctx context.Context) error {
	defer func() {
		if l.committer != nil {
			l.committer.Close()
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	for side := range l.clusters {
		group.Go(func() error { return l.identify(ctx, replicator.Side(side)) })
	}
	group.Go(func() error { return l.start(ctx, group) })
	if l.schedule != nil {
		group.Go(func() error { l.schedule.Loop(ctx); return nil })
	}
	if l.schedule == nil && !l.ReadOnly {
		group.Go(func() error { return l.onceVerified(ctx, l.sweepDrills, replicator.Secondary) })
	}
	return group.Wait()
}

func (l *link) close() {
	l.endHome()
	for _, c := range l.clusters {
		c.Close()
	}
	for _, x := range l.scratches {
		if err := x.drop(); err != nil {
			l.log.Warn("drop the copy of the index", zap.Error(err))
		}
	}
	if l.index == nil {
		return
	}
	if err := l.index.Close(); err != nil {
		l.log.Error("close the index", zap.Error(err))
	}
}

// start builds the line as soon as both cluster ids are known: from the clusters, or, where one is down, from the index.
func (l *link) start(ctx context.Context, group *errgroup.Group) error {
	ids, err := l.bothIDs(ctx)
	if err != nil {
		return nil // ctx ended before the clusters were known
	}
	r, err := l.build(ids[replicator.Primary], ids[replicator.Secondary])
	if err != nil {
		return fmt.Errorf("%w: link %s: %w", ErrRefused, l.Name, err)
	}
	l.mu.Lock()
	l.running = r
	l.mu.Unlock()

	group.Go(func() error { return r.loop.Run(ctx) })
	group.Go(func() error { return tidyWhen(ctx, r.settled) })
	group.Go(func() error { return r.checks.run(ctx) })
	if !l.ReadOnly {
		group.Go(func() error { return l.keeper.run(ctx) })
	}
	for side := range r.tails {
		group.Go(func() error { return l.follow(ctx, r.tails[side], replicator.Side(side)) })
	}
	group.Go(func() error {
		return l.onceVerified(ctx, func(ctx context.Context) error { return l.remember(ctx, r) }, replicator.Secondary)
	})
	group.Go(func() error {
		return l.onceVerified(ctx, func(ctx context.Context) error {
			r.memory.await(ctx)
			return r.source.Run(ctx)
		}, replicator.Primary, replicator.Secondary)
	})
	if !l.ReadOnly {
		group.Go(func() error {
			return l.onceVerified(ctx, func(ctx context.Context) error { return l.sampleEnds(ctx, r) }, replicator.Primary)
		})
	}
	if r.outputs != nil {
		group.Go(func() error {
			return l.onceVerified(ctx, func(ctx context.Context) error { return r.outputs.run(ctx, r.loop) }, replicator.Primary)
		})
	}
	return nil
}

// follow runs a tail, and remembers whose log was recreated.
func (l *link) follow(ctx context.Context, t *tail.Tail, side replicator.Side) error {
	err := l.onceVerified(ctx, func(ctx context.Context) error {
		r := l.started()
		if side == replicator.Primary {
			r.outputs.await(ctx)
		}
		if side == replicator.Secondary {
			r.memory.await(ctx)
			if o, ok := r.source.(others); ok {
				o.AwaitOther(ctx)
			}
		}
		return t.Run(ctx)
	}, side)
	if side == replicator.Secondary && errors.Is(err, tail.ErrRecreated) {
		l.mu.Lock()
		l.newLog = true
		l.mu.Unlock()
	}
	return err
}

// onceVerified runs f when the named sides turned out to be the clusters they should be. The end of ctx is no error.
func (l *link) onceVerified(ctx context.Context, f func(context.Context) error, sides ...replicator.Side) error {
	for _, side := range sides {
		select {
		case <-l.verified[side]:
		case <-ctx.Done():
			return nil
		}
	}
	if err := f(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("link %s: %w", l.Name, err)
	}
	return nil
}

// bothIDs waits for both cluster ids; the index's word is enough while a cluster is down.
func (l *link) bothIDs(ctx context.Context) ([2]string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	askAgain := time.Now().Add(primaryAway)
	for {
		ids := l.known()
		if ids[replicator.Primary] != "" && ids[replicator.Secondary] != "" {
			return ids, nil
		}
		if ids[replicator.Secondary] != "" && time.Now().After(askAgain) {
			l.primaryByLog(ctx, ids[replicator.Secondary])
			askAgain = time.Now().Add(primaryAway)
		}
		select {
		case <-ctx.Done():
			return [2]string{}, ctx.Err()
		case <-tick.C:
		}
	}
}

// primaryAway is how long the primary may keep silent before its id is looked for on the secondary.
const primaryAway = 3 * time.Second

func (l *link) known() [2]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids
}

func (l *link) build(primaryID, secondaryID string) (*running, error) {
	r := &running{settled: make(chan struct{}), checks: newChecks(), memory: newMemory(l.clusters[replicator.Secondary], failover.LinkID(l.Name, primaryID, secondaryID), l.log.Named("memory"))}
	intents, err := l.intents()
	if err != nil {
		return nil, err
	}
	l.committer = l.clusters[replicator.Secondary].NewCommitter(kafka.CommitterOptions{})
	notify := func(a replicator.Advance) { r.loop.Notify(a) }
	if r.source, err = l.source(r.memory, notify); err != nil {
		return nil, err
	}
	var other func(string) bool
	if o, ok := r.source.(others); ok {
		other = o.Other
	}
	mapper := ruled{l.home.over(r.source), r.memory, l.Rename}
	r.loop = replicator.NewLoop(replicator.Options{
		Link: l.Name, PrimaryID: primaryID, OtherID: secondaryID, Mapper: mapper, Outputs: l.after(r, mapper),
		Sender: &sender{committer: l.committer, intents: l.index, remover: l.clusters[replicator.Secondary]},
		Policy: l.Policy, SelectGroup: l.SelectGroup, PrimaryTopic: l.Invert, SelectTopic: func(t string) bool { _, ok := l.Rename(t); return ok },
		Other: other, Verdicts: fromIndex(l.index), Intents: intents, Writer: uint16(rand.IntN(1 << 16)),
		Remember: func(group string, v replicator.Verdict) {
			l.keeper.remember(group, v)
			r.memory.verdict(group, v)
		},
		NoStamp: l.NoStamp, RefreshAfter: l.RefreshAfter, Closed: l.ReadOnly, Logger: l.log, Settled: func() { close(r.settled) },
	})
	for side := range r.tails {
		o := tail.Options{
			Cluster: l.clusters[side], Side: replicator.Side(side), Out: r.loop.Put, Logger: l.log.Named("tail").Named(replicator.Side(side).String()),
		}
		if replicator.Side(side) == replicator.Secondary {
			o.Fetch.Gather = gatherSecondary
		}
		r.tails[side] = tail.New(o)
	}
	return r, nil
}

// gatherSecondary is how much later leftoff may see what is written on the secondary while much is: what it writes itself comes back that
// way, and would cost the coordinators as much as the writing.
const gatherSecondary = 5 * time.Millisecond

func (l *link) intents() (map[replicator.Key]int64, error) {
	all := map[replicator.Key]int64{}
	err := l.index.Intents(func(i checkpoint.Intent) bool {
		all[replicator.Key{Group: i.Group, Topic: i.Topic, Partition: i.Partition}] = i.Offset
		return true
	})
	return all, err
}
