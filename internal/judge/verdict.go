package judge

import (
	"fmt"
	"slices"
	"sort"
)

// Verdict is what resuming at d means for a group that had committed u.
type Verdict struct {
	T       int64 // the greatest safe position
	Skipped int64 // records that the group had not read and does not get: copies all below d, and foreign ones below d
	Reread  int64 // records it gets although it had read them
}

// Exact reports that nothing is skipped and nothing re-read.
func (v Verdict) Exact() bool { return v.Skipped == 0 && v.Reread == 0 }

func (v Verdict) String() string {
	return fmt.Sprintf("T=%d, %d skipped, %d re-read", v.T, v.Skipped, v.Reread)
}

// Partitions returns the partitions that both sides have, ascending.
func (c *Copies) Partitions() []int32 {
	var ps []int32
	for p := range c.partitions {
		ps = append(ps, p)
	}
	slices.Sort(ps)
	return ps
}

// Summary counts a partition; ok is false when either side does not have it.
func (c *Copies) Summary(partition int32) (s Summary, ok bool) {
	x, ok := c.partitions[partition]
	if !ok {
		return Summary{}, false
	}
	return x.summary, true
}

// Total adds the partitions up. Sampled offsets are left out.
func (c *Copies) Total() Summary {
	var t Summary
	for _, x := range c.partitions {
		s := x.summary
		t.Primary += s.Primary
		t.Secondary += s.Secondary
		t.Mirrored += s.Mirrored
		t.Missing += s.Missing
		t.Waiting += s.Waiting
		t.Duplicates += s.Duplicates
		t.Foreign += s.Foreign
		t.Gone += s.Gone
	}
	return t
}

// Bounds returns the log start and readable end of both sides as they were compared.
func (c *Copies) Bounds(partition int32) (primaryStart, primaryEnd, secondaryStart, secondaryEnd int64) {
	x := c.mustHave(partition)
	return x.primary.start, x.primary.end, x.secondary.start, x.secondary.end
}

// Offsets returns the offsets of the primary's records, ascending. It is the judge's own slice.
func (c *Copies) Offsets(partition int32) []int64 { return c.mustHave(partition).offsets }

// Lost returns the offsets of the primary's records that have no copy, ascending.
func (c *Copies) Lost(partition int32) (lost []int64) {
	x := c.mustHave(partition)
	for i, last := range x.last {
		if last == none {
			lost = append(lost, x.offsets[i])
		}
	}
	return lost
}

// T returns the greatest secondary position d such that every mirrored record of the primary at or after u has a copy at
// or after d, and no foreign record lies below d; the readable end when nothing is left. Never outside the secondary's
// bounds. It panics on a partition that is not in Partitions.
func (c *Copies) T(partition int32, u int64) int64 { return c.mustHave(partition).t(u) }

// Judge counts what resuming at d skips and re-reads for a group that had committed u. It looks at every record.
func (c *Copies) Judge(partition int32, u, d int64) Verdict {
	x := c.mustHave(partition)
	v := Verdict{T: x.t(u)}
	for i := x.at(u); i < len(x.offsets); i++ {
		if x.last[i] != none && x.last[i] < d {
			v.Skipped++
		}
	}
	for _, f := range x.foreign {
		if f < d {
			v.Skipped++
		}
	}
	from := sort.Search(len(x.right), func(i int) bool { return x.right[i].position >= d })
	for _, r := range x.right[from:] {
		if r.source >= 0 && x.offsets[r.source] < u {
			v.Reread++
		}
	}
	return v
}

func (c *Copies) mustHave(partition int32) *copies {
	x, ok := c.partitions[partition]
	if !ok {
		panic(fmt.Sprintf("judge: %s/%d was not compared: it is not on both sides", c.Primary, partition))
	}
	return x
}

// t is DESIGN §3, word for word: min over s ≥ u of the last copy of s, the first foreign record, the readable end.
func (c *copies) t(u int64) int64 {
	d := min(c.secondary.end, c.least[c.at(u)])
	if len(c.foreign) > 0 {
		d = min(d, c.foreign[0])
	}
	return max(d, c.secondary.start)
}
