package daemon

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

var errEnded = errors.New("the pipeline ended before it had caught up")

// Once runs the line with the gate closed until every link has caught up, and returns what it would do. Nothing is
// written anywhere: the index is opened read-only and nothing is mirrored. progress, where not nil, is called a few times
// a second with the state so far, without its groups.
func Once(ctx context.Context, links []Link, log *zap.Logger, progress func([]replicator.Snapshot)) (all []replicator.Snapshot, err error) {
	err = OnceWith(ctx, links, log, progress, func(ctx context.Context, d *Daemon) error {
		all, err = d.Snapshots(ctx, true)
		return err
	})
	return all, err
}

// OnceWith is Once for other questions than "what would you do?": f asks the daemon when everything has caught up.
func OnceWith(ctx context.Context, links []Link, log *zap.Logger, progress func([]replicator.Snapshot), f func(context.Context, *Daemon) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	closed := make([]Link, len(links))
	for i, l := range links {
		l.ReadOnly = true
		closed[i] = l
	}
	d := New(Options{Links: closed, Logger: log})
	ended, refused := make(chan struct{}), error(nil)
	go func() {
		defer close(ended)
		refused = d.Run(ctx)
	}()
	err := d.awaitAll(ctx, ended, progress)
	if err == nil {
		err = f(ctx, d)
	}
	cancel()
	<-ended
	if refused != nil {
		return refused
	}
	return err
}

// awaitAll returns nil when every link has caught up, and an error when ctx ended or the daemon did.
func (d *Daemon) awaitAll(ctx context.Context, ended <-chan struct{}, progress func([]replicator.Snapshot)) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return cmp.Or(ctx.Err(), errEnded)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now, err := d.Snapshots(ctx, false)
		if err != nil {
			return err
		}
		if progress != nil {
			progress(now)
		}
		if !d.allReady(now) {
			continue
		}
		if looking, err := d.looking(ctx); err != nil || !looking {
			return err
		}
	}
}

// looking says whether a source is still comparing records for what somebody committed. Asking makes it look.
func (d *Daemon) looking(ctx context.Context) (bool, error) {
	for _, l := range d.links {
		if l.Mapping == "mirror" || l.Mapping == "identity" {
			continue
		}
		s, err := l.snapshot(ctx, true)
		if err != nil {
			return false, err
		}
		for i := range s.Groups {
			for _, e := range s.Groups[i].Entries {
				if e.Pending || e.Reason == replicator.CatchingUp {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

func (d *Daemon) allReady(now []replicator.Snapshot) bool {
	for i, s := range now {
		if !s.Sides[replicator.Primary].CaughtUp || !s.Sides[replicator.Secondary].CaughtUp {
			return false
		}
		r := d.links[i].started()
		if r == nil {
			return false
		}
		if source, ok := r.source.(interface{ Ready() bool }); ok && !source.Ready() {
			return false
		}
	}
	return true
}
