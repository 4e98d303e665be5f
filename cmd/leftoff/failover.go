package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// failing are the flags of a failover.
type failing struct {
	order  failover.Order
	dryRun bool
	yes    bool
}

func (a *app) failoverCommand() *cobra.Command {
	var f failing
	c := a.withFailover(&cobra.Command{
		Use: "failover", Short: "take the groups to the secondary: step by step, with a proof; resumable", Args: cobra.NoArgs,
		Long: `Planned, with both regions up: waits until the groups are stopped on the primary (it names who still runs, and stops nobody),
until the mirror has copied everything, until every position is written and exact, reads the records at the positions on both
sides, and only then switches: leftoff's mirror of the topics is fenced, and the groups are handed over, not to be written any
more.

With --unplanned the primary is gone: what is known is written down, and what is not known is said.

Every step is kept on the secondary (topic leftoff-state). Ctrl-C leaves it where it is; the same command goes on from there, on any
machine. Until a group has started on the secondary, 'leftoff failover rollback' turns it round. Comparing the records of a large
cluster takes its time: the daemon goes on with it while nobody watches, and rollback ends it.

Exit status: 0 done; 1 it waits for a person, who can --accept what is not exact; 2 it could not do its work.`,
		Example: `  leftoff failover --dry-run
  leftoff failover --unplanned --why outage`,
		RunE: func(c *cobra.Command, _ []string) error { return a.failover(c.Context(), &f) },
	})
	flags := c.Flags()
	flags.BoolVar(&f.order.Unplanned, "unplanned", false, "the primary is gone: ask nothing of it")
	flags.StringSliceVar(&f.order.Scope.Groups, "group", nil, "these groups only; topics keep their roles")
	flags.StringSliceVar(&f.order.Scope.Topics, "topic", nil, "these topics only, and the groups' offsets of them")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what every step would find, and change nothing")
	flags.BoolVar(&f.order.Accept, "accept", false, "go on where positions are not exact, or records differ; it is written down")
	flags.BoolVarP(&f.yes, "yes", "y", false, "don't ask")
	flags.StringVar(&f.order.Why, "why", "", "what to remember as the reason")
	c.AddCommand(a.failoverStatusCommand(), a.failoverRollbackCommand())
	return c
}

// withFailover adds what its subcommands share.
func (a *app) withFailover(c *cobra.Command) *cobra.Command {
	return a.withPatience(a.withLink(a.withOutput(c)))
}

func (a *app) failoverStatusCommand() *cobra.Command {
	return a.withFailover(&cobra.Command{
		Use: "status", Short: "how the failover stands, or how the last one went", Args: cobra.NoArgs,
		Example: "  leftoff failover status\n  leftoff failover status -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withFailing(c.Context(), true, func(ctx context.Context, d failingOver) error {
				p, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverWhere})
				if err != nil {
					return err
				}
				if done, err := a.json(p); done {
					return err
				}
				a.printFailover(p)
				return nil
			})
		},
	})
}

func (a *app) failoverRollbackCommand() *cobra.Command {
	var f failing
	c := a.withFailover(&cobra.Command{
		Use: "rollback", Short: "turn a failover round, until a group has started on the secondary", Args: cobra.NoArgs,
		Long: `Lets leftoff's mirror and the groups follow the primary again. It is refused where a group has started on the secondary, and where
producers have written there since the switch: what they wrote would be left behind, and consumers of the primary would never read
it. 'leftoff failback' brings it home. With --accept it is left behind, and that is written down.`,
		Example: "  leftoff failover rollback\n  leftoff failover rollback --yes --why mistake",
		RunE: func(c *cobra.Command, _ []string) error {
			f.order.Who, f.order.Version = whoAmI(), thisVersion().Version
			return a.withFailing(c.Context(), false, func(ctx context.Context, d failingOver) error {
				if err := a.sureBack(ctx, d, &f); err != nil {
					return err
				}
				p, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverRollback, Order: f.order})
				if err != nil {
					return err
				}
				return a.watchFailover(ctx, d, f.order, p)
			})
		},
	})
	c.Flags().BoolVar(&f.order.Accept, "accept", false, "leave behind what was produced on the secondary since the switch; it is written down")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "don't ask")
	c.Flags().StringVar(&f.order.Why, "why", "", "what to remember as the reason")
	return c
}

// sureBack says which failover would be turned round, and between which clusters, and asks.
func (a *app) sureBack(ctx context.Context, d failingOver, f *failing) error {
	where, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverWhere})
	if err != nil || where.State == nil || where.State.Home != nil {
		return err // there is nothing to ask about, and Rollback says why
	}
	s := where.State
	a.direction(where.Secondary, where.Primary)
	return a.sure(f.yes, fmt.Sprintf("Turn round the failover of link %s that %s began %s, at step %s, and let the secondary follow the primary again?",
		where.Link, s.Who, s.Began.Local().Format(time.DateTime), word(s.Step)))
}

// failingOver is the daemon, or one in this process.
type failingOver interface {
	Failover(ctx context.Context, o api.FailoverOrder) (api.FailoverAnswer, error)
}

func (a *app) failover(ctx context.Context, f *failing) error {
	f.order.Who, f.order.Version = whoAmI(), thisVersion().Version
	return a.withFailing(ctx, f.dryRun, func(ctx context.Context, d failingOver) error {
		where, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverWhere})
		if err != nil {
			return err
		}
		if where.State.Over() {
			bad, err := a.tryFailover(ctx, d, f)
			switch {
			case err != nil:
				return err
			case f.dryRun && bad:
				return errBad
			case f.dryRun:
				return nil
			}
			a.direction(where.Primary, where.Secondary)
			if err := a.sure(f.yes, "Fail over link "+where.Link+"?"); err != nil {
				return err
			}
		} else if f.dryRun {
			fmt.Fprintln(a.err, "a failover is under way; nothing is tried:")
			if done, err := a.json(where); err != nil {
				return err
			} else if !done {
				a.printFailover(where)
			}
			return errBad
		} else if err := a.goingOnAway(f, where); err != nil {
			return err
		}
		p, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverBegin, Order: f.order})
		if err != nil {
			return err
		}
		return a.watchFailover(ctx, d, f.order, p)
	})
}

// goingOnAway is goingOn for a failover. A way home, and another order than the one that is under way, are refused, with the reason.
func (a *app) goingOnAway(f *failing, where api.FailoverAnswer) error {
	if where.State.Home != nil || where.State.Unplanned != f.order.Unplanned {
		return nil
	}
	return a.goingOn(f.yes, "failover", where.State, where.Primary, where.Secondary)
}

// tryFailover shows what every step would find. For programs that is an answer of its own only where it is all they asked for.
func (a *app) tryFailover(ctx context.Context, d failingOver, f *failing) (bad bool, err error) {
	t, err := a.tried(ctx, d, f)
	if err != nil {
		return false, err
	}
	bad = slices.ContainsFunc(t.Trial, func(t failover.Trial) bool { return len(t.Finds) > 0 })
	out := a.out
	switch {
	case a.output == "json" && f.dryRun:
		_, err := a.json(t)
		return bad, err
	case a.output == "json":
		out = a.err
	}
	printTrial(out, t.Trial)
	return bad, nil
}

// tried asks what the steps would find until nothing is being looked at any more.
func (a *app) tried(ctx context.Context, d failingOver, f *failing) (api.FailoverAnswer, error) {
	say, end := a.saying()
	defer end()
	for {
		t, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverTry, Order: f.order})
		if err != nil {
			return t, err
		}
		going := slices.IndexFunc(t.Trial, func(t failover.Trial) bool { return t.Going })
		if going < 0 {
			return t, nil
		}
		say(word(t.Trial[going].Step) + ": " + t.Trial[going].Says)
		select {
		case <-ctx.Done():
			return t, ctx.Err()
		case <-time.After(failoverEvery):
		}
	}
}

// sure asks before something is changed.
func (a *app) sure(yes bool, question string) error {
	if yes {
		return nil
	}
	return a.ask(question)
}

const failoverEvery = 500 * time.Millisecond

// watchFailover takes a failover forward until it is over or needs a person, shows how it goes, and prints how it stands then.
func (a *app) watchFailover(ctx context.Context, d failingOver, o failover.Order, p api.FailoverAnswer) error {
	p, err := a.follow(ctx, d, o, p)
	if err != nil {
		return err
	}
	return a.ended(homeAnswer{FailoverAnswer: p})
}

// ended prints how a failover stands that is not followed any more.
func (a *app) ended(h homeAnswer) error {
	if done, err := a.json(h); err != nil {
		return err
	} else if !done {
		a.printFailover(h.FailoverAnswer)
	}
	if h.Needs {
		return errBad
	}
	return nil
}

// follow takes a failover forward until it is over or needs a person, and shows how it goes.
func (a *app) follow(ctx context.Context, d failingOver, o failover.Order, p api.FailoverAnswer) (api.FailoverAnswer, error) {
	shown := newStepper(a.err, p.State)
	defer shown.end()
	for !p.State.Over() {
		next, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverAdvance, Order: o})
		switch {
		case ctx.Err() != nil:
			shown.end()
			fmt.Fprintf(a.err, "left at step %s. The same command goes on from there%s\n", word(p.State.Step), turnsRound(p.State))
			return p, ctx.Err()
		case err != nil:
			return p, err
		}
		moved := next.State.Step != p.State.Step
		p = next
		shown.show(p.Progress)
		if p.Needs {
			break
		}
		if !moved {
			select {
			case <-ctx.Done():
			case <-time.After(failoverEvery):
			}
		}
	}
	return p, nil
}

// turnsRound: a way home goes forward only.
func turnsRound(s *failover.State) string {
	if s.Home != nil {
		return ""
	}
	return ", 'leftoff failover rollback' turns it round"
}

// withFailing finds the daemon, or runs one in this process for as long as it takes: with the gate closed where nothing is to be changed.
func (a *app) withFailing(ctx context.Context, readOnly bool, f func(context.Context, failingOver) error) error {
	c, err := a.client()
	if err == nil {
		err = c.Alive(ctx)
	}
	switch {
	case err == nil:
		return f(ctx, c)
	case !errors.Is(err, api.ErrNoDaemon):
		return err
	case a.http != "":
		return needsDaemon(err)
	}
	fmt.Fprintln(a.err, "no daemon answers: running one here for as long as it takes")
	links, log, err := a.pipeline()
	if err != nil {
		return err
	}
	if readOnly {
		takeBack, err := lendIndexes(links)
		if err != nil {
			return err
		}
		for i := range links {
			links[i].ReadOnly = true
		}
		return errors.Join(runHere(ctx, links, log, a.patience, f), takeBack())
	}
	for _, l := range links {
		if err := os.MkdirAll(filepath.Dir(l.IndexPath), 0o750); err != nil {
			return fmt.Errorf("data_dir: %w", err)
		}
	}
	return runHere(ctx, links, log, a.patience, f)
}

// ask puts a question to a person; anything but yes is an error that says nothing was changed.
func (a *app) ask(question string) error {
	if a.in == os.Stdin && !terminal(os.Stdin) && a.output == "json" {
		return usage("nobody to ask").hint("--yes")
	}
	fmt.Fprintf(a.err, "\n%s [y/N] ", question)
	answer, ended, err := readLine(a.in)
	switch {
	case err != nil:
		return err
	case slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)):
		return nil
	case ended:
		fmt.Fprintln(a.err)
		return usage("nobody answered; nothing was changed").hint("--yes")
	}
	return usage("nothing was changed")
}
