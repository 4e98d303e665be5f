package checkpoint

import "errors"

// Opening.
var (
	ErrLocked      = errors.New("index is in use by another process")
	ErrNewerSchema = errors.New("index was written by a newer leftoff")
	ErrOtherLink   = errors.New("index belongs to another link")
	ErrCorrupt     = errors.New("index is damaged")
)

// Writing.
var (
	ErrOrder    = errors.New("run lies below what was appended before")
	ErrReadOnly = errors.New("index is open read-only")
	ErrClosed   = errors.New("index is closed")
)
