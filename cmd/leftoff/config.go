package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/configs"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "check or print the configuration",
		Example: `  leftoff config check -c link.yml
  leftoff config reference > link.yml`,
	}
	c.AddCommand(a.configCheckCommand(), a.configPrintCommand(), a.configReferenceCommand())
	return c
}

func (a *app) configCheckCommand() *cobra.Command {
	clusters := false
	c := a.withPatience(a.withOutput(&cobra.Command{
		Use: "check", Short: "all problems of a file at once", Args: cobra.NoArgs,
		Long: `Reads the configuration, the files that it names and the environment, and says everything that is wrong. It asks no cluster, unless
--clusters says so: then also whether they answer, which mirror is there, and whether MirrorMaker 2 writes group offsets, too.

Exit status: 0 no problems, 1 problems, 2 the file can't be read.`,
		Example: `  leftoff config check -c link.yml
  leftoff config check -c link.yml --clusters`,
		RunE: func(c *cobra.Command, _ []string) error { return a.configCheck(c.Context(), clusters) },
	}))
	c.Flags().BoolVar(&clusters, "clusters", false, "ask the clusters, too; reads a little, writes nothing")
	return c
}

// checked is what `config check -o json` prints.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Problems configs.Problems `json:"problems"`
	Links    []asked          `json:"links,omitempty"` // with --clusters
}

func (a *app) configCheck(ctx context.Context, clusters bool) error {
	cfg, err := configs.Load(a.config, a.outside)
	found := configs.Problems{}
	if err != nil && !errors.As(err, &found) {
		return err
	}
	var links []asked
	if clusters && err == nil {
		if links, err = a.askClusters(ctx); err != nil {
			return err
		}
	}
	bad := err != nil || slices.ContainsFunc(links, func(l asked) bool { return len(l.Problems) > 0 })
	done, jsonErr := a.json(checked{a.config, !bad, found, links})
	switch {
	case jsonErr != nil:
		return jsonErr
	case err != nil && !done:
		fmt.Fprintln(a.out, problems(a.config, err))
	case !done:
		fmt.Fprintf(a.out, "%s is fine: %s, %s\n", a.config, plural(len(cfg.Clusters), "cluster"), plural(len(cfg.Links), "link"))
		printAsked(a.out, links)
	}
	if bad {
		return errBad
	}
	return nil
}

func (a *app) configPrintCommand() *cobra.Command {
	return &cobra.Command{
		Use: "print", Short: "the configuration with its defaults filled in, secrets hidden", Args: cobra.NoArgs,
		Example: `  leftoff config print -c link.yml
  leftoff config print -c link.yml | less`,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			text, err := cfg.Print()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(a.out, text)
			return err
		},
	}
}

func (a *app) configReferenceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reference", Short: "every key with its default and what it does, as a file to begin with", Args: cobra.NoArgs,
		Example: `  leftoff config reference
  leftoff config reference > link.yml`,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(a.out, configs.Reference())
			return err
		},
	}
}
