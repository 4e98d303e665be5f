package judge

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Copies is a topic on both sides, paired record by record.
type Copies struct {
	Primary, Secondary string  // topic names
	Unmirrored         []int32 // partitions that the secondary does not have
	partitions         map[int32]*copies
}

// copies is one partition. Primary records are named by their index in offsets.
type copies struct {
	primary, secondary bounds
	offsets            []int64 // of the primary's records, ascending
	first, last        []int64 // secondary position of the first and last copy; none where there is no copy
	least              []int64 // least[i] = min(last[j], j ≥ i)
	right              []copied
	foreign            []int64 // secondary positions, ascending, without accepted ones
	summary            Summary
}

// copied is one record of the secondary.
type copied struct {
	position int64
	source   int // index of the primary's record; −1 foreign, −2 its source is gone
}

const (
	isForeign = -1
	isGone    = -2
	none      = math.MaxInt64 // no copy
)

// Summary counts one partition.
type Summary struct {
	Primary, Secondary int64 // records there
	Mirrored           int64 // primary records with a copy
	Missing            int64 // primary records without one, before the last one that has
	Waiting            int64 // primary records after it: not mirrored yet
	Duplicates         int64 // copies beyond the first
	Foreign            int64 // records of the secondary that are nobody's copy
	Gone               int64 // unpaired, with UnpairedIsGone
	MissingOffsets     []int64
	ForeignOffsets     []int64 // the first few of each
}

const samples = 10

func pair(left, right *side, o Options, accepted int64) (*copies, error) {
	index, err := indexPrimary(left.records, o)
	if err != nil {
		return nil, err
	}
	c := &copies{primary: left.bounds, secondary: right.bounds}
	c.offsets = make([]int64, len(left.records))
	c.first, c.last = make([]int64, len(left.records)), make([]int64, len(left.records))
	for i, r := range left.records {
		c.offsets[i], c.first[i], c.last[i] = r.offset, none, none
	}
	for _, r := range right.records {
		source := isForeign
		if !r.foreign {
			source = index.next(r.print)
		}
		if source == isForeign && !r.foreign && o.Unpaired == UnpairedIsGone {
			source = isGone
		}
		c.add(r.offset, source, accepted)
	}
	if err := index.done(); err != nil {
		return nil, err
	}
	c.close()
	return c, nil
}

func (c *copies) add(position int64, source int, accepted int64) {
	c.right = append(c.right, copied{position, source})
	s := &c.summary
	switch {
	case source == isGone:
		s.Gone++
	case source == isForeign:
		s.Foreign++
		s.ForeignOffsets = sample(s.ForeignOffsets, position)
		if position >= accepted {
			c.foreign = append(c.foreign, position)
		}
	default:
		if c.first[source] == none {
			c.first[source] = position
		} else {
			s.Duplicates++
		}
		c.last[source] = position
	}
}

// close computes what is asked often.
func (c *copies) close() {
	s := &c.summary
	s.Primary, s.Secondary = int64(len(c.offsets)), int64(len(c.right))
	c.least = make([]int64, len(c.offsets)+1)
	c.least[len(c.offsets)] = none
	mirrored := false // a later one was
	for i := len(c.offsets) - 1; i >= 0; i-- {
		c.least[i] = min(c.least[i+1], c.last[i])
		switch {
		case c.last[i] != none:
			mirrored = true
			s.Mirrored++
		case mirrored:
			s.Missing++
		default:
			s.Waiting++
		}
	}
	for i, last := range c.last {
		if last == none && c.least[i] != none {
			s.MissingOffsets = sample(s.MissingOffsets, c.offsets[i])
		}
	}
}

func sample(have []int64, n int64) []int64 {
	if len(have) == samples {
		return have
	}
	return append(have, n)
}

// prints finds a primary record by its content.
type prints struct {
	by map[fingerprint]int32
	// With RepeatsPairInOrder: all occurrences of a repeated record, and how many copies took one.
	repeated map[fingerprint][]int32
	taken    map[fingerprint]int
}

func indexPrimary(records []record, o Options) (*prints, error) {
	x := &prints{by: make(map[fingerprint]int32, len(records)), repeated: make(map[fingerprint][]int32), taken: make(map[fingerprint]int)}
	var ambiguous []string
	for i, r := range records {
		before, ok := x.by[r.print]
		if !ok {
			x.by[r.print] = int32(i)
			continue
		}
		if len(x.repeated[r.print]) == 0 {
			x.repeated[r.print] = []int32{before}
		}
		x.repeated[r.print] = append(x.repeated[r.print], int32(i))
		if len(ambiguous) < samples {
			ambiguous = append(ambiguous, fmt.Sprintf("%d = %d", records[before].offset, r.offset))
		}
	}
	if len(ambiguous) > 0 && o.Repeats == RepeatsAreErrors {
		return nil, fmt.Errorf("offsets %s: %w", strings.Join(ambiguous, ", "), ErrAmbiguous)
	}
	return x, nil
}

func (x *prints) next(p fingerprint) int {
	i, ok := x.by[p]
	if !ok {
		return isForeign
	}
	if all := x.repeated[p]; all != nil {
		n := x.taken[p]
		x.taken[p]++
		i = all[min(n, len(all)-1)]
	}
	return int(i)
}

// done refuses repeated records whose copies could belong to either.
func (x *prints) done() error {
	for p, n := range x.taken {
		if n != len(x.repeated[p]) {
			return fmt.Errorf("a record is there %d times on the primary and %d times on the secondary: %w", len(x.repeated[p]), n, ErrAmbiguous)
		}
	}
	return nil
}

// at returns the index of the first primary record at or after u.
func (c *copies) at(u int64) int {
	return sort.Search(len(c.offsets), func(i int) bool { return c.offsets[i] >= u })
}
