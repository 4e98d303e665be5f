package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leftoff/leftoff/replicator"
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
	ids := l.known()
	a := api.FailoverAnswer{Link: l.Name, Primary: named(l.config.Primary, ids[replicator.Primary]), Secondary: named(l.config.Secondary, ids[replicator.Secondary])}
	m := failover.New(r.memory.store, ground{l, r})
	changes := map[api.FailoverVerb]func(context.Context, failover.Order) (failover.Progress, error){
		api.FailoverBegin: m.Begin, api.FailoverReturn: m.Return, api.FailoverAdvance: m.Advance, api.FailoverRollback: m.Rollback,
	}
	switch change, ok := changes[o.Verb]; {
	case o.Verb == api.FailoverWhere:
		a.Progress, err = m.Where(ctx)
	case o.Verb == api.FailoverTry:
		a.Trial, err = m.Try(ctx, o.Order)
	case ok && l.ReadOnly:
		err = errReadOnly
	case ok:
		err = l.change(ctx, r, func() (moved bool, err error) {
			a.Progress, err = change(ctx, o.Order)
			if err == nil && o.Verb == api.FailoverRollback {
				r.checks.cancel()
			}
			return err == nil && len(a.Waits) == 0, err
		})
	default:
		err = fmt.Errorf("no such verb %q", o.Verb)
	}
	switch {
	case errors.Is(err, replicator.ErrEnded):
		return a, fmt.Errorf("link %s: %w", l.Name, api.ErrStarting)
	case err != nil:
		return a, fmt.Errorf("link %s: %w", l.Name, kept(err))
	}
	r.memory.answers(&a)
	return a, nil
}

// kept says which right is missing where the steps may not be kept on the secondary.
func kept(err error) error {
	if strings.Contains(err.Error(), failover.Topic) {
		_, err = denied(err)
	}
	return err
}

// named is a cluster for people.
func named(name, id string) string {
	return strings.TrimSpace(fmt.Sprintf("%s (cluster id %s)", name, id))
}

var errReadOnly = errors.New("this leftoff changes nothing")

// change lets a step change what is kept, once that was read, and brings the link in line with it.
func (l *link) change(ctx context.Context, r *running, step func() (moved bool, err error)) error {
	r.memory.await(ctx)
	return r.memory.alone(ctx, func() error {
		moved, err := step()
		if !moved {
			return err
		}
		r.memory.note(l.recall(ctx, r))
		return nil
	})
}
