package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
)

// extents are how far partitions had been mirrored at a switch that could not know it: the index was lost, and the primary was away. The records
// of both sides tell. It takes as long as reading them does, and goes on whoever watches.
type extents struct {
	id    string // of the way home
	stop  context.CancelFunc
	done  chan struct{}
	n     int
	found atomic.Int64

	// Set once done is closed.
	of  map[kafka.TopicPartition]mirror.Extent
	err error
}

// extentsAtOnce bounds memory: a partition may take a few hundred MB at worst.
const extentsAtOnce = 2

// extents looks for P* of the partitions of which nobody knows it. It begins where no look is under way, and waits say how far it is. One
// that failed is begun again by who asks next.
func (g ground) extents(ctx context.Context, id string, marks map[kafka.TopicPartition]failover.Mark) (map[kafka.TopicPartition]mirror.Extent, []string, error) {
	var unknown []kafka.TopicPartition
	for tp, m := range marks {
		if _, known := g.mirroredTo(tp.Topic, m); !known {
			unknown = append(unknown, tp)
		}
	}
	if len(unknown) == 0 || g.foreignMirror() {
		return nil, nil, nil
	}
	g.l.home.mu.Lock()
	e := g.l.home.extents
	if e == nil || e.id != id {
		e.end()
		e = g.seek(ctx, id, unknown, marks)
		g.l.home.extents = e
	}
	g.l.home.mu.Unlock()
	select {
	case <-e.done:
	default:
		return nil, []string{fmt.Sprintf("the index was lost with the primary away: how far topics were mirrored is found by comparing their records, %d of %d partitions are done",
			e.found.Load(), e.n)}, nil
	}
	if e.err != nil {
		g.l.home.mu.Lock()
		defer g.l.home.mu.Unlock()
		if g.l.home.extents == e {
			g.l.home.extents = nil
		}
		return nil, nil, fmt.Errorf("how far topics were mirrored is not known, because the index was lost with the primary away, and comparing records: %w. "+
			"Try: again; or leftoff index import, of an export from before", e.err)
	}
	return e.of, nil, nil
}

// seek begins a look.
func (g ground) seek(ctx context.Context, id string, unknown []kafka.TopicPartition, marks map[kafka.TopicPartition]failover.Mark) *extents {
	e := &extents{id: id, n: len(unknown), done: make(chan struct{}), of: map[kafka.TopicPartition]mirror.Extent{}}
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	slices.SortFunc(unknown, func(a, b kafka.TopicPartition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	go func() {
		defer close(e.done)
		e.err = e.run(ctx, g, unknown, marks)
	}()
	return e
}

func (e *extents) run(ctx context.Context, g ground, unknown []kafka.TopicPartition, marks map[kafka.TopicPartition]failover.Mark) error {
	var topics []string
	for _, tp := range unknown {
		topics = append(topics, tp.Topic)
	}
	infos, err := g.l.clusters[replicator.Primary].Topics(ctx, slices.Compact(topics))
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(extentsAtOnce)
	found := make([]mirror.Extent, len(unknown))
	for i, tp := range unknown {
		all.Go(func() (err error) {
			there, _ := g.l.Rename(tp.Topic)
			found[i], err = mirror.ExtentOf(ctx, mirror.Of{
				Primary: g.l.clusters[replicator.Primary], Secondary: g.l.clusters[replicator.Secondary],
				On: [2]kafka.TopicPartition{tp, {Topic: there, Partition: tp.Partition}}, Until: marks[tp].Secondary,
				ReadUncommitted: g.l.config.Mirror.ReadUncommitted, LeftOut: g.r.memory.left(infos[tp.Topic].ID, tp.Partition), Logger: g.l.log,
			})
			if err != nil {
				return fmt.Errorf("%s: %w", tp, err)
			}
			e.found.Add(1)
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	for i, tp := range unknown {
		e.of[tp] = found[i]
	}
	return nil
}

// end stops a look, and waits.
func (e *extents) end() {
	if e == nil {
		return
	}
	e.stop()
	<-e.done
}

// missing are the records below P* that have no copy, and are still there.
func missing(tp kafka.TopicPartition, e mirror.Extent, start int64) (all []failover.Unmirrored) {
	for _, m := range e.Missing {
		if m.From = max(m.From, start); m.From < m.To {
			all = append(all, failover.Unmirrored{Topic: tp.Topic, Partition: tp.Partition, From: m.From, To: m.To})
		}
	}
	return all
}
