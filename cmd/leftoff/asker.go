package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
)

// asker answers questions about the state: the running daemon does, and where there is none, the same pipeline run once
// with the gate closed.
type asker struct{ a *app }

func (a *app) asker() asker { return asker{a} }

// client finds the daemon's address. With --http no configuration is needed.
func (a *app) client() (*api.Client, error) {
	if a.http != "" {
		return api.NewClient(a.http), nil
	}
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	if cfg.HTTP == configs.NoHTTP {
		return nil, fmt.Errorf("http is none: %w", api.ErrNoDaemon)
	}
	return api.NewClient(cfg.HTTP), nil
}

// Status of every link.
func (k asker) Status(ctx context.Context) (s api.Status, err error) {
	err = k.ask(func(c *api.Client) error { s, err = c.Status(ctx); return err }, func() error {
		all, err := k.a.once(ctx)
		s = api.NewStatus(thisVersion().Version, time.Now(), all)
		return err
	})
	return s, err
}

// Plan of every link, or of one link or group. A group that no link knows is an error.
func (k asker) Plan(ctx context.Context, link, group string) (p api.Plan, err error) {
	err = k.ask(func(c *api.Client) error {
		if p, err = c.Plan(ctx, link, group); err != nil || !saysNothing(p, group) {
			return err
		}
		known, err := c.Groups(ctx, link, group)
		return cmp.Or(err, mustKnow(known, group))
	}, func() error {
		all, err := k.a.once(ctx)
		if p = api.NewPlan(time.Now(), all, link, group); err != nil || !saysNothing(p, group) {
			return err
		}
		return mustKnow(api.NewGroups(all, link, group), group)
	})
	return p, err
}

// Translate offsets, in order.
func (k asker) Translate(ctx context.Context, asked []api.Query) (all []api.Translation, err error) {
	err = k.ask(func(c *api.Client) error {
		for _, q := range asked {
			t, err := c.Translate(ctx, q)
			if err != nil {
				return err
			}
			all = append(all, t)
		}
		return nil
	}, func() error {
		all, err = k.a.translateOnce(ctx, asked)
		return err
	})
	return all, err
}

// ask tries the daemon, and the clusters where there is none.
func (k asker) ask(daemon func(*api.Client) error, once func() error) error {
	c, err := k.a.client()
	if err == nil {
		err = daemon(c)
	}
	if !errors.Is(err, api.ErrNoDaemon) {
		return err
	}
	if k.a.http != "" {
		return needsDaemon(err)
	}
	fmt.Fprintln(k.a.err, "no daemon answers: reading both clusters once, writing nothing")
	return once()
}

// needsDaemon adds what to do where nobody listens.
func needsDaemon(err error) error {
	if errors.Is(err, api.ErrNoDaemon) {
		return fmt.Errorf("%w. Try: leftoff run -c link.yml, or --http with its address", err)
	}
	return err
}

// mapping is what translating needs of a pipeline.
type mapping interface {
	Translate(ctx context.Context, q api.Query) (replicator.Mapping, error)
}

func answers(ctx context.Context, m mapping, asked []api.Query) ([]api.Translation, error) {
	var all []api.Translation
	for _, q := range asked {
		found, err := m.Translate(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, api.NewTranslation(q, found))
	}
	return all, nil
}
