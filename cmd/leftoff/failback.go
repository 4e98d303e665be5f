package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// returning are the flags of a failback.
type returning struct {
	order           failover.Order
	export          string
	replay, discard bool
	moved           bool
	yes             bool
	exported        string // what was written, and where to
}

func (a *app) failbackCommand() *cobra.Command {
	var f returning
	c := a.withFailover(&cobra.Command{
		Use: "failback", Short: "the way home: records and groups come back, and the original link resumes", Args: cobra.NoArgs,
		Long: `After a failover, with both regions up. First it says what the primary had and the secondary never got, by partition: how many records, at which
offsets, of which times. A person chooses whether they are exported to a file, produced to the secondary, or left where they are. What
--replay produces stays where it is on the primary, and is not copied there a second time; killed half-way, the same command produces the rest. A
group that has not read the replayed records on the secondary reads them on the primary, and what came home after them once more: let groups
read to the end on the secondary first.

Then leftoff's mirror copies home what was produced on the secondary, from where the topics were switched; it waits until the groups are
stopped there, until everything is home, until every position is written and exact, and reads the records. Start producers and
consumers on the primary when it says so, not before. Last the original link resumes, and copies nothing that came home.

A mirror that is not leftoff's has to be stopped until then, and has to be told where to go on before it is started again, or it copies
back what came home. The offsets are said when everything is home; --mirror-moved says that it was done.

Ctrl-C leaves it where it is; the same command goes on from there.

Exit status: 0 done; 1 it waits for a person; 2 it could not do its work.`,
		Example: `  leftoff failback
  leftoff failback --export lost.jsonl --yes`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := oneOf(c, "export", "replay", "discard", "mirror-moved"); err != nil {
				return err
			}
			return a.failback(c.Context(), &f)
		},
	})
	flags := c.Flags()
	flags.StringVar(&f.export, "export", "", "write what the secondary never got to this file, one JSON record a line")
	flags.BoolVar(&f.replay, "replay", false, "produce what the secondary never got to it, behind what it has")
	flags.BoolVar(&f.discard, "discard", false, "leave what the secondary never got where it is")
	flags.BoolVar(&f.order.Accept, "accept", false, "go on where positions are not exact, or records differ; it is written down")
	flags.BoolVarP(&f.yes, "yes", "y", false, "don't ask")
	flags.StringVar(&f.order.Why, "why", "", "what to remember as the reason")
	flags.BoolVar(&f.moved, "mirror-moved", false, "the mirror, which is not leftoff's, was set to go on where leftoff failback said")
	return c
}

func (f *returning) choice() string {
	switch {
	case f.export != "":
		return failover.Export
	case f.replay:
		return failover.Replay
	case f.discard:
		return failover.Discard
	}
	return ""
}

func (a *app) failback(ctx context.Context, f *returning) error {
	f.order.Who, f.order.Version = whoAmI(), thisVersion().Version
	return a.withFailing(ctx, false, func(ctx context.Context, d failingOver) error {
		where, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverWhere})
		if err != nil {
			return err
		}
		if err := a.sureHome(f, where); err != nil {
			return err
		}
		if f.moved {
			return a.mirrorMoved(ctx, d, f, where)
		}
		p, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverReturn, Order: f.order})
		if err != nil {
			return err
		}
		if p, err = a.divergence(ctx, d, f.order, p); err != nil {
			return err
		}
		if said := f.tooLate(p.State); said != "" {
			fmt.Fprintln(a.err, said)
		}
		spans, err := a.choose(ctx, f, p)
		if err != nil {
			return err
		}
		if !p.Needs || f.order.Choice != "" {
			shown := p
			if p, err = a.follow(ctx, d, f.order, shown); err != nil {
				return err
			}
			if more := failover.Beyond(p.Diverged, f.order.Diverged); len(more) > 0 { // the primary's producers go on
				if spans, err = a.lookAt(ctx, p.Link, p.Diverged); err != nil {
					return err
				}
				a.printDiverged(spans)
			}
		}
		return a.home(f, homeAnswer{p, spans})
	})
}

// sureHome refuses where it is known that nothing can come home. It says from where to where, and asks before the way home is begun, or one that somebody else is at is gone on with.
func (a *app) sureHome(f *returning, where api.FailoverAnswer) error {
	s := where.State
	switch {
	case s.Over() && where.Switched != nil && *where.Switched == 0:
		return fmt.Errorf("link %s: %w", where.Link, failover.ErrNotHome)
	case s.Over():
		a.direction(where.Secondary, where.Primary)
		return a.sure(f.yes, "Bring link "+where.Link+" home?")
	case s.Home == nil:
		return nil // it is refused, with the reason
	}
	return a.goingOn(f.yes, "failback", s, where.Secondary, where.Primary)
}

// direction says which cluster groups leave, and which they go to.
func (a *app) direction(from, to string) { fmt.Fprintf(a.err, "from %s\nto   %s\n", from, to) }

// goingOn says whose order is gone on with, and asks where it is somebody else's.
func (a *app) goingOn(yes bool, what string, s *failover.State, from, to string) error {
	fmt.Fprintf(a.err, "going on with the %s that %s began %s, at step %s\n", what, s.Who, s.Began.Local().Format(time.DateTime), word(s.Step))
	a.direction(from, to)
	if s.Who == whoAmI() {
		return nil
	}
	return a.sure(yes, fmt.Sprintf("It is %s's. Go on with it?", s.Who))
}

// divergence goes on until it is known what has to be chosen about, which may take a look at all that was produced on the secondary.
func (a *app) divergence(ctx context.Context, d failingOver, o failover.Order, p api.FailoverAnswer) (api.FailoverAnswer, error) {
	shown := newStepper(a.err, nil)
	defer shown.end()
	for p.State.Step == failover.Diverge && !p.Needs {
		next, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverAdvance, Order: o})
		if err != nil {
			return p, err
		}
		p = next
		shown.show(failover.Progress{State: &failover.State{Step: p.State.Step}, Waits: waitsOnly(p)})
		if len(p.Waits) == 0 || p.Needs {
			continue
		}
		select {
		case <-ctx.Done():
			return p, ctx.Err()
		case <-time.After(failoverEvery):
		}
	}
	return p, nil
}

// waitsOnly are what passes by itself; what a person has to choose about is printed at the end.
func waitsOnly(p api.FailoverAnswer) []string {
	if p.Needs {
		return nil
	}
	return p.Waits
}

// mirrorMoved takes the word that lets the last step go on. It is worth nothing before the offsets were said.
func (a *app) mirrorMoved(ctx context.Context, d failingOver, f *returning, where api.FailoverAnswer) error {
	if where.State == nil || where.State.Step != failover.Settle || len(where.State.Home.Resume) == 0 {
		return usage("--mirror-moved: no way home waits for a mirror to be moved").hint("leftoff failback, which says where to, when everything is home")
	}
	f.order.Choice = failover.Moved
	return a.watchFailover(ctx, d, f.order, where)
}
