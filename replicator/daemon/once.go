package daemon

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

// Once runs the line with the gate closed until every link has caught up, and returns what it would do. Nothing is
// written anywhere: the index is opened read-only and nothing is mirrored. progress, where not nil, is called a few times
// a second with the state so far, without its groups.
func Once(ctx context.Context, links []Link, log *zap.Logger, progress func([]replicator.Snapshot)) ([]replicator.Snapshot, error) {
	ctx, cancel := context.WithCancel(ctx)
	closed := make([]Link, len(links))
	for i, l := range links {
		l.ReadOnly = true
		closed[i] = l
	}
	d := New(Options{Links: closed, Logger: log})
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	all, err := d.awaitAll(ctx, ended, progress)
	cancel()
	if err == nil {
		err = <-ended
	}
	return all, err
}

func (d *Daemon) awaitAll(ctx context.Context, ended <-chan error, progress func([]replicator.Snapshot)) ([]replicator.Snapshot, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		now, err := d.Snapshots(ctx, false)
		if err != nil {
			return nil, err
		}
		if progress != nil {
			progress(now)
		}
		if d.allReady(now) {
			return d.Snapshots(ctx, true)
		}
	}
}

func (d *Daemon) allReady(now []replicator.Snapshot) bool {
	for i, s := range now {
		if !s.Sides[replicator.Primary].CaughtUp || !s.Sides[replicator.Secondary].CaughtUp {
			return false
		}
		if r, ok := d.links[i].started().source.(interface{ Ready() bool }); ok && !r.Ready() {
			return false
		}
	}
	return true
}
