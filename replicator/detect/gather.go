package detect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mm2"
)

// maxVariants is how many ways to name topics are looked at closely.
const maxVariants = 4

// look is one Look under way.
type look struct {
	o                  Options
	primary, secondary Cluster
	here, there        map[string]kafka.TopicInfo
	facts              Facts
}

// Look looks at both clusters. The error says why one of them could not be asked at all; what else goes wrong is in the
// Report.
func Look(ctx context.Context, primary, secondary Cluster, o Options) (Report, error) {
	f, err := Gather(ctx, primary, secondary, o)
	if err != nil {
		return Report{}, err
	}
	return Decide(f), nil
}

// Gather asks the clusters.
func Gather(ctx context.Context, primary, secondary Cluster, o Options) (Facts, error) {
	o.setDefaults()
	l := &look{o: o, primary: primary, secondary: secondary}
	o.Progress("listing topics")
	var err error
	if l.here, err = primary.Topics(ctx, nil); err != nil {
		return Facts{}, fmt.Errorf("list the primary's topics: %w", err)
	}
	if l.there, err = secondary.Topics(ctx, nil); err != nil {
		return Facts{}, fmt.Errorf("list the secondary's topics: %w", err)
	}
	l.facts.MM2, l.facts.SyncsNamed = mm2.FindIn(l.here, l.there), o.SyncsTopic != ""
	l.topics()
	if err := l.names(ctx); err != nil {
		return Facts{}, err
	}
	if err := l.compareAll(ctx); err != nil {
		return Facts{}, err
	}
	l.groups(ctx)
	return l.facts, ctx.Err()
}

// topics lists what is asked about.
func (l *look) topics() {
	for name, info := range l.here {
		if !l.o.Select(name) || info.Internal {
			continue
		}
		t := TopicFacts{Name: name, Partitions: len(info.Partitions), Own: mm2.Own(name), Err: info.Err}
		if !t.Own {
			t.CopyOf = copiedBack(name, l.here, l.there)
		}
		l.facts.Topics = append(l.facts.Topics, t)
	}
	slices.SortFunc(l.facts.Topics, func(a, b TopicFacts) int { return strings.Compare(a.Name, b.Name) })
}

// data: a topic that a mirror would copy.
func (t *TopicFacts) data() bool { return !t.Own && t.CopyOf == "" }

// names finds out what topics are called on the secondary, and whose offset syncs name them: that of several ways to name
// them for which the syncs' records are the same on both sides, else the likeliest one.
func (l *look) names(ctx context.Context) error {
	ps := prefixes(l.here, l.there, l.facts.MM2)
	if l.o.Name != nil {
		err := l.settle(ctx, []func(string) string{l.o.Name}, nil)
		l.elsewhere(ps)
		return err
	}
	if len(ps) == 0 {
		ps = []string{""}
	}
	var ways []func(string) string
	for _, p := range ps[:min(len(ps), maxVariants)] {
		ways = append(ways, func(topic string) string { return p + topic })
	}
	return l.settle(ctx, ways, ps)
}

// settle picks one of several ways to name topics; prefixes is what they are, nil where there is one way only.
func (l *look) settle(ctx context.Context, ways []func(string) string, prefixes []string) error {
	var best *mm2.Located
	at := 0
	for i, way := range ways {
		l.o.Progress("reading offset syncs of MirrorMaker 2")
		found, err := mm2.Locate(ctx, mm2.LocateOptions{
			Primary: l.primary, Secondary: l.secondary, SyncsTopic: l.o.SyncsTopic, SyncsOn: l.o.SyncsOn,
			Name: func(topic string) (string, bool) { return way(topic), l.asked(topic) },
		})
		if err != nil {
			return err
		}
		if best == nil || found.Syncs != nil && (best.Syncs == nil || found.Syncs.Same > best.Syncs.Same) {
			best, at = &found, i
		}
	}
	if best == nil {
		return nil
	}
	l.facts.Syncs, l.facts.Checkpoints = best.Syncs, best.Checkpoints
	if len(l.facts.MM2.Syncs) > 0 || l.o.SyncsTopic != "" {
		l.facts.SyncsProblem = best.Problem
	}
	if len(prefixes) > 0 {
		l.facts.Prefix = prefixes[at]
		prefixes = append([]string{prefixes[at]}, slices.Delete(slices.Clone(prefixes), at, at+1)...)
	}
	l.pair(ways[at], prefixes)
	return nil
}

// asked: a topic of the primary that a mirror would copy and that is asked about.
func (l *look) asked(topic string) bool {
	i, ok := slices.BinarySearchFunc(l.facts.Topics, topic, func(t TopicFacts, name string) int { return strings.Compare(t.Name, name) })
	return ok && l.facts.Topics[i].data()
}

// pair finds each topic's copy: where the way to name them that was settled on leads nowhere, one of the other prefixes may.
func (l *look) pair(way func(string) string, prefixes []string) {
	syncs := map[string]int{}
	if s := l.facts.Syncs; s != nil {
		for _, f := range s.Fits {
			syncs[f.Topic]++
		}
	}
	for i := range l.facts.Topics {
		t := &l.facts.Topics[i]
		if !t.data() {
			continue
		}
		names := []string{way(t.Name)}
		for _, p := range prefixes {
			names = append(names, p+t.Name)
		}
		for _, name := range names {
			if info, ok := l.there[name]; ok {
				t.There, t.ThereParts, t.Syncs = name, len(info.Partitions), syncs[t.Name]
				t.Err = errors.Join(t.Err, info.Err)
				break
			}
		}
	}
}

// elsewhere finds topics that look like the copy of one that is not there by the name asked for.
func (l *look) elsewhere(prefixes []string) {
	for i := range l.facts.Topics {
		t := &l.facts.Topics[i]
		for _, p := range prefixes {
			if t.data() && t.There == "" && t.Elsewhere == "" && isTopic(l.there, p+t.Name) {
				t.Elsewhere = p + t.Name
			}
		}
	}
}

func (l *look) compareAll(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(l.o.Workers)
	var done atomic.Int64
	for i := range l.facts.Topics {
		t := &l.facts.Topics[i]
		if t.There == "" || t.Err != nil {
			continue
		}
		g.Go(func() error {
			if ctx.Err() == nil {
				t.Compared, t.Err = l.compare(ctx, t)
				l.o.Progress(fmt.Sprintf("comparing records: %d of %d topics", done.Add(1), len(l.facts.Topics)))
			}
			return nil
		})
	}
	g.Wait()
	return ctx.Err()
}

// groups compares group offsets on the secondary with what MirrorMaker 2's checkpoints say they should be.
func (l *look) groups(ctx context.Context) {
	if l.facts.Checkpoints == "" || l.o.NoGroups {
		return
	}
	l.o.Progress("reading checkpoints of MirrorMaker 2")
	g := &l.facts.Groups
	points, err := mm2.ReadCheckpoints(ctx, l.secondary, l.facts.Checkpoints)
	if err != nil {
		g.Err = err
		return
	}
	asked := map[string][]kafka.TopicPartition{}
	for k := range points {
		asked[k.Group] = append(asked[k.Group], kafka.TopicPartition{Topic: k.Topic, Partition: k.Partition})
	}
	g.Groups = len(asked)
	got, err := l.secondary.FetchOffsets(ctx, asked)
	g.Err = err
	written := map[string]bool{}
	for k, c := range points {
		o, ok := got[k.Group][kafka.TopicPartition{Topic: k.Topic, Partition: k.Partition}]
		if !ok || o.Err != nil || o.Offset < 0 {
			continue
		}
		if g.Offsets++; o.Offset == c.Downstream && o.Metadata == c.Metadata {
			g.Equal++
			written[k.Group] = true
		}
	}
	for name := range written {
		g.Written = append(g.Written, name)
	}
	slices.Sort(g.Written)
}
