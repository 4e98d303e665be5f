package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/configs"
)

// indexReport is one link of `index check -o json`.
type indexReport struct {
	Link    string            `json:"link"`
	Path    string            `json:"path"`
	OK      bool              `json:"ok"`
	Problem string            `json:"problem,omitempty"`
	Stats   *checkpoint.Stats `json:"stats,omitempty"`
}

func (a *app) indexCheckCommand() *cobra.Command {
	return a.withLink(a.withOutput(&cobra.Command{
		Use: "check", Short: "prove the index consistent", Args: cobra.NoArgs,
		Long: `Reads every block: sorted, disjoint, frontiers above the runs, foreign records outside of them.

Exit status: 0 consistent, 1 damaged, 2 the index can't be opened.`,
		Example: `  leftoff index check
  leftoff index check --link west-east -o json`,
		RunE: func(*cobra.Command, []string) error { return a.indexCheck() },
	}))
}

func (a *app) indexCheck() error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	names, err := a.chosenLinks(cfg)
	if err != nil {
		return err
	}
	var all []indexReport
	bad := false
	for _, name := range names {
		r, err := a.checkOne(cfg, name)
		if err != nil {
			return err
		}
		bad = bad || !r.OK
		all = append(all, r)
	}
	if done, err := a.json(all); err != nil {
		return err
	} else if !done {
		a.printReports(all)
	}
	if bad {
		return errBad
	}
	return nil
}

func (a *app) checkOne(cfg configs.Config, link string) (r indexReport, err error) {
	r = indexReport{Link: link, Path: cfg.IndexPath(link)}
	x, err := a.openIndex(cfg, link)
	if isDamage(err) {
		r.Problem = err.Error()
		return r, nil
	}
	if err != nil {
		return r, err
	}
	defer x.Close()
	defer a.busy("check " + link)()
	if err := x.Check(); err != nil {
		r.Problem = err.Error()
		return r, nil
	}
	stats, err := x.Stats()
	r.OK, r.Stats = true, &stats
	return r, err
}

func (a *app) printReports(all []indexReport) {
	for _, r := range all {
		if !r.OK {
			fmt.Fprintf(a.out, "%s: damaged: %s\n", r.Link, r.Problem)
			fmt.Fprintf(a.out, "  Try: stop leftoff, move %s away and start it again: it compares the records on both sides and builds a new one\n", r.Path)
			continue
		}
		fmt.Fprintf(a.out, "%s: fine; %s, %s\n", r.Link, plural(int(r.Stats.Runs), "run"), bytesText(r.Stats.FileBytes))
	}
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}
