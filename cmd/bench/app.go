package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/internal/bench"
)

// run is main without the exit. A second Ctrl-C ends the process at once, and the kernel ends its brokers with it.
func run(args []string) int {
	if code, ok := bench.Child(); ok {
		return code
	}
	testing.Init() // internal/rig asks testing.Short()
	if err := flag.CommandLine.Parse(nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	defer stop()
	root := command()
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// settings are the flags.
type settings struct {
	runs    int
	short   bool
	out     string
	verbose bool
}

func command() *cobra.Command {
	s := &settings{}
	root := &cobra.Command{
		Use: "bench", Short: "leftoff's benchmarks, side by side with MirrorMaker 2",
		Long: `Measures on real Kafka, prints each result, and puts it into benchmarks.json and benchmarks.md; the results of other measures stay.
With --short nothing is written unless --out is said.`,
		Example: `  go run ./cmd/bench all
  go run ./cmd/bench latency --runs 5`,
		SilenceErrors: true, SilenceUsage: true,
	}
	flags := root.PersistentFlags()
	flags.IntVar(&s.runs, "runs", 3, "how often each figure is taken")
	flags.BoolVar(&s.short, "short", false, "a smoke run: seconds, one run, and figures nobody should quote")
	flags.StringVar(&s.out, "out", "docs", "folder of benchmarks.md and benchmarks.json")
	flags.BoolVarP(&s.verbose, "verbose", "v", false, "the logs of measures that did not fail, too")
	for _, m := range bench.Measures() {
		root.AddCommand(&cobra.Command{
			Use: m.Name, Short: m.Short, Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return s.execute(c, m) },
		})
	}
	root.AddCommand(&cobra.Command{
		Use: "all", Short: "every measure, one after the other: about an hour on two cores", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.execute(c, bench.Measures()...) },
	})
	root.AddCommand(&cobra.Command{
		Use: "render", Short: "write benchmarks.md anew from benchmarks.json; nothing is measured", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return bench.Render(s.out) },
	})
	return root
}

func (s *settings) execute(c *cobra.Command, measures ...bench.Measure) error {
	if s.short {
		if !c.Flags().Changed("runs") {
			s.runs = 1
		}
		if !c.Flags().Changed("out") {
			s.out = ""
		}
	}
	if s.out == "docs" {
		if _, err := os.Stat("go.mod"); err != nil {
			return errors.New("not in the repository's folder. Try: --out DIR, or go there")
		}
	}
	return bench.Execute(c.Context(), measures, bench.Options{
		Runs: s.runs, Short: s.short, Out: s.out, Progress: os.Stderr, Terminal: terminal(os.Stderr), Tables: os.Stdout, Verbose: s.verbose,
	})
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && f.Name() != os.DevNull
}
