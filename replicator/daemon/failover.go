package daemon

import (
	"context"
	"fmt"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

var _ api.FailingOver = (*Daemon)(nil)

// Failover answers what an operator asks of a link's failover, and takes it one step further where that is asked.
func (d *Daemon) Failover(ctx context.Context, o api.FailoverOrder) (api.FailoverAnswer, error) {
	l, r, err := d.runningLink(o.Link)
	if err != nil {
		return api.FailoverAnswer{}, err
	}
	a := api.FailoverAnswer{Link: l.Name}
	m := failover.New(r.memory.store, ground{l, r})
	switch o.Verb {
	case api.FailoverWhere:
		a.Progress, err = m.Where(ctx)
	case api.FailoverTry:
		a.Trial, err = m.Try(ctx, o.Order)
	case api.FailoverBegin:
		a.Progress, err = m.Begin(ctx, o.Order)
	case api.FailoverAdvance:
		a.Progress, err = m.Advance(ctx, o.Order)
	case api.FailoverRollback:
		a.Progress, err = m.Rollback(ctx, o.Order)
	default:
		err = fmt.Errorf("no such verb %q", o.Verb)
	}
	if err != nil {
		return a, fmt.Errorf("link %s: %w", l.Name, err)
	}
	return a, nil
}
