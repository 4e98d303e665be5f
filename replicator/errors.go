package replicator

import "errors"

// ErrEnded: the link stops, or starts again.
var ErrEnded = errors.New("the link is stopping or starting again. Try: again in a few seconds")

// Why a group can't be reclaimed.
var (
	ErrUnknownGroup  = errors.New("not known on either cluster. Try: leftoff status, which lists the groups")
	ErrFilteredGroup = errors.New("left out by the configuration. Try: groups.include and groups.exclude of the link")
	ErrCatchingUp    = errors.New("the secondary's offsets are still being read. Try: again in a few seconds")
	ErrGroupLive     = errors.New("it has members on the secondary. Try: stop its consumers there first")
)
