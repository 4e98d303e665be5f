package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/configs"
)

func (a *app) indexCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "index", Short: "look into the index of a link: what the mirror put where",
		Long: `The index is a file in data_dir for each link. The commands open it themselves, so that the daemon must not be running.`,
		Example: `  leftoff index check
  leftoff index inspect --link west-east -o json`,
	}
	c.AddCommand(a.indexCheckCommand(), a.indexInspectCommand(), a.indexExportCommand(), a.indexImportCommand(), a.indexCompactCommand(), a.indexAcceptCommand())
	return c
}

// openIndex opens a link's index for reading.
func (a *app) openIndex(cfg configs.Config, link string) (*checkpoint.Index, error) {
	if err := indexThere(cfg, link); err != nil {
		return nil, err
	}
	path := cfg.IndexPath(link)
	log, err := a.logger("error")
	if err != nil {
		return nil, err
	}
	x, err := checkpoint.Open(path, checkpoint.Options{Link: checkpoint.Link{Name: link}, ReadOnly: true, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("link %s: %w", link, err)
	}
	return x, nil
}

func indexThere(cfg configs.Config, link string) error {
	path := cfg.IndexPath(link)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("link %s: no index at %s. Try: leftoff run, which makes it", link, path)
	}
	return nil
}

// chosenLinks are those of --link, or all.
func (a *app) chosenLinks(cfg configs.Config) ([]string, error) {
	if a.link != "" {
		if _, ok := cfg.Link(a.link); !ok {
			return nil, usage("%s has no link %q", a.config, a.link).hint("leftoff config print, which lists the links")
		}
		return []string{a.link}, nil
	}
	var names []string
	for _, l := range cfg.Links {
		names = append(names, l.Name)
	}
	return names, nil
}
