package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
)

// extents are how far partitions had been mirrored, where P* does not say it: the index was lost, and the primary was away; or the primary's topic
// is not the one of then. The records of both sides tell. It takes as long as reading them does, and goes on whoever watches.
type extents struct {
	id    string // of the way home
	stop  context.CancelFunc
	done  chan struct{}
	parts []part
	found atomic.Int64 // partitions
	read  atomic.Int64 // offsets

	// Set once done is closed. Where err is, of has what was found before.
	of  map[part]mirror.Extent
	err error
}

// part is a partition of the primary's, by the id of its topic: one that is made anew is another.
type part struct {
	kafka.TopicPartition
	id string
}

// extentsAtOnce bounds memory: a partition may take a few hundred MB at worst.
const extentsAtOnce = 2

// extents looks for P* of partitions. It begins where no look at them is under way, and waits say how far it is. One
// that failed is gone on with by who asks next.
func (g ground) extents(ctx context.Context, id string, parts []part, marks map[kafka.TopicPartition]failover.Mark) (map[kafka.TopicPartition]mirror.Extent, []string, error) {
	if len(parts) == 0 {
		return nil, nil, nil
	}
	g.l.home.mu.Lock()
	defer g.l.home.mu.Unlock()
	e := g.l.home.extents
	if e == nil || e.id != id || !e.lookAt(parts) {
		e.end()
		var found map[part]mirror.Extent
		if e != nil && e.id == id {
			found = e.of
		}
		e = g.seek(ctx, id, parts, marks, found)
		g.l.home.extents = e
	}
	select {
	case <-e.done:
	default:
		return nil, []string{fmt.Sprintf("how far topics were mirrored is found by comparing their records, because the index was lost with the primary away, or "+
			"the primary's topics are not those of then: %d of %d partitions are done, %d offsets were read", e.found.Load(), len(e.parts), e.read.Load())}, nil
	}
	if e.err != nil {
		g.l.home.extents = &extents{id: id, stop: func() {}, done: e.done, of: e.of}
		return nil, nil, fmt.Errorf("how far topics were mirrored is not known, because the index was lost with the primary away, or the primary's topics are not those of then, "+
			"and comparing records: %w. Try: again, which goes on with the rest; or leftoff index import, of an export from before", e.err)
	}
	all := map[kafka.TopicPartition]mirror.Extent{}
	for _, p := range parts {
		all[p.TopicPartition] = e.of[p]
	}
	return all, nil, nil
}

// unsure are the partitions of which P* is not known, or is none of the primary's offsets any more: it ends before that, or its topic was made anew.
func (g ground) unsure(marks map[kafka.TopicPartition]failover.Mark, ends map[kafka.TopicPartition]kafka.OffsetResult, ids map[string]string) (all []part) {
	if g.foreignMirror() {
		return nil
	}
	for tp, m := range marks {
		at, known := g.mirroredTo(tp.Topic, m)
		if known && ends[tp].Offset >= at && !g.anewSince(tp.Topic, ids[tp.Topic]) {
			continue
		}
		all = append(all, part{tp, ids[tp.Topic]})
	}
	slices.SortFunc(all, func(a, b part) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

// anewSince says that the primary's topic is another one than the index knows.
func (g ground) anewSince(topic, id string) bool {
	pair, ok := g.l.index.Lookup(topic)
	if !ok || id == "" {
		return false
	}
	was := pair.Info().Primary.ID
	return was != [16]byte{} && idOf(was) != id
}

// lookAt says whether a look is at all of these.
func (e *extents) lookAt(parts []part) bool {
	return !slices.ContainsFunc(parts, func(p part) bool { return !slices.Contains(e.parts, p) })
}

// seek begins a look. What an earlier one found is not looked for again.
func (g ground) seek(ctx context.Context, id string, parts []part, marks map[kafka.TopicPartition]failover.Mark, found map[part]mirror.Extent) *extents {
	e := &extents{id: id, parts: parts, done: make(chan struct{}), of: map[part]mirror.Extent{}}
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	var rest []part
	for _, p := range parts {
		if was, ok := found[p]; ok {
			e.of[p] = was
		} else {
			rest = append(rest, p)
		}
	}
	e.found.Store(int64(len(e.of)))
	go func() {
		defer close(e.done)
		e.err = e.run(ctx, g, rest, marks)
	}()
	return e
}

func (e *extents) run(ctx context.Context, g ground, parts []part, marks map[kafka.TopicPartition]failover.Mark) error {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(extentsAtOnce)
	var mu sync.Mutex
	for _, p := range parts {
		all.Go(func() error {
			there, _ := g.l.Rename(p.Topic)
			found, err := mirror.ExtentOf(ctx, mirror.Of{
				Primary: g.l.clusters[replicator.Primary], Secondary: g.l.clusters[replicator.Secondary],
				On: [2]kafka.TopicPartition{p.TopicPartition, {Topic: there, Partition: p.Partition}}, Until: marks[p.TopicPartition].Secondary,
				ReadUncommitted: g.l.config.Mirror.ReadUncommitted, Logger: g.l.log,
				Read:    &e.read,
				LeftOut: g.r.memory.leftOf(p.id, p.Partition),
			})
			if err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
			mu.Lock()
			defer mu.Unlock()
			e.of[p] = found
			e.found.Add(1)
			return nil
		})
	}
	return all.Wait()
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
