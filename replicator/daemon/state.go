package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/translate"
)

var errStarting = errors.New("still waiting for its clusters. Try: leftoff status")

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
		var err error
		if s, err = r.loop.Snapshot(ctx, detail); err != nil {
			return s, err
		}
	}
	if r != nil {
		for _, t := range r.tails {
			s.Counters.UnknownTypes += t.State().UnknownTypes
		}
	}
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
