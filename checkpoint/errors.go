package checkpoint

import (
	"errors"
	"fmt"

	"github.com/leftoff/leftoff/translate"
)

// Opening. The errors returned wrap these and say what to do.
var (
	ErrLocked      = errors.New("index is in use by another process")
	ErrNewerSchema = errors.New("index was written by a newer leftoff")
	ErrOtherLink   = errors.New("index belongs to another link")
	ErrCorrupt     = errors.New("index is damaged")
)

// Writing.
var (
	// ErrOrder: a run or frontier lies below what was said before.
	ErrOrder = translate.ErrOrder
	// ErrOverlap: an offset of the secondary was called a copy and foreign, too.
	ErrOverlap  = translate.ErrOverlap
	ErrReadOnly = errors.New("index is open read-only")
	ErrClosed   = errors.New("index is closed")
	// ErrRetired: the pair's topics were recreated; a new pair has taken its place.
	ErrRetired = errors.New("pair is retired")
)

func errLocked(path string) error {
	return fmt.Errorf("%w: %s. Try: stop the other leftoff, or ask it over HTTP (its http address)", ErrLocked, path)
}

func errNewer(path string, schema int) error {
	return fmt.Errorf("%w: %s has schema %d, this one knows %d. Try: the newer leftoff, or move the file away", ErrNewerSchema, path, schema, schemaVersion)
}

func errOther(path, side, stored, got string) error {
	return fmt.Errorf("%w: %s was made for %s cluster id %q, this one is %q. Try: another data_dir, or move the file away",
		ErrOtherLink, path, side, stored, got)
}

func errCorrupt(what string, err error) error {
	if err == nil {
		return fmt.Errorf("%w: %s. Try: leftoff index check, then move the file away and start again", ErrCorrupt, what)
	}
	return fmt.Errorf("%w: %s: %w. Try: leftoff index check, then move the file away and start again", ErrCorrupt, what, err)
}
