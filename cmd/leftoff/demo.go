package main

import (
	"context"
	"math/rand/v2"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/internal/story"
	"github.com/leftoff/leftoff/replicator/daemon"
)

func (a *app) demoCommand() *cobra.Command {
	var o story.Options
	c := &cobra.Command{
		Use: "demo", Short: "two regions, one of them dies: watch the consumers go on in the other", Args: cobra.NoArgs,
		Long: `Starts two embedded Kafka regions, west and east, with payments and consumer groups in west and leftoff between them. Then
west is gone, the groups go on in east under the same names with auto.offset.reset=none, and a judge that shares no code
with leftoff says whether a payment was lost or taken twice. Takes about ten seconds and leaves nothing behind.

Exit status: 1 where the proof fails, 2 where the story could not be played.`,
		Example: `  leftoff demo
  leftoff demo --keep`,
		RunE: func(c *cobra.Command, _ []string) error { return a.playDemo(c.Context(), o, story.Run) },
	}
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "who pays what, and which transactions are aborted (default: a new one each time)")
	c.Flags().BoolVar(&o.Keep, "keep", false, "west does not die: both regions and leftoff stay up for kcat, Kafka's own tools and leftoff status")
	return a.withOutput(c)
}

// playDemo ends in errBad where the proof fails.
func (a *app) playDemo(ctx context.Context, o story.Options, play func(context.Context, story.Options) (*story.Report, error)) error {
	if o.Seed == 0 {
		o.Seed = 1 + rand.Uint64N(1_000_000)
	}
	o.Out, o.HTTP, o.Serve = a.out, a.http, serveDemo
	if a.output == "json" {
		o.Out = a.err
	}
	o.Show = func(r *story.Report) error {
		if done, err := a.json(r); done {
			return err
		}
		return r.Print(a.out)
	}
	r, err := play(ctx, o)
	if err == nil && !r.Proven {
		err = errBad
	}
	return err
}

// serveDemo answers as `leftoff run` does. The daemon's log has its own file.
func serveDemo(ctx context.Context, cfg configs.Config, log *zap.Logger, d *daemon.Daemon) error {
	return serveHTTP(cfg, false, log)(ctx, d)
}
