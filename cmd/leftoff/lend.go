package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// lendIndexes gives links without an index an empty one for the time of a command: a plan before the first run is a fair
// question, and must not leave anything in data_dir.
func lendIndexes(links []daemon.Link) (takeBack func() error, err error) {
	takeBack = func() error { return nil }
	dir := ""
	for i := range links {
		if _, err := os.Stat(links[i].IndexPath); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		if dir == "" {
			if dir, err = os.MkdirTemp("", "leftoff-"); err != nil {
				return takeBack, err
			}
			takeBack = func() error { return os.RemoveAll(dir) }
		}
		links[i].IndexPath = filepath.Join(dir, links[i].Name+".db")
		x, err := checkpoint.Open(links[i].IndexPath, checkpoint.Options{Link: checkpoint.Link{Name: links[i].Name}})
		if err != nil {
			return takeBack, errors.Join(err, takeBack())
		}
		if err := x.Close(); err != nil {
			return takeBack, errors.Join(err, takeBack())
		}
	}
	return takeBack, nil
}
