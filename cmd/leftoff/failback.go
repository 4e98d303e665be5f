package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// returning are the flags of a failback.
type returning struct {
	order           failover.Order
	export          string
	replay, discard bool
	moved           bool
	yes             bool
}

func (a *app) failbackCommand() *cobra.Command {
	var f returning
	c := a.withFailover(&cobra.Command{
		Use: "failback", Short: "the way home: records and groups come back, and the original link resumes", Args: cobra.NoArgs,
		Long: `After a failover, with both regions up. First it says what the primary had and the secondary never got: a person chooses whether those records
are exported to a file, produced to the secondary, or left where they are. Then leftoff's mirror copies home what was produced on
the secondary, from where the topics were switched; it waits until the groups are stopped there, until everything is home, until
every position is written and exact, and reads the records. Start producers and consumers on the primary when it says so, not before. Last
the original link resumes, and copies nothing that came home.

A mirror that is not leftoff's has to be stopped until then, and has to be told where to go on before it is started again, or it copies
back what came home. The offsets are said when everything is home; --mirror-moved says that it was done.

Ctrl-C leaves it where it is; the same command goes on from there.

Exit status: 0 done; 1 it waits for a person; 2 it could not do its work.`,
		Example: `  leftoff failback
  leftoff failback --export lost.jsonl --yes`,
		RunE: func(c *cobra.Command, _ []string) error { return a.failback(c.Context(), &f) },
	})
	flags := c.Flags()
	flags.StringVar(&f.export, "export", "", "write what the secondary never got to this file, one JSON record a line")
	flags.BoolVar(&f.replay, "replay", false, "produce what the secondary never got to it, behind what it has")
	flags.BoolVar(&f.discard, "discard", false, "leave what the secondary never got where it is")
	flags.BoolVar(&f.order.Accept, "accept", false, "go on where positions are not exact, or records differ; it is written down")
	flags.BoolVarP(&f.yes, "yes", "y", false, "don't ask")
	flags.StringVar(&f.order.Why, "why", "", "what to remember as the reason")
	flags.BoolVar(&f.moved, "mirror-moved", false, "the mirror, which is not leftoff's, was set to go on where leftoff failback said")
	c.MarkFlagsMutuallyExclusive("export", "replay", "discard", "mirror-moved")
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
		if f.moved {
			return a.mirrorMoved(ctx, d, f, where)
		}
		if where.State.Over() {
			if err := a.sure(f.yes, "Bring link "+where.Link+" home?"); err != nil {
				return err
			}
		}
		p, err := d.Failover(ctx, api.FailoverOrder{Link: a.link, Verb: api.FailoverReturn, Order: f.order})
		if err != nil {
			return err
		}
		if p, err = a.divergence(ctx, d, f.order, p); err != nil {
			return err
		}
		if len(p.Diverged) > 0 && f.choice() != "" {
			if err := a.diverged(ctx, f, where.Link, p.Diverged); err != nil {
				return err
			}
			f.order.Choice = f.choice()
		}
		if p.Needs && f.order.Choice == "" {
			if err := a.printFailover(p); err != nil {
				return err
			}
			return errBad
		}
		return a.watchFailover(ctx, d, f.order, p)
	})
}

// divergence goes on until it is known what has to be chosen about, which may take a look at all that was produced on the secondary.
func (a *app) divergence(ctx context.Context, d failingOver, o failover.Order, p api.FailoverAnswer) (api.FailoverAnswer, error) {
	shown := newStepper(a.err, p.State)
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

// diverged does with what the secondary never got what a person chose, and says what it was.
func (a *app) diverged(ctx context.Context, f *returning, link string, all []failover.Unmirrored) error {
	primary, secondary, there, err := a.clustersOf(link)
	if err != nil {
		return err
	}
	defer primary.Close()
	defer secondary.Close()
	say, end := a.saying()
	defer end()
	say("reading what the secondary never got")
	var spans []failover.Span
	switch f.choice() {
	case failover.Export:
		file, err := os.OpenFile(f.export, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("--export: %w. Try: the name of a file that is not there yet", err)
		}
		spans, err = failover.ExportDivergence(ctx, primary, all, file)
		if err == nil {
			err = file.Sync()
		}
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	case failover.Replay:
		if spans, err = failover.ReplayDivergence(ctx, primary, all, secondary, there); err != nil {
			return err
		}
	case failover.Discard:
		if spans, err = failover.ExportDivergence(ctx, primary, all, io.Discard); err != nil {
			return err
		}
	}
	end()
	if a.output != "json" {
		printSpans(a.out, f.choice(), spans)
	}
	return nil
}

// clustersOf opens the clusters of a link.
func (a *app) clustersOf(link string) (primary, secondary *kafka.Cluster, there func(string) string, err error) {
	log, err := a.logger("error")
	if err != nil {
		return nil, nil, nil, err
	}
	_, sides, err := a.sidesOfFile()
	if err != nil {
		return nil, nil, nil, err
	}
	for _, s := range sides {
		if s.Name == link {
			return kafka.Open(s.here, log), kafka.Open(s.there, log), s.Topics.Rename.Apply, nil
		}
	}
	return nil, nil, nil, usage("link %s is not in %s", link, a.config).hint("-c with the daemon's configuration")
}

func printSpans(w io.Writer, choice string, spans []failover.Span) {
	words := map[string]string{failover.Export: "exported", failover.Replay: "produced to the secondary", failover.Discard: "left on the primary only"}
	fmt.Fprintf(w, "The secondary never got these; they are %s:\n\n", words[choice])
	t := newTable("TOPIC", ">PARTITION", ">FROM", ">TO", ">RECORDS", "FIRST", "LAST")
	for _, s := range spans {
		first, last := "-", "-"
		if s.Records > 0 {
			first, last = s.First.Format("2006-01-02T15:04:05Z"), s.Last.Format("2006-01-02T15:04:05Z")
		}
		t.row(s.Topic, number(int64(s.Partition)), number(s.From), number(s.To-1), number(int64(s.Records)), first, last)
	}
	t.print(w)
	fmt.Fprintln(w)
}
