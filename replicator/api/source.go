package api

import (
	"context"
	"errors"
	"strings"

	"github.com/leftoff/leftoff/replicator"
)

// Source is where the state comes from: the daemon, or a pipeline that ran once.
type Source interface {
	// Snapshots returns one a link, in the configuration's order, of links that can't reach their clusters too. With detail
	// false Groups may be empty.
	Snapshots(ctx context.Context, detail bool) ([]replicator.Snapshot, error)
	// Translate answers ErrUnknownLink and ErrUnknownTopic, and otherwise a Mapping, which may be a hold.
	Translate(ctx context.Context, q Query) (replicator.Mapping, error)
	// Reclaim answers ErrUnknownLink and the errors of replicator.Loop.Reclaim.
	Reclaim(ctx context.Context, link, group, why string) (replicator.Verdict, error)
}

// ReclaimingBy is a Source that keeps who reclaimed a group. Errors as of Reclaim.
type ReclaimingBy interface {
	ReclaimBy(ctx context.Context, link, group, who, why string) (replicator.Verdict, error)
}

// What was asked about is not there.
var (
	ErrUnknownLink = errors.New("no such link. Try: leftoff status, which lists them")
	// ErrStarting: a cluster was never reached since the start, so that nothing can be answered for the link yet.
	ErrStarting     = errors.New("the link still waits for its clusters. Try: leftoff status, which says for which")
	ErrUnknownTopic = errors.New("the link knows nothing of this topic. Try: topics.include of the link, and whether the topic exists")
)

// SplitHint takes apart a message that ends in a hint: "… . Try: …".
func SplitHint(text string) (message, hint string) {
	if i := strings.LastIndex(text, "Try: "); i >= 0 {
		return strings.TrimRight(text[:i], " .\n"), text[i+len("Try: "):]
	}
	return text, ""
}
