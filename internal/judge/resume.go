package judge

import (
	"cmp"
	"fmt"
	"slices"
)

// Resume is where a group goes on, on the secondary, and what that costs it.
type Resume struct {
	Key               // the secondary's
	Committed int64   // the primary's newest commit
	Value     *Value  // what the secondary holds; nil: nothing
	Lag       int64   // records of the primary at or after Committed
	Verdict   Verdict // zero without a Value
	Exact     bool    // skipped 0, re-read 0
}

func (r Resume) String() string {
	if r.Value == nil {
		return fmt.Sprintf("%s: committed %d, nothing on the secondary", r.Key, r.Committed)
	}
	return fmt.Sprintf("%s: committed %d, resumes at %d: %s", r.Key, r.Committed, r.Value.Offset, r.Verdict)
}

// Resumes judges what the secondary holds now against the primary's newest commits, for the partitions of which Copies are
// given, ordered by key.
func (h *History) Resumes(copies ...*Copies) []Resume {
	var all []Resume
	secondary := h.Secondary.Ledger()
	for k, w := range h.Primary.Ledger() {
		if w.Value == nil {
			continue
		}
		for _, x := range copies {
			if x.Primary == k.Topic && x.partitions[k.Partition] != nil {
				all = append(all, x.resume(k, w.Value.Offset, secondary))
			}
		}
	}
	slices.SortFunc(all, func(a, b Resume) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

func (c *Copies) resume(k Key, committed int64, secondary map[Key]Write) Resume {
	x := c.partitions[k.Partition]
	r := Resume{Key: Key{Group: k.Group, Topic: c.Secondary, Partition: k.Partition}, Committed: committed,
		Lag: int64(len(x.offsets) - x.at(committed))}
	w, ok := secondary[r.Key]
	if !ok || w.Value == nil {
		return r
	}
	r.Value = w.Value
	r.Verdict = c.Judge(k.Partition, committed, w.Value.Offset)
	r.Exact = r.Verdict.Exact()
	return r
}
