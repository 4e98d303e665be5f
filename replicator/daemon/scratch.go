package daemon

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/leftoff/leftoff/checkpoint"
)

// scratch is an index for the time of a command: a copy of the link's, that a source may write to while the link's own is
// left as it is.
type scratch struct {
	*checkpoint.Index
	dir string
}

func newScratch(l *link) (*scratch, error) {
	dir, err := os.MkdirTemp("", "leftoff-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "scratch.db")
	err = copyFile(path, l.IndexPath)
	if err == nil {
		var x *checkpoint.Index
		if x, err = checkpoint.Open(path, checkpoint.Options{Link: l.index.Link(), Logger: l.log.Named("index")}); err == nil {
			return &scratch{x, dir}, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(dir))
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (s *scratch) drop() error { return errors.Join(s.Close(), os.RemoveAll(s.dir)) }
