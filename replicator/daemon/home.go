package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
	"github.com/leftoff/leftoff/translate"
)

// way is the link the other way, which brings records and groups home. It runs while a way home is under way in this process.
type way struct {
	*link
	id   string // of the way home
	stop context.CancelFunc
	done chan struct{}
	err  error // why it ended, once done is closed
}

// ways keeps the one of a link.
type ways struct {
	mu   sync.Mutex
	one  *way
	seen *images // what was looked at of the divergence

	extents *extents // how far partitions were mirrored, where no index told

	there *failover.KafkaLog // on the primary, where ways home are kept; nil: not read yet

	below   *below  // of a link that is a way home itself, over what somebody else's mirror copied
	replays replays // of one, too: what was replayed to where it comes from
}

// homeLink is a link the other way: leftoff's mirror from the secondary to the primary, of the topics that were switched, with its
// own index. What it writes to groups carries no stamp: the original link is to take it for the groups' own commits.
func (l *link) homeLink(id string, switched map[string]failover.Role) Link {
	invert := l.Invert
	if invert == nil {
		invert = func(topic string) (string, bool) { return topic, true }
	}
	policy := l.Policy
	policy.FirstContact = "overwrite"
	return Link{
		Name: l.Name + "-home-" + id, Primary: l.Secondary, Secondary: l.Primary, Mapping: "mirror", NoStamp: true, Policy: policy,
		Rename: func(there string) (string, bool) {
			topic, ok := invert(there)
			if to, selected := l.Rename(topic); !ok || !selected || to != there {
				return "", false
			}
			_, ok = switched[topic]
			return topic, ok
		},
		Invert:      func(topic string) (string, bool) { return l.Rename(topic) },
		SelectGroup: l.SelectGroup, IndexPath: strings.TrimSuffix(l.IndexPath, ".db") + "-home-" + id + ".db", config: l.config,
	}
}

// way returns the running way home, and starts it where it does not run.
func (g ground) way(ctx context.Context, s failover.State, switched map[string]failover.Role) (*way, error) {
	g.l.home.mu.Lock()
	defer g.l.home.mu.Unlock()
	if w := g.l.home.one; w != nil {
		select {
		case <-w.done:
			g.l.home.one = nil
			return nil, fmt.Errorf("the way home ended: %w", w.err)
		default:
		}
		if w.id == s.ID {
			return w, nil
		}
		w.end()
	}
	k, err := g.r.memory.store.Load(ctx)
	if err == nil {
		err = unended(k.Replays(s.ID))
	}
	if err != nil {
		return nil, err
	}
	replayed := g.replaysOf(k, switched)
	made := newLink(g.l.homeLink(s.ID, switched), g.l.log)
	made.aside, made.skip, made.home.replays = g.r.memory.left, replayed.skipping(), replayed
	made.check = func() error { return nil } // it is meant to copy what the other link copied
	if g.foreignMirror() {
		if made.home.below, err = g.below(ctx, made, switched); err != nil {
			return nil, fmt.Errorf("the way home of groups that lag: %w", err)
		}
	}
	if err := g.seed(ctx, made, s, switched); err != nil {
		return nil, errors.Join(fmt.Errorf("index of the way home: %w", err), made.home.below.close())
	}
	if err := made.open(); err != nil {
		return nil, errors.Join(err, made.home.below.close())
	}
	runs, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &way{link: made, id: s.ID, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		both, ctx := errgroup.WithContext(runs)
		both.Go(func() error { return made.keepRunning(ctx) })
		both.Go(func() error { return ended(ctx, made.home.below.run(ctx)) })
		if w.err = both.Wait(); made.home.below.close() != nil {
			made.log.Warn("what was compared for the way home can't be kept")
		}
		made.close()
	}()
	g.l.home.one = w
	return w, nil
}

// ended is an error that is not the end of ctx.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// end stops it and waits.
func (w *way) end() {
	w.stop()
	<-w.done
}

// endHome stops a way home that runs, at the end of the link.
func (l *link) endHome() {
	l.home.mu.Lock()
	defer l.home.mu.Unlock()
	l.home.extents.end()
	l.home.extents = nil
	if l.home.one != nil {
		l.home.one.end()
		l.home.one = nil
	}
}

// seed makes the index of the way home from the link's own, turned round: every record that was mirrored is home already. Up to the
// marks of the switch nothing is copied; what the primary has past them was chosen to stay.
func (g ground) seed(ctx context.Context, made *link, s failover.State, switched map[string]failover.Role) error {
	if _, err := os.Stat(made.IndexPath); err == nil {
		return nil // of an earlier process
	}
	// Half an index would be taken for a whole one: it gets its name when it is complete.
	path := made.IndexPath + ".new"
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	x, err := checkpoint.Open(path, checkpoint.Options{Link: checkpoint.Link{Name: made.Name}, Logger: made.log.Named("index")})
	if err != nil {
		return err
	}
	if err := errors.Join(g.turn(ctx, x, s, switched), x.Flush(), x.Close()); err != nil {
		return err
	}
	return os.Rename(path, made.IndexPath)
}

func (g ground) turn(ctx context.Context, x *checkpoint.Index, s failover.State, switched map[string]failover.Role) error {
	ends := map[kafka.TopicPartition]int64{}
	for _, d := range slices.Concat(s.Home.Copied, s.Home.Diverged) {
		tp := kafka.TopicPartition{Topic: d.Topic, Partition: d.Partition}
		ends[tp] = max(ends[tp], d.To)
	}
	for topic, role := range switched {
		pair, ok := g.l.index.Lookup(topic)
		switch {
		case !ok && g.foreignMirror():
			return fmt.Errorf("%s: its records were not compared yet. Try: again in a moment", topic)
		case !ok:
			continue // an index that was lost: both sides are compared
		}
		info := pair.Info()
		turned, _, err := x.Pair(checkpoint.Topics{Primary: info.Secondary, Secondary: info.Primary, Partitions: info.Partitions, Source: configs.MappingMirror})
		if err != nil {
			return err
		}
		for _, m := range role.Marks {
			from, known := g.mirroredTo(topic, m)
			if m.Partition >= info.Partitions || !known || !g.foreignMirror() && unwritten(pair.Partition(m.Partition), m) {
				continue // both sides are compared
			}
			to := turned.Partition(m.Partition)
			var failed error
			if !g.foreignMirror() { // what somebody else's mirror copied is compared apart (home_below.go)
				pair.Partition(m.Partition).Runs(func(r translate.Run) bool {
					failed = to.Append(translate.Run{Primary: r.Secondary, Secondary: r.Primary, Length: r.Length, Closed: r.Closed})
					return failed == nil
				})
			}
			end := max(from, ends[kafka.TopicPartition{Topic: topic, Partition: m.Partition}])
			if failed = errors.Join(failed, to.Advance(translate.Frontier{Primary: max(0, m.Secondary), Secondary: end})); failed != nil {
				return fmt.Errorf("%s/%d: %w", topic, m.Partition, failed)
			}
		}
	}
	return nil
}

var _ failover.HomeGround = ground{}

func (g ground) Return(ctx context.Context, s failover.State, o failover.Order) (waits []string, person bool, marks map[string][]failover.Mark, done bool, err error) {
	k, err := g.r.memory.store.Load(ctx)
	if err != nil {
		return nil, false, nil, false, err
	}
	switched := failover.SwitchedOnly(k.Roles)
	if err := g.canReturn(switched); err != nil {
		return nil, false, nil, false, err
	}
	w, err := g.way(ctx, s, switched)
	if err != nil {
		return nil, false, nil, false, err
	}
	r := w.started()
	if r == nil {
		return w.unreached(), false, nil, false, nil
	}
	back := ground{w.link, r}
	if waits, person, err = back.claim(ctx, s.ID); err != nil || len(waits) > 0 {
		return append(waits, w.troubles(r)...), person, nil, false, err
	}
	if waits, err = g.idlers(ctx); err != nil || len(waits) > 0 {
		return append(waits, w.troubles(r)...), false, nil, false, err
	}
	m := failover.New(r.memory.store, back)
	order := failover.Order{Who: o.Who, Why: "failback " + s.ID, Version: s.Version, Accept: o.Accept, TopicsOnly: true}
	p, err := m.Begin(ctx, order)
	if err == nil && !p.State.Over() {
		p, err = m.Advance(ctx, order)
	}
	if err != nil {
		return nil, false, nil, false, turnedErr(err)
	}
	if !p.State.Over() {
		return w.standing(p, r), p.Needs, nil, false, nil
	}
	return nil, false, homeMarks(g.l, p.State.Topics), true, nil
}

// homeMarks turns what the way home reports round: by the primary's names, and with the primary's end first.
func homeMarks(l *link, topics []failover.TopicReport) map[string][]failover.Mark {
	all := map[string][]failover.Mark{}
	for _, t := range topics {
		for _, m := range t.Marks {
			all[t.There] = append(all[t.There], failover.Mark{Partition: m.Partition, Primary: m.Secondary, Secondary: m.Primary})
		}
	}
	return all
}

// claim takes the groups on the primary for the way home: what they committed there is from before. One that runs there already has
// to be stopped by a person.
func (g ground) claim(ctx context.Context, id string) (waits []string, person bool, err error) {
	waits, person, theirs, err := g.claims(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, group := range theirs {
		if _, err := g.r.loop.Reclaim(ctx, group, "failback "+id); err != nil {
			return nil, false, err
		}
	}
	return waits, person, nil
}

// claims says who runs on the primary, and which groups are held there because of what they did before.
func (g ground) claims(ctx context.Context) (waits []string, person bool, theirs []string, err error) {
	s, err := g.l.snapshot(ctx, true)
	if err != nil {
		return nil, false, nil, err
	}
	if !s.Sides[replicator.Primary].CaughtUp || !s.Sides[replicator.Secondary].CaughtUp {
		return []string{"the offsets of both sides are being read for the way home"}, false, nil, nil
	}
	for i := range s.Groups {
		group := &s.Groups[i]
		switch {
		case group.Live:
			waits = append(waits, group.Group+" runs on the primary already. Try: stop it there; it is started when the failback is done")
		case group.Verdict == replicator.VerdictTakenOver.String() || heldByOthers(group):
			theirs = append(theirs, group.Group)
		}
	}
	return waits, len(waits) > 0, theirs, nil
}

func heldByOthers(s *replicator.GroupSnapshot) bool {
	return slices.ContainsFunc(s.Entries, func(e replicator.Entry) bool {
		return e.Reason == replicator.ForeignValue || e.Reason == replicator.AheadOnSecondary
	})
}

// Settle: what came home is known to the link's own index before its mirror goes on, as copies that are there already. A source that
// compares records recognises them by itself, whoever copied them.
func (g ground) Settle(ctx context.Context, s failover.State, switched map[string]failover.Role) error {
	if source, ok := g.r.source.(*mirror.Source); ok {
		w, err := g.way(ctx, s, switched)
		if err != nil {
			return err
		}
		for topic := range switched {
			if err := g.learn(topic, w, s.Home.Marks[topic]); err != nil {
				return fmt.Errorf("%s: %w", topic, err)
			}
		}
		if err := g.l.keeper.flush(); err != nil {
			return err
		}
		source.Unfence(slices.Collect(maps.Keys(switched)))
	}
	if g.foreignMirror() {
		g.passOver(s, switched)
	}
	return g.resume(ctx, s, switched)
}

// resume lets the groups follow the primary again, and ends the way home.
func (g ground) resume(ctx context.Context, s failover.State, switched map[string]failover.Role) error {
	why := "failover " + s.ID + " came home"
	for group, v := range g.l.index.Verdicts() {
		if v.Kind != checkpoint.HandedOver {
			continue
		}
		if _, err := g.r.loop.Reclaim(ctx, group, why); err != nil && !errors.Is(err, replicator.ErrUnknownGroup) && !errors.Is(err, replicator.ErrFilteredGroup) {
			return err
		}
	}
	g.l.endHome()
	g.l.log.Info("home again", zap.Int("topics", len(switched)))
	return g.l.keeper.flush()
}

// learn appends what came home to a topic's runs: the primary's copy, and the secondary's original.
func (g ground) learn(topic string, w *way, marks []failover.Mark) error {
	pair, ok := g.l.index.Lookup(topic)
	if !ok {
		return nil // compared anew by the mirror
	}
	there, _ := g.l.Rename(topic)
	from, came := w.index.Lookup(there)
	if !came || !knowsAll(from, marks) {
		return g.anew(topic, pair, "the way home has lost its index")
	}
	pair, err := g.nowOf(pair, from)
	if err != nil {
		return err
	}
	err = learnFrom(pair, from, marks, w.home.replays)
	if errors.Is(err, translate.ErrOrder) || errors.Is(err, translate.ErrOverlap) {
		return g.anew(topic, pair, err.Error()) // somebody's records below the switch came home, too
	}
	return err
}

func learnFrom(pair, from *checkpoint.Pair, marks []failover.Mark, replayed replays) error {
	for _, m := range marks {
		if m.Partition >= pair.Info().Partitions {
			continue
		}
		p := pair.Partition(m.Partition)
		end, _ := p.End()
		last, _ := p.Last()
		between := replayed[kafka.TopicPartition{Topic: from.Info().Primary.Name, Partition: m.Partition}].learned(last.SecondaryEnd())
		var failed error
		replayedBelow := func(secondary int64) {
			for failed == nil && len(between) > 0 && between[0].Secondary < secondary {
				failed, between = p.Append(between[0]), between[1:]
			}
		}
		from.Partition(m.Partition).Runs(func(r translate.Run) bool {
			if cut := end - r.Secondary; cut > 0 {
				r.Primary, r.Secondary, r.Length = r.Primary+cut, r.Secondary+cut, r.Length-cut
			}
			if r.Length > 0 {
				if replayedBelow(r.Primary); failed == nil {
					failed = p.Append(translate.Run{Primary: r.Secondary, Secondary: r.Primary, Length: r.Length, Closed: r.Closed})
				}
			}
			return failed == nil
		})
		replayedBelow(m.Secondary)
		f, _ := p.Frontier() // higher where this was learnt before, and the mirror has gone on since
		if failed = errors.Join(failed, p.Advance(translate.Frontier{Primary: max(f.Primary, m.Primary), Secondary: max(f.Secondary, m.Secondary)})); failed != nil {
			return fmt.Errorf("partition %d: %w", m.Partition, failed)
		}
		p.AcceptForeign(m.Secondary)
	}
	return nil
}
