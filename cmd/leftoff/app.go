package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/configs"
)

// app is what all commands share: the outside world, and the flags of the root.
type app struct {
	in       io.Reader
	out, err io.Writer
	outside  configs.Outside

	config    string
	http      string
	link      string
	logLevel  string
	logFormat string
	output    string
	patience  time.Duration
}

// run is main without the exit. A second Ctrl-C ends the process at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	defer stop()
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, outside: configs.System()}
	return a.execute(ctx, os.Args[1:])
}

func (a *app) execute(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && err != nil {
		err = errInterrupted
	}
	return a.report(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "leftoff",
		Short: "consumers pick up where they left off, in the other region",
		Long: `Leftoff keeps the committed offsets of one Kafka cluster in step on another one, exactly: for every consumer group the
secondary holds the offset from which it would resume with nothing skipped and nothing read again that can be avoided.

Exit status: 0 fine, 1 the answer is bad, 2 the command could not do its work.`,
		Example: `  leftoff config check -c link.yml
  leftoff run -c link.yml`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetUsageTemplate(usageTemplate)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.config, "config", "c", "link.yml", "the configuration file")
	flags.StringVar(&a.http, "http", "", "address of the daemon, instead of the configuration's")
	flags.StringVar(&a.logLevel, "log-level", "", "debug, info, warn or error (default: info for run, error for others)")
	flags.StringVar(&a.logFormat, "log-format", "auto", "console, json, or auto: console on a terminal")
	root.AddCommand(a.commands()...)
	return root
}

func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.demoCommand(), a.runCommand(), a.statusCommand(), a.planCommand(), a.translateCommand(), a.reclaimCommand(),
		a.configCommand(), a.detectCommand(), a.drillCommand(), a.verifyCommand(),
		a.failoverCommand(), a.failbackCommand(), a.indexCommand(), a.versionCommand(), a.healthCommand(),
	}
}

// withOutput adds -o to a command that prints state.
func (a *app) withOutput(c *cobra.Command) *cobra.Command {
	c.Flags().StringVarP(&a.output, "output", "o", "table", "table or json")
	check := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if a.output != "table" && a.output != "json" {
			return usage("-o %s: no such output", a.output).hint("-o table or -o json")
		}
		return check(c, args)
	}
	return c
}

// withPatience adds --timeout to a command that reads the clusters itself where no daemon runs.
func (a *app) withPatience(c *cobra.Command) *cobra.Command {
	c.Flags().DurationVar(&a.patience, "timeout", time.Minute, "how long to wait for the clusters, where no daemon runs")
	return c
}

// withLink adds --link to a command that looks at one of several links.
func (a *app) withLink(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.link, "link", "", "the link, where the configuration has several")
	return c
}

// load reads the configuration. Its problems become one error of several lines.
func (a *app) load() (configs.Config, error) {
	cfg, err := configs.Load(a.config, a.outside)
	if err != nil {
		return cfg, problems(a.config, err)
	}
	if a.http != "" {
		cfg.HTTP = a.http
	}
	return cfg, nil
}
