package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/checkpoint"
)

// compacted is one link of `index compact -o json`.
type compacted struct {
	Link        string `json:"link"`
	Path        string `json:"path"`
	BytesBefore int64  `json:"bytes_before"`
	BytesAfter  int64  `json:"bytes_after"`
}

func (a *app) indexCompactCommand() *cobra.Command {
	return a.withLink(a.withOutput(&cobra.Command{
		Use: "compact", Short: "give back the space that pruned runs left free", Args: cobra.NoArgs,
		Long: `Writes the index anew, checks it, and puts it in the old one's place. Rarely needed: free space is used again.`,
		Example: `  leftoff index compact
  leftoff index compact --link west-east -o json`,
		RunE: func(*cobra.Command, []string) error { return a.indexCompact() },
	}))
}

func (a *app) indexCompact() error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	names, err := a.chosenLinks(cfg)
	if err != nil {
		return err
	}
	var all []compacted
	for _, name := range names {
		if err := indexThere(cfg, name); err != nil {
			return err
		}
		c := compacted{Link: name, Path: cfg.IndexPath(name)}
		stop := a.busy("compact " + name)
		c.BytesBefore, c.BytesAfter, err = checkpoint.Compact(c.Path)
		stop()
		if err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
		all = append(all, c)
	}
	if done, err := a.json(all); done {
		return err
	}
	for _, c := range all {
		fmt.Fprintf(a.out, "%s: %s, was %s\n", c.Link, bytesText(c.BytesAfter), bytesText(c.BytesBefore))
	}
	return nil
}
