package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// once runs the pipeline with the gate closed until every link has caught up.
func (a *app) once(ctx context.Context) ([]replicator.Snapshot, error) {
	links, log, err := a.pipeline()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	p := newProgress(a.err)
	defer p.end()
	all, err := daemon.Once(ctx, links, log, p.show)
	return all, p.explain(err, a.patience)
}

// translateOnce asks the mapping sources of such a pipeline.
func (a *app) translateOnce(ctx context.Context, asked []api.Query) (all []api.Translation, err error) {
	links, log, err := a.pipeline()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	p := newProgress(a.err)
	defer p.end()
	err = daemon.OnceWith(ctx, links, log, p.show, func(ctx context.Context, d *daemon.Daemon) error {
		all, err = answers(ctx, d, asked)
		return err
	})
	return all, p.explain(err, a.patience)
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
