package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/translate"
)

// ground is a running link as the failover machine sees it. It implements failover.Ground.
type ground struct {
	l *link
	r *running
}

var _ failover.Ground = ground{}

// chosen says whether a scope has a name; an empty one has all.
func chosen(names []string, name string) bool { return len(names) == 0 || slices.Contains(names, name) }

func (g ground) Look(ctx context.Context, in failover.Scope) (failover.View, error) {
	s, err := g.l.snapshot(ctx, true)
	if err != nil {
		return failover.View{}, err
	}
	v := failover.View{Problems: s.Problems, Unkept: g.r.memory.problems()}
	for side := range s.Sides {
		v.Ready[side], v.Error[side] = s.Sides[side].CaughtUp, s.Sides[side].Error
	}
	topics := map[string]bool{}
	for i := range s.Groups {
		group, reads := viewOf(&s.Groups[i], in.Topics)
		if !chosen(in.Groups, group.Group) || group.Offsets == 0 {
			continue
		}
		v.Groups = append(v.Groups, group)
		for _, topic := range reads {
			topics[topic] = true
		}
	}
	if !v.Ready[replicator.Primary] {
		if err := g.kept(ctx, in, topics, &v); err != nil {
			return v, err
		}
		if err := g.listed(ctx, in, topics, &v); err != nil {
			return v, err
		}
	}
	if len(in.Groups) == 0 {
		for _, topic := range g.mirrored(in.Topics) {
			topics[topic] = true
		}
	}
	v.Topics = slices.Sorted(maps.Keys(topics))
	if v.Error[replicator.Secondary] == "" {
		v.Absent = g.absent(ctx, v.Topics)
	}
	return v, nil
}

func (g ground) mirrored(in []string) []string {
	var all []string
	for topic := range g.r.source.Mirrored() {
		if chosen(in, topic) {
			all = append(all, topic)
		}
	}
	for _, pair := range g.l.index.Pairs() { // also with the primary away from the start
		if !pair.Retired && chosen(in, pair.Primary.Name) && !slices.Contains(all, pair.Primary.Name) {
			all = append(all, pair.Primary.Name)
		}
	}
	slices.Sort(all)
	return all
}

// viewOf is a group as far as it reads the topics of a scope, and which of them it reads.
func viewOf(s *replicator.GroupSnapshot, in []string) (v failover.GroupView, reads []string) {
	v = failover.GroupView{Group: s.Group, Live: s.Live, Started: s.Started, Verdict: s.Verdict, Held: map[string]int{}}
	least, judged, held := translate.Exact, 0, 0
	for i := range s.Entries {
		e := &s.Entries[i]
		switch {
		case e.Reason == replicator.Filtered:
			continue
		case !chosen(in, e.Commit.Topic):
			if !slices.Contains(v.Elsewhere, e.Commit.Topic) {
				v.Elsewhere = append(v.Elsewhere, e.Commit.Topic)
			}
			continue
		}
		v.Offsets++
		reads = append(reads, e.Commit.Topic)
		if at := time.UnixMilli(e.Commit.CommittedAt); at.After(v.LastCommit) {
			v.LastCommit = at
		}
		if !e.HasWritten {
			v.Missing++
		}
		switch {
		case e.Reason == replicator.HandedOver:
			v.Held[e.Reason.String()]++ // nothing can be said of it any more
			continue
		case e.Reason == replicator.Unreachable && e.Position.Confidence != translate.Unmapped:
			v.Due++ // the position is known, and its coordinator did not answer
		case e.Reason != replicator.NoReason:
			v.Held[e.Reason.String()]++
			held++
			continue
		case e.Write:
			v.Due++
		}
		judged++
		if e.Pending {
			v.Pending++
		}
		least = min(least, e.Position.Confidence)
		switch reread := e.Position.Reread; {
		case e.Position.Confidence == translate.Exact:
		case reread < 0 || v.Reread < 0:
			v.Reread = -1
		default:
			v.Reread += reread
		}
	}
	switch v.Confidence = least.String(); {
	case held > 0:
		v.Confidence, v.Reread = failover.LastWritten, unknown
	case judged == 0:
		v.Confidence = failover.NotOurs
	}
	return v, reads
}

const askAtOnce = 16

func (g ground) Members(ctx context.Context, groups []string) (map[string][]string, error) {
	var mu sync.Mutex
	all := map[string][]string{}
	e, ctx := errgroup.WithContext(ctx)
	e.SetLimit(askAtOnce)
	for _, group := range groups {
		e.Go(func() error {
			d, err := g.l.clusters[replicator.Primary].DescribeGroup(ctx, group)
			if err != nil {
				return fmt.Errorf("group %s on the primary: %w", group, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range d.Members {
				all[group] = append(all[group], m.ClientID+" on "+m.ClientHost)
			}
			return nil
		})
	}
	return all, e.Wait()
}

// alarms: a mirror that is not leftoff's still writes a topic that changed hands.
func (l *link) alarms(r *running) (all []string) {
	r.memory.mu.Lock()
	roles, coming := maps.Clone(r.memory.roles), r.memory.state.ComingHome()
	r.memory.mu.Unlock()
	if coming {
		return nil // the primary has the secondary's records by now
	}
	for _, topic := range slices.Sorted(maps.Keys(roles)) {
		pair, ok := l.index.Lookup(topic)
		if !ok || roles[topic].Name != failover.Switched {
			continue
		}
		for _, m := range roles[topic].Marks {
			if m.Partition >= pair.Info().Partitions {
				continue
			}
			// A copy at or above S* is the proof: below it, a mapping may still learn what was copied before.
			last, _ := pair.Partition(m.Partition).Last()
			if f, ok := pair.Partition(m.Partition).Frontier(); ok && f.Primary > m.Primary && last.SecondaryEnd() > m.Secondary {
				all = append(all, fmt.Sprintf("%s/%d was switched to the secondary at %d, and a mirror still copies records of the primary there. Try: stop that mirror", topic, m.Partition, m.Secondary))
				break
			}
		}
	}
	return all
}
