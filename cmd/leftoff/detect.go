package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/detect"
	"github.com/leftoff/leftoff/replicator/kafka"
)

func (a *app) detectCommand() *cobra.Command {
	var primary, secondary []string
	var only bool
	c := a.withPatience(a.withLink(a.withOutput(&cobra.Command{
		Use: "detect", Short: "which mirror is there, which mapping fits, a ready configuration", Args: cobra.NoArgs,
		Long: `Looks at both clusters of each link, at names, bounds and a few records, and says which mirror copies the topics, which mapping
leftoff would use for each of them and why, and whether MirrorMaker 2 writes group offsets as well. It only reads.

Without a file, name brokers of both clusters: they become west and east in the configuration that is printed.

Exit status: 1 where nothing was found that leftoff could follow, or something needs a person.`,
		Example: `  leftoff detect --primary kafka-west:9092 --secondary kafka-east:9092
  leftoff detect -c link.yml -o json`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, sides, err := a.sides(primary, secondary)
			if err != nil {
				return err
			}
			return a.detect(c.Context(), cfg, sides, only)
		},
	})))
	c.Flags().StringSliceVar(&primary, "primary", nil, "brokers of the primary, host:port, instead of a configuration")
	c.Flags().StringSliceVar(&secondary, "secondary", nil, "brokers of the secondary")
	c.Flags().BoolVar(&only, "yaml", false, "print the configuration only, problems as comments")
	return c
}

// sided is a link to be looked at.
type sided struct {
	configs.Link
	here, there kafka.Config
	options     detect.Options
}

// sides are what to look at: two clusters of the command line, or the links of the configuration.
func (a *app) sides(primary, secondary []string) (configs.Config, []sided, error) {
	if len(primary)+len(secondary) == 0 {
		return a.sidesOfFile()
	}
	cfg := configs.Default()
	switch {
	case len(primary) == 0, len(secondary) == 0:
		return cfg, nil, usage("--primary and --secondary go together").hint("leftoff detect --primary kafka-west:9092 --secondary kafka-east:9092")
	case a.link != "":
		return cfg, nil, usage("--link names a link of the configuration").hint("leave out --primary and --secondary, or --link")
	}
	cfg.Clusters = map[string]configs.Cluster{}
	s := sided{Link: configs.DefaultLink()}
	s.Name, s.Primary, s.Secondary = "west-east", "west", "east"
	for _, side := range []struct {
		name, flag string
		brokers    []string
		of         *kafka.Config
	}{{"west", "--primary", primary, &s.here}, {"east", "--secondary", secondary, &s.there}} {
		for _, b := range side.brokers {
			if _, _, err := net.SplitHostPort(b); err != nil {
				return cfg, nil, usage("%s %s: not host:port", side.flag, b).hint(strings.TrimSuffix(b, ":") + ":9092")
			}
		}
		cluster := configs.DefaultCluster()
		cluster.Brokers = side.brokers
		cfg.Clusters[side.name] = cluster
		*side.of = kafka.Config{Name: side.name, Brokers: side.brokers}
	}
	return cfg, []sided{s}, nil
}

func (a *app) sidesOfFile() (configs.Config, []sided, error) {
	cfg, err := a.load()
	if err != nil {
		if strings.HasPrefix(err.Error(), "no file ") {
			return cfg, nil, usage("no file %s", a.config).hint("leftoff detect --primary kafka-west:9092 --secondary kafka-east:9092, or -c FILE")
		}
		return cfg, nil, err
	}
	links, err := daemon.FromConfig(cfg)
	if err != nil {
		return cfg, nil, err
	}
	var all []sided
	for i, l := range cfg.Links {
		if a.link == "" || a.link == l.Name {
			all = append(all, sided{l, links[i].Primary, links[i].Secondary, detect.Options{Select: l.SelectTopic(), SyncsTopic: l.MM2.SyncsTopic, SyncsOn: l.MM2.SyncsOn}})
		}
	}
	if len(all) == 0 {
		return cfg, nil, usage("--link %s: no such link", a.link).hint("leftoff config print")
	}
	return cfg, all, nil
}

// detection is what `detect -o json` prints.
type detection struct {
	Links  []detected `json:"links"`
	Config string     `json:"config"`
}

type detected struct {
	Link      string `json:"link"`
	Primary   string `json:"primary"`
	Secondary string `json:"secondary"`
	detect.Report
}

func (a *app) detect(ctx context.Context, cfg configs.Config, sides []sided, only bool) error {
	var d detection
	var proposed []detect.Link
	for _, s := range sides {
		r, err := a.look(ctx, s)
		if err != nil {
			return err
		}
		s.compare(&r)
		d.Links = append(d.Links, detected{s.Name, s.Primary, s.Secondary, r})
		links, err := s.propose(r)
		if err != nil {
			return err
		}
		proposed = append(proposed, links...)
	}
	if len(proposed) > 0 {
		clusters, err := clustersYAML(cfg, proposed)
		if err != nil {
			return err
		}
		d.Config = clusters + "\n" + detect.Config(proposed)
	}
	if done, err := a.json(d); err != nil {
		return err
	} else if !done && only {
		printYAML(a.out, d)
	} else if !done {
		printDetection(a.out, d)
	}
	if slices.ContainsFunc(d.Links, func(l detected) bool { return !l.Usable() }) {
		return errBad
	}
	return nil
}

func (a *app) look(ctx context.Context, s sided) (detect.Report, error) {
	log, err := a.logger("error")
	if err != nil {
		return detect.Report{}, err
	}
	primary, secondary := kafka.Open(s.here, log), kafka.Open(s.there, log)
	defer primary.Close()
	defer secondary.Close()
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	say, end := a.saying()
	defer end()
	s.options.Progress = func(what string) { say(s.Name + ": " + what) }
	r, err := detect.Look(ctx, primary, secondary, s.options)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("not done after %s: %w. Try: --timeout with more", a.patience, err)
	}
	return r, err
}

// compare says where the configuration disagrees with what was found.
func (s *sided) compare(r *detect.Report) {
	if prefix := s.Topics.Rename.Prefix; s.Mapping != "" && prefix != r.Prefix && r.Mirror != "none" {
		r.Problems = append(r.Problems, fmt.Sprintf("topics have the prefix %q on the secondary, and %q in the configuration. Try: topics.rename as printed here", r.Prefix, prefix))
	}
	if s.Mapping == configs.MappingMirror && r.Mirror != "none" {
		r.Notes = append(r.Notes, "the configuration says mapping mirror: leftoff's own copies look like those of an unknown mirror; leave it at that if no other one runs")
	}
}
