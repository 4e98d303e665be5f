package daemon

import (
	"context"
	"errors"
	"fmt"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

var _ api.ReclaimingBy = (*Daemon)(nil)

// Reclaim gives a group back to leftoff on one link; the verdict is durable when it returns.
func (d *Daemon) Reclaim(ctx context.Context, link, group, why string) (replicator.Verdict, error) {
	return d.ReclaimBy(ctx, link, group, "", why)
}

// ReclaimBy is Reclaim, with the person who says so, for the audit.
func (d *Daemon) ReclaimBy(ctx context.Context, link, group, who, why string) (replicator.Verdict, error) {
	l, r, err := d.runningLink(link)
	if err != nil {
		return replicator.Verdict{}, err
	}
	v, err := r.loop.Reclaim(ctx, group, why)
	if errors.Is(err, replicator.ErrEnded) {
		return v, fmt.Errorf("link %s: %w", l.Name, api.ErrStarting)
	}
	if err != nil {
		return v, err
	}
	r.memory.by(group, who, v)
	return v, l.keeper.flush()
}

// by names the person in what is told of a verdict. Where it was told already, in the moment since, it is told again: the audit has to say who.
func (m *memory) by(group, who string, v replicator.Verdict) {
	if who == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.untold[group] = failover.Group{Name: group, Verdict: v.Kind.String(), Why: v.Why, Who: who}
}
