package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// once runs the pipeline with the gate closed until every link has caught up.
func (a *app) once(ctx context.Context) (all []replicator.Snapshot, err error) {
	err = a.closed(ctx, func(ctx context.Context, links []daemon.Link, log *zap.Logger, p *progress) error {
		all, err = daemon.Once(ctx, links, log, p.show)
		return err
	})
	return all, err
}

// translateOnce asks the mapping sources of such a pipeline.
func (a *app) translateOnce(ctx context.Context, asked []api.Query) (all []api.Translation, err error) {
	err = a.closed(ctx, func(ctx context.Context, links []daemon.Link, log *zap.Logger, p *progress) error {
		return daemon.OnceWith(ctx, links, log, p.show, func(ctx context.Context, d *daemon.Daemon) error {
			all, err = answers(ctx, d, asked)
			return err
		})
	})
	return all, err
}

// closed prepares a pipeline that writes nothing, bounds its time, and explains why it did not end.
func (a *app) closed(ctx context.Context, run func(context.Context, []daemon.Link, *zap.Logger, *progress) error) error {
	links, log, err := a.pipeline()
	if err != nil {
		return err
	}
	takeBack, err := lendIndexes(links)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	p := newProgress(a.err)
	defer p.end()
	return errors.Join(p.explain(run(ctx, links, log, p), a.patience), takeBack())
}

// explain says which side kept us waiting, where time ran out.
func (p *progress) explain(err error, patience time.Duration) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var sides []string
	for _, s := range p.last {
		for side, state := range s.Sides {
			if state.Error != "" {
				sides = append(sides, fmt.Sprintf("link %s, %s: %s", s.Link, replicator.Side(side), state.Error))
			}
		}
	}
	if len(sides) == 0 {
		return fmt.Errorf("not done after %s. Try: leftoff run, which takes the time it needs, and then this command again", patience)
	}
	return fmt.Errorf("gave up after %s: %s", patience, strings.Join(sides, "; "))
}
