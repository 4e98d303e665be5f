package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// compactTx bounds the bytes of one transaction while copying.
const compactTx = 64 << 20

// Compact writes the index at path anew, without the pages that pruning left free, and says the file's size before and
// after. It holds the lock meanwhile, and puts the new file in place only after it was checked: killed at any step, it
// leaves the old one.
func Compact(path string) (before, after int64, err error) {
	if _, err := os.Stat(path); err != nil {
		return 0, 0, fmt.Errorf("compact index: %w", err)
	}
	x, err := Open(path, Options{})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	if before, err = sizeOf(path); err != nil {
		return before, 0, err
	}
	fresh := path + ".compact"
	if err := x.copyTo(fresh); err != nil {
		return before, before, errors.Join(fmt.Errorf("compact index: %w", err), os.Remove(fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return before, before, errors.Join(fmt.Errorf("compact index: %w", err), os.Remove(fresh))
	}
	after, err = sizeOf(path)
	return before, after, errors.Join(err, syncDir(filepath.Dir(path)))
}

// copyTo copies everything into a new file and proves it consistent.
func (x *Index) copyTo(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	to, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		return err
	}
	err = bbolt.Compact(to, x.db, compactTx)
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	y, err := Open(path, Options{Link: x.Link(), ReadOnly: true, Logger: x.log})
	if err != nil {
		return err
	}
	return errors.Join(y.Check(), y.Close())
}

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
