package daemon

import (
	"context"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

// OnceWith is Once for questions other than "what would you do?": f asks the daemon while everything is caught up.
func OnceWith(ctx context.Context, links []Link, log *zap.Logger, progress func([]replicator.Snapshot), f func(context.Context, *Daemon) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	closed := make([]Link, len(links))
	for i, l := range links {
		l.ReadOnly = true
		closed[i] = l
	}
	d := New(Options{Links: closed, Logger: log})
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	_, err := d.awaitAll(ctx, ended, progress)
	if err == nil {
		err = f(ctx, d)
		cancel()
		<-ended
	}
	return err
}
