package main

import (
	"errors"
	"fmt"

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
	return a.withOutput(&cobra.Command{
		Use: "check", Short: "all problems of a file at once", Args: cobra.NoArgs,
		Long: `Reads the configuration, the files that it names and the environment, and says everything that is wrong. It asks no cluster.

Exit status: 0 no problems, 1 problems, 2 the file can't be read.`,
		Example: `  leftoff config check -c link.yml
  leftoff config check -c link.yml -o json`,
		RunE: func(*cobra.Command, []string) error { return a.configCheck() },
	})
}

// checked is what `config check -o json` prints.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Problems configs.Problems `json:"problems"`
}

func (a *app) configCheck() error {
	cfg, err := configs.Load(a.config, a.outside)
	found := configs.Problems{}
	if err != nil && !errors.As(err, &found) {
		return err
	}
	done, jsonErr := a.json(checked{a.config, err == nil, found})
	switch {
	case jsonErr != nil:
		return jsonErr
	case err != nil && !done:
		fmt.Fprintln(a.out, problems(a.config, err))
	case !done:
		fmt.Fprintf(a.out, "%s is fine: %s, %s\n", a.config, plural(len(cfg.Clusters), "cluster"), plural(len(cfg.Links), "link"))
	}
	if err != nil {
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
