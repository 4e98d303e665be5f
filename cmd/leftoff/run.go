package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/metrics"
)

func (a *app) runCommand() *cobra.Command {
	var profiles bool
	c := &cobra.Command{
		Use: "run", Short: "the daemon", Args: cobra.NoArgs,
		Long: `Follows every link of the configuration and serves its state over HTTP. It starts with either cluster down, and keeps trying.
Ctrl-C or SIGTERM ends it; so does kill -9, with nothing lost but a second of the index.

Exit status: 2 where going on could do harm: wrong credentials at the start, another cluster than last time, an index that
belongs to another link or is in use.`,
		Example: `  leftoff run -c link.yml
  leftoff run -c link.yml --log-level debug --log-format json`,
		RunE: func(c *cobra.Command, _ []string) error { return a.runDaemon(c.Context(), profiles) },
	}
	c.Flags().BoolVar(&profiles, "pprof", false, "serve CPU and heap profiles at /debug/pprof, where http is on loopback")
	return c
}

func (a *app) runDaemon(ctx context.Context, profiles bool) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	log, err := a.logger("info")
	if err != nil {
		return err
	}
	if profiles && cfg.HTTP == configs.NoHTTP {
		return usage("--pprof: the configuration says http: none").hint("http: 127.0.0.1:9780, or no --pprof")
	}
	links, err := daemon.FromConfig(cfg)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o750); err != nil {
		return fmt.Errorf("data_dir: %w. Try: data_dir with a folder that this user may write to", err)
	}
	log.Info("leftoff", zap.String("version", thisVersion().Version), zap.String("config", a.config), zap.Int("links", len(links)))
	err = daemon.New(daemon.Options{Links: links, Logger: log, Version: thisVersion().Version, HTTP: serveHTTP(cfg, profiles, log)}).Run(ctx)
	if err == nil {
		log.Info("ended")
	}
	return err
}

// serveHTTP answers over the daemon's state; nil where the configuration wants no server.
func serveHTTP(cfg configs.Config, profiles bool, log *zap.Logger) func(context.Context, *daemon.Daemon) error {
	if cfg.HTTP == configs.NoHTTP {
		return nil
	}
	return func(ctx context.Context, d *daemon.Daemon) error {
		v := thisVersion().Version
		collector := metrics.New(metrics.Options{Source: d, PerGroup: cfg.Metrics.PerGroup, Version: v, Logger: log.Named("metrics")})
		server, err := api.Listen(cfg.HTTP, api.Options{Source: d, Metrics: metrics.Handler(collector), Version: v, Logger: log.Named("http"), Profiles: profiles})
		if err != nil {
			return err
		}
		if !loopback(server.Addr()) {
			log.Warn("http answers beyond this machine, and has no login", zap.String("http", server.Addr()))
		}
		log.Info("answering", zap.String("http", "http://"+server.Addr()))
		return server.Serve(ctx)
	}
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// pipeline is what a command without a daemon needs to run one itself.
func (a *app) pipeline() ([]daemon.Link, *zap.Logger, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	log, err := a.logger("error")
	if err != nil {
		return nil, nil, err
	}
	links, err := daemon.FromConfig(cfg)
	return links, log, err
}
