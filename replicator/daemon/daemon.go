package daemon

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
)

// Options of a Daemon.
type Options struct {
	Links  []Link
	Logger *zap.Logger
	// Version of leftoff, for reports.
	Version string
	// HTTP serves until its context ends; nil serves nothing. It is given the daemon as its source of answers.
	HTTP func(ctx context.Context, d *Daemon) error
}

// Daemon runs links.
type Daemon struct {
	opt   Options
	links []*link
}

// New returns a daemon that has opened nothing yet.
func New(o Options) *Daemon {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	d := &Daemon{opt: o}
	names := map[string]bool{}
	for _, l := range o.Links {
		names[l.Name] = true
		made := newLink(l, o.Logger)
		made.check, made.version, made.configured = d.circles, o.Version, names
		d.links = append(d.links, made)
	}
	return d
}

// Run runs everything until ctx ends or a link is refused (ErrRefused). One link's refusal ends all: a person has to look.
func (d *Daemon) Run(ctx context.Context) error {
	defer func() {
		for _, l := range d.links {
			l.close()
		}
	}()
	for _, l := range d.links {
		if err := l.open(); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range d.links {
		group.Go(func() error { return l.keepRunning(ctx) })
	}
	if d.opt.HTTP != nil {
		group.Go(func() error { return d.opt.HTTP(ctx, d) })
	}
	return group.Wait()
}

// Snapshots answers for every link, in the configuration's order.
func (d *Daemon) Snapshots(ctx context.Context, detail bool) ([]replicator.Snapshot, error) {
	all := make([]replicator.Snapshot, 0, len(d.links))
	for _, l := range d.links {
		s, err := l.snapshot(ctx, detail)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Translate maps one offset over a link, in either direction.
func (d *Daemon) Translate(ctx context.Context, q api.Query) (replicator.Mapping, error) {
	l, r, err := d.runningLink(q.Link)
	if err != nil {
		return replicator.Mapping{}, err
	}
	if q.Reverse {
		return l.reverse(q)
	}
	if _, ok := l.Rename(q.Topic); !ok {
		return replicator.Mapping{}, fmt.Errorf("link %s, topic %q: %w", l.Name, q.Topic, api.ErrUnknownTopic)
	}
	return awaitAnswer(ctx, func() replicator.Mapping { return r.source.Forward(q.Topic, [16]byte{}, q.Partition, q.Offset) }), nil
}

// answerWithin is how long a translation waits for a source that is comparing records.
const answerWithin = 5 * time.Second

// awaitAnswer asks again while the source is looking for a better answer, and takes what there is when it takes too long.
func awaitAnswer(ctx context.Context, ask func() replicator.Mapping) replicator.Mapping {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		m := ask()
		if !m.Pending && m.Reason != replicator.CatchingUp {
			return m
		}
		select {
		case <-ctx.Done():
			return m
		case <-tick.C:
		}
	}
}

// link finds a link by name; the empty name means the only one.
func (d *Daemon) link(name string) (*link, error) {
	if name == "" && len(d.links) == 1 {
		return d.links[0], nil
	}
	for _, l := range d.links {
		if l.Name == name {
			return l, nil
		}
	}
	return nil, fmt.Errorf("link %q: %w", name, api.ErrUnknownLink)
}

func (d *Daemon) runningLink(name string) (*link, *running, error) {
	l, err := d.link(name)
	if err != nil {
		return nil, nil, err
	}
	if r := l.started(); r != nil {
		return l, r, nil
	}
	return nil, nil, fmt.Errorf("link %s: %w", l.Name, api.ErrStarting)
}
