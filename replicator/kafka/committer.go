package kafka

import (
	"context"
	"time"
)

// CommitterOptions of a Committer. The zero value is usable.
type CommitterOptions struct {
	// ConnectionsPerBroker bounds how many commits are on the way to one coordinator at a time. Default 8. The commits a second to
	// a broker are at most connections / round trip.
	ConnectionsPerBroker int
}

// Committer commits offsets from outside a group: generation -1, no member. The broker refuses that for a group with
// members, and that refusal is the fence that leftoff relies on; TxnOffsetCommit, which has none, is never used.
type Committer struct{ o CommitterOptions }

// NewCommitter makes a Committer; it dials when it commits. Close it.
func (c *Cluster) NewCommitter(o CommitterOptions) *Committer { return &Committer{o: o} }

// Commit writes the offsets of one group. Calls for different groups run in parallel; calls for one group must not overlap,
// or their order is anybody's.
//
// With retention > 0 it is OffsetCommit version 4, whose value the broker stores as v1 with expireTimestamp − commitTimestamp =
// retention (the stamp); where a broker has no version 4, and with retention 0, it is version 8. The leader epoch is always -1.
//
// More than 1,000 offsets go as several requests. Coordinators are found, found again and waited for (codes 14, 15, 16, lost connections) until
// ctx ends or, without a deadline, for Config.RequestTimeout. A commit whose connection died may have been carried out, and is sent again.
//
// results has one entry per offset: nil when it is written, else an *Error. An offset whose metadata the broker found too
// large is written without: its result is ErrMetadataDropped. err is set when nothing at all could be asked (results is then nil).
func (m *Committer) Commit(ctx context.Context, group string, retention time.Duration, offsets []CommitOffset) (results []error, err error) {
	return nil, ErrNotYet
}

// Close closes the connections. Commits under way return ErrClosed.
func (m *Committer) Close() error { return nil }
