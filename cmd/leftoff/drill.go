package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/drill"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// drilling is what `leftoff drill` is told.
type drilling struct {
	report, html string
	timeout      time.Duration
	// ownRPO and ownRTO: the targets were given here, and are not those of the configuration.
	ownRPO, ownRTO bool
	drill.Options
}

func (a *app) drillCommand() *cobra.Command {
	var d drilling
	c := a.withLink(a.withOutput(&cobra.Command{
		Use: "drill", Short: "a rehearsal that disturbs nobody, with a report", Args: cobra.NoArgs,
		Long: `Has a consumer resume on the secondary wherever a group would, under a shadow name (leftoff-drill.…), with the reset policy none. Compares what it
reads, and what lies below, with what the group has read and would read on the primary; counts what would be lost, had the
primary died now; deletes the shadow groups, and says all that in a report. No other group is changed, on either side.

How sure leftoff is of each position is asked of the running daemon; where there is none, both clusters are read once.

Exit status: 0 all resumed where they should, 1 something would be skipped, has no offset, differs, or misses a target, 2 it could not
be done, or not all of it: without the primary nothing can be compared.`,
		Example: `  leftoff drill --report drill.json --html drill.html
  leftoff drill -c link.yml --link west-east --group payments --rpo 5s`,
		RunE: func(c *cobra.Command, _ []string) error {
			d.ownRPO, d.ownRTO = c.Flags().Changed("rpo"), c.Flags().Changed("rto")
			return a.drill(c.Context(), d)
		},
	}))
	f := c.Flags()
	f.StringVar(&d.report, "report", "", "write the report to this file, as JSON")
	f.StringVar(&d.html, "html", "", "write it to this file, as one HTML page")
	f.StringVar(&d.Group, "group", "", "one group only")
	f.StringVar(&d.Topic, "topic", "", "one topic only, by its name on the primary")
	f.IntVar(&d.Sample, "sample", 0, "as many positions, taken at random; 0: all")
	f.Uint64Var(&d.Seed, "seed", 0, "take the same ones again")
	f.IntVar(&d.Parallel, "parallel", 16, "groups that resume at once")
	f.DurationVar(&d.RPO, "rpo", 0, "target: no record older than this is missing on the secondary; 0: none (default: drill.rpo of the configuration)")
	f.DurationVar(&d.RTO, "rto", 0, "target: no group takes longer to resume; 0: none (default: drill.rto)")
	f.DurationVar(&d.timeout, "timeout", 15*time.Minute, "how long it may take")
	c.AddCommand(a.drillCheckCommand())
	return c
}

func (a *app) drill(ctx context.Context, d drilling) error {
	for _, path := range []string{d.report, d.html} {
		if err := writable(path); err != nil {
			return err
		}
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	link, here, there, err := a.drilled(cfg)
	if err != nil {
		return err
	}
	if err := d.configured(link.Drill); err != nil {
		return err
	}
	r, err := a.rehearse(ctx, d, link, here, there)
	if err != nil {
		return err
	}
	if err := d.write(r); err != nil {
		return err
	}
	if done, err := a.json(r); err != nil {
		return err
	} else if !done {
		printDrill(a.out, r, d)
	}
	switch r.Result {
	case drill.Failed:
		return errBad
	case drill.Incomplete:
		return fmt.Errorf("not everything could be looked at: %s", r.Problems[0])
	}
	return nil
}

// configured takes from the configuration what the command line does not say.
func (d *drilling) configured(c configs.Drill) (err error) {
	if !d.ownRPO {
		d.RPO = c.RPO
	}
	if !d.ownRTO {
		d.RTO = c.RTO
	}
	if c.SignKey != "" {
		if d.Key, err = drill.LoadKey(c.SignKey); err != nil {
			return fmt.Errorf("drill.sign_key: %w", err)
		}
	}
	return nil
}

// drilled is the link that is meant: a report is about one.
func (a *app) drilled(cfg configs.Config) (l configs.Link, here, there kafka.Config, err error) {
	links, err := daemon.FromConfig(cfg)
	if err != nil {
		return l, here, there, err
	}
	var names []string
	found := -1
	for i, l := range cfg.Links {
		names = append(names, l.Name)
		if a.link == l.Name || a.link == "" && len(links) == 1 {
			found = i
		}
	}
	switch {
	case found < 0 && a.link == "":
		return l, here, there, usage("%s has several links", a.config).hint("--link, one of " + strings.Join(names, ", "))
	case found < 0:
		return l, here, there, usage("--link %s: no such link", a.link).hint(strings.Join(names, ", "))
	}
	return cfg.Links[found], links[found].Primary, links[found].Secondary, nil
}

// rehearse opens both clusters and drills.
func (a *app) rehearse(ctx context.Context, d drilling, l configs.Link, here, there kafka.Config) (r drill.Report, err error) {
	log, err := a.logger("error")
	if err != nil {
		return r, err
	}
	primary, secondary := kafka.Open(here, log), kafka.Open(there, log)
	defer primary.Close()
	defer secondary.Close()
	w, closeIt := drill.NewWriter(secondary)
	defer closeIt()
	limited, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	say, end := a.saying()
	defer end()
	selects, rename := l.SelectTopic(), l.Topics.Rename
	o := d.Options
	o.Link, o.Version, o.Mapping, o.PrimaryName, o.SecondaryName = l.Name, thisVersion().Version, l.Mapping, l.Primary, l.Secondary
	o.Groups, o.Invert = l.SelectGroup(), rename.Invert
	o.Rename = func(topic string) (string, bool) { return rename.Apply(topic), selects(topic) }
	o.Progress = func(what string) {
		if what != "" {
			say(what)
		}
	}
	o.Plan = func(ctx context.Context) (drill.Plan, error) {
		return a.drillPlan(ctx, l.Name, min(d.timeout/2, time.Minute))
	}
	r, err = drill.Run(limited, primary, secondary, w, o)
	if ctx.Err() != nil && err != nil {
		end()
		for line := range strings.Lines(err.Error()) { // "interrupted" would hide what is left behind
			if strings.HasPrefix(line, "group ") {
				fmt.Fprintln(a.err, strings.TrimSuffix(line, "\n"))
			}
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("not done after %s: %w. Try: --timeout with more, or --sample", d.timeout, err)
	}
	return r, err
}

// drillPlan asks how sure leftoff is of the positions of a link.
func (a *app) drillPlan(ctx context.Context, link string, patience time.Duration) (plan drill.Plan, err error) {
	a.patience = patience
	var groups api.Groups
	from := "daemon"
	err = a.asker().ask(func(c *api.Client) error { groups, err = c.Groups(ctx, link, ""); return err }, func() error {
		from = "once"
		all, err := a.once(ctx)
		groups = api.NewGroups(all, link, "")
		return err
	})
	if err != nil {
		return plan, err
	}
	return daemon.DrillPlan(groups, from), nil
}

// writable says before the drill that a report could not be written after it.
func writable(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".drill-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// write writes the files that are asked for.
func (d drilling) write(r drill.Report) error {
	for _, f := range []struct {
		path string
		to   func(io.Writer) error
	}{
		{d.report, r.Write},
		{d.html, func(w io.Writer) error { return drill.Page(w, r) }},
	} {
		if f.path == "" {
			continue
		}
		var b strings.Builder
		if err := f.to(&b); err != nil {
			return err
		}
		if err := os.WriteFile(f.path, []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
