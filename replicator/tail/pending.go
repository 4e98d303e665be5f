package tail

import (
	"slices"

	"github.com/leftoff/leftoff/replicator"
)

// pending holds the commits of open transactions of one offsets partition, by producer id, as the broker's
// OffsetMetadataManager does. A producer's epoch plays no part: a marker ends whatever its producer id has open.
//
// The broker applies a pending commit at the commit marker only if its record offset is greater than that of the value
// then held. Here the change keeps the Order of its own record, and "the newest Order wins" says the same. The one thing
// Order cannot say is that a tombstone drops what was pending before it and not what comes after: drop does.
type pending map[int64]map[replicator.Key]replicator.Change

func (p pending) add(producer int64, c replicator.Change) {
	open, ok := p[producer]
	if !ok {
		open = map[replicator.Key]replicator.Change{}
		p[producer] = open
	}
	open[c.Commit.Key] = c
}

// drop forgets what any open transaction has pending for a key: the broker does so at the key's tombstone.
func (p pending) drop(k replicator.Key) {
	for producer, open := range p {
		delete(open, k)
		if len(open) == 0 {
			delete(p, producer)
		}
	}
}

// end closes a producer's transaction and returns what it committed, in log order.
func (p pending) end(producer int64, commit bool) []replicator.Change {
	open := p[producer]
	delete(p, producer)
	if !commit || len(open) == 0 {
		return nil
	}
	all := make([]replicator.Change, 0, len(open))
	for _, c := range open {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b replicator.Change) int {
		if a.Commit.Order.Less(b.Commit.Order) {
			return -1
		}
		return 1
	})
	return all
}
