package replicator

import "testing"

// After a restart the primary's log may hold the tombstone alone: what it deleted was compacted away. It counts whichever side is read first.
func TestTombstoneAloneInTheLog(t *testing.T) {
	for _, first := range []Side{Primary, Secondary} {
		b := newBench(t, func(o *Options) { o.Policy.Tombstones = "delete" })
		ours := committed(50)
		ours.Commit.LeaderEpoch, ours.Commit.Retention = -1, b.l.retention().Milliseconds()
		for _, side := range []Side{first, 1 - first} {
			if side == Primary {
				b.put(Primary, tombstone())
			} else {
				b.put(Secondary, ours)
			}
		}
		b.removal(Written)
		b.rests()
	}
}
