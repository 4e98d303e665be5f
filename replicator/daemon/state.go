package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/identity"
	"github.com/leftoff/leftoff/replicator/match"
	"github.com/leftoff/leftoff/replicator/mirror"
	"github.com/leftoff/leftoff/translate"
)

func (l *link) started() *running {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running
}

// snapshot answers also while the link still waits for its clusters.
func (l *link) snapshot(ctx context.Context, detail bool) (replicator.Snapshot, error) {
	s := replicator.Snapshot{At: time.Now(), Link: l.Name}
	r := l.started()
	if r != nil {
		asked, err := r.loop.Snapshot(ctx, detail)
		switch {
		case errors.Is(err, replicator.ErrEnded):
			r = nil // it starts again
		case err != nil:
			return s, err
		default:
			s = asked
		}
	}
	if r != nil {
		for _, t := range r.tails {
			s.Counters.UnknownTypes += t.State().UnknownTypes
		}
	}
	s.Problems, s.Source = l.problems(r), l.sourceState(r)
	l.drilled(&s)
	s.Failover = l.failedOver(r)
	for side := range s.Sides {
		l.sideState(r, side, &s.Sides[side])
	}
	return s, nil
}

func (l *link) sideState(r *running, side int, s *replicator.SideState) {
	if r != nil {
		if st := r.tails[side].State(); st.Error != nil {
			s.Error, s.Since = st.Error.Error(), st.Since
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.ClusterID = l.ids[side]
	if err := l.errs[side]; err != nil {
		s.Error = err.Error()
	}
}

// comparer is a mapping source that compares records.
type comparer interface{ State() match.State }

func (l *link) sourceState(r *running) replicator.SourceState {
	s := replicator.SourceState{Mapping: l.Mapping}
	if r == nil {
		return s
	}
	if c, ok := r.source.(comparer); ok {
		st := c.State()
		s.Partitions, s.Ready, s.Wanted, s.Probes, s.Conflicts = st.Partitions, st.Ready, st.Wanted, st.Probes, st.Conflicts
		s.Fetches, s.Bytes, s.Recognised = st.Fetches, st.Bytes, st.Weakest
	}
	return s
}

// someStuck is how many partitions are named whose copying does not go on: with a cluster away it is all of them.
const someStuck = 5

// problems are sentences for status: of the mapping source, and of the index.
func (l *link) problems(r *running) []string {
	var all []string
	if r == nil {
		return nil
	}
	switch source := r.source.(type) {
	case *mirror.Source:
		all = append(all, source.Problems()...)
		var stuck []string
		for _, p := range source.State() {
			switch {
			case p.Phase == mirror.Suspended:
				all = append(all, fmt.Sprintf("%s/%d: not mirrored any more: %s", p.Topic, p.Partition, p.Detail))
			case p.Phase == mirror.Comparing && p.Detail != "":
				stuck = append(stuck, fmt.Sprintf("%s/%d: not mirrored right now: %s", p.Topic, p.Partition, p.Detail))
			}
			if spans := l.foreign(p.Topic, p.Partition); len(spans) > 0 {
				all = append(all, fmt.Sprintf("%s/%d: somebody else wrote the records %d to %d on the secondary, and no position passes them. "+
					"Try: stop that producer, then leftoff index accept", p.Topic, p.Partition, spans[0].From, spans[len(spans)-1].To-1))
			}
		}
		all = append(all, stuck[:min(len(stuck), someStuck)]...)
		if more := len(stuck) - someStuck; more > 0 {
			all = append(all, fmt.Sprintf("%d more partitions are not mirrored right now", more))
		}
	case comparer:
		st := source.State()
		all = append(all, st.Notes...)
		for _, p := range st.Problems {
			all = append(all, p.String())
		}
	case *identity.Source:
		for _, p := range source.State().Problems {
			all = append(all, fmt.Sprintf("%s/%d: %s", p.Topic, p.Partition, p.Detail))
		}
	}
	all = append(all, r.outputs.notes()...)
	all = append(all, r.memory.problems()...)
	all = append(all, l.alarms(r)...)
	all = append(all, r.strays.problems(r.memory.switched())...)
	if err := l.keeper.err(); err != nil {
		all = append(all, "the index can't be written: "+err.Error())
	}
	return all
}

// foreign are the records of nobody's that cap positions.
func (l *link) foreign(topic string, n int32) []translate.Span {
	if pair, ok := l.index.Lookup(topic); ok && n < pair.Info().Partitions {
		return pair.Partition(n).ForeignSpans()
	}
	return nil
}

// reverse maps an offset of the secondary home, over the index.
func (l *link) reverse(q api.Query) (replicator.Mapping, error) {
	for _, pair := range l.index.Pairs() {
		if pair.Retired || pair.Secondary.Name != q.Topic {
			continue
		}
		p, ok := l.index.Lookup(pair.Primary.Name)
		if !ok || q.Partition < 0 || q.Partition >= pair.Partitions {
			break
		}
		// The primary's bounds are not known here: the whole range of offsets stands for them.
		home := p.Partition(q.Partition).Reverse(q.Offset, translate.Bounds{End: 1<<63 - 1})
		return replicator.Mapping{Topic: pair.Primary.Name, Position: home}, nil
	}
	return replicator.Mapping{}, fmt.Errorf("link %s, topic %q on the secondary: %w", l.Name, q.Topic, api.ErrUnknownTopic)
}
