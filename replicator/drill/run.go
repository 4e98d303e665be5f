package drill

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// ErrSameCluster: both sides of the link are one cluster.
var ErrSameCluster = errors.New("primary and secondary are the same cluster. Try: check the brokers of both in the configuration")

// cleaningTime bounds cleaning up after an interrupt.
const cleaningTime = 20 * time.Second

// run is a drill on its way.
type run struct {
	Report
	o                  Options
	primary, secondary Cluster
	primaryUp          bool
	guard              guard
	plan               Plan
	groups             []*shadowed
	sweeper            *sweeper

	mu     sync.Mutex
	shadow []string // groups that this drill has made
	beacon Member
	behind error // one that could not be deleted
}

// Run drills. An error says that it could not be done; nothing is left behind then, either, but for what the error names. A primary
// that can't be reached is no error: the report says what could not be compared.
func Run(ctx context.Context, primary, secondary Cluster, w Writer, o Options) (report Report, err error) {
	o.setDefaults()
	r := &run{o: o, primary: bounded{primary, o.Wait}, secondary: bounded{secondary, o.Wait}}
	r.begin(w)
	defer func() {
		if r.clean(ctx); err != nil { // else it is in the report
			err = errors.Join(err, r.behind)
		}
	}()
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"asking both clusters who they are", r.identify},
		{"asking how sure the positions are", r.ask},
		{"deleting what earlier drills left behind", r.sweepFirst},
		{"reading the groups' offsets on both sides", r.gather},
		{"counting what would be lost", func(ctx context.Context) error { r.losses(ctx); return ctx.Err() }},
		{"", r.resumeAll},
		{"comparing records", r.compare},
		{"deleting the shadow groups", func(ctx context.Context) error { r.clean(ctx); return ctx.Err() }},
		{"looking after earlier drills again", r.sweepLast},
	}
	for _, s := range steps {
		o.Progress(s.what)
		if err := s.do(ctx); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return r.Report, err
		}
	}
	r.finish()
	return r.Report, nil
}

func (r *run) begin(w Writer) {
	now := r.o.Now()
	r.Report = Report{
		Schema: 1, ID: newID(now), Version: r.o.Version, Link: r.o.Link, Mapping: r.o.Mapping, Began: now.UTC(),
		Primary: Side{Name: r.o.PrimaryName}, Secondary: Side{Name: r.o.SecondaryName},
		Asked:    Asked{Group: r.o.Group, Topic: r.o.Topic, Below: r.o.Below, Above: r.o.Above, RPOSeconds: r.o.RPO.Seconds(), RTOSeconds: r.o.RTO.Seconds()},
		Findings: []string{}, Problems: []string{}, Notes: []string{}, Groups: []Group{}, Partitions: []Loss{},
		Cleanup: Cleanup{Earlier: []string{}, Running: []string{}, Left: []string{}},
	}
	if r.o.Sample > 0 {
		r.Asked.Sample, r.Asked.Seed = r.o.Sample, strconv.FormatUint(r.o.Seed, 10)
	}
	r.guard = guard{to: w, id: r.ID}
	r.sweeper = &sweeper{c: r.secondary, guard: r.guard, seen: map[string]time.Time{}, out: &r.Cleanup}
}

// identify asks both clusters for their ids. The primary may be gone.
func (r *run) identify(ctx context.Context) (err error) {
	if r.Secondary.ClusterID, err = r.secondary.ClusterID(ctx); err != nil {
		return fmt.Errorf("ask the secondary: %w", err)
	}
	r.Primary.ClusterID, err = r.primary.ClusterID(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		r.without(err)
		return nil
	case r.Primary.ClusterID == r.Secondary.ClusterID:
		return ErrSameCluster
	}
	r.primaryUp = true
	return nil
}

// without goes on without the primary.
func (r *run) without(err error) {
	r.primaryUp, r.Primary.Error = false, err.Error()
	r.problem("the primary can't be asked, so that nothing could be compared, and what would be lost is not known: %v", err)
}

// ask asks leftoff. A drill does without, if it must.
func (r *run) ask(ctx context.Context) error {
	if r.o.Plan == nil {
		return nil
	}
	plan, err := r.o.Plan(ctx)
	if err != nil {
		r.Notes = append(r.Notes, "how sure leftoff is of its positions is not known: "+err.Error())
		return ctx.Err()
	}
	r.plan, r.Asked.ConfidenceFrom = plan, plan.From
	return nil
}

// sweepFirst lights the beacon, and deletes what is left of drills without one.
func (r *run) sweepFirst(ctx context.Context) error {
	r.made(beacon(r.ID))
	m, err := r.guard.join(ctx, beacon(r.ID), nil)
	if err != nil {
		return fmt.Errorf("join a group on the secondary: %w", rights(err, beacon(r.ID)))
	}
	r.mu.Lock()
	r.beacon = m
	r.mu.Unlock()
	_, err = r.sweeper.sweep(ctx, r.o.Now())
	return err
}

// rights makes a hint that is about one group one about all shadow groups.
func rights(err error, group string) error {
	var e *kafka.Error
	if !errors.As(err, &e) || e.Class != kafka.Unauthorized {
		return err
	}
	more := *e
	more.Hint = strings.ReplaceAll(more.Hint, "--operation Read", "--operation Read --operation Delete")
	more.Hint = strings.ReplaceAll(more.Hint, "--group "+group, "--group "+Prefix+" --resource-pattern-type prefixed")
	return &more
}

func (r *run) sweepLast(ctx context.Context) error {
	if err := r.sweeper.settle(ctx, r.o.Now); err != nil {
		r.problem("whether earlier drills left anything behind is not known: %v", err)
	}
	return ctx.Err()
}

func (r *run) resumeAll(ctx context.Context) error {
	var left []*shadowed
	for _, g := range r.groups {
		if g.LeftOut == "" {
			left = append(left, g)
		}
	}
	var mu sync.Mutex
	done := 0
	var working errgroup.Group
	working.SetLimit(r.o.Parallel)
	for _, g := range left {
		working.Go(func() error {
			if ctx.Err() == nil {
				r.resume(ctx, g)
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			r.o.Progress(fmt.Sprintf("%d of %d groups have resumed", done, len(left)))
			return nil
		})
	}
	_ = working.Wait()
	return ctx.Err()
}

// made remembers a group before it is made.
func (r *run) made(group string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shadow = append(r.shadow, group)
}

// clean deletes what this drill has made, the beacon last, also after ctx has ended. What can't be deleted is in Cleanup.Left, and in
// behind. Again, it has nothing to do.
func (r *run) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaningTime)
	defer cancel()
	r.mu.Lock()
	groups, m := r.shadow, r.beacon
	r.shadow, r.beacon = nil, nil
	r.mu.Unlock()
	var mu sync.Mutex
	drop := func(group string) {
		err := r.sweeper.drop(ctx, group)
		if err != nil {
			err = r.sweeper.drop(ctx, group)
		}
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			r.Cleanup.Deleted++
			return
		}
		r.Cleanup.Left = append(r.Cleanup.Left, group)
		r.behind = fmt.Errorf("group %s is left behind on the secondary: %w. Try: leftoff drill once more, which deletes it", group, err)
	}
	var working errgroup.Group
	working.SetLimit(r.o.Parallel)
	last := beacon(r.ID)
	for _, g := range groups {
		if g != last {
			working.Go(func() error { drop(g); return nil })
		}
	}
	_ = working.Wait()
	if m != nil {
		_ = m.Leave(ctx) // deleting it takes its member out
	}
	if len(groups) > 0 {
		drop(last)
	}
}

// problem notes what could not be looked at.
func (r *run) problem(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}
