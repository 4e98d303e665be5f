package match

import "math"

// none is the position of what has no copy in the stretch.
const none = math.MaxInt64

// alignment says which record of the secondary's stretch is a copy of which one of the primary's.
type alignment struct {
	level level
	// source[j] is the index of the primary's record that record j of the secondary copies; unknown or ambiguous else.
	source []int
	// last[i] is the position of the last copy of record i, none where there is none. least[i] is the lowest position at which
	// the last copy can be: the same, but where copies could not be told apart.
	last, least []int64
	matched     int // records of the secondary with a source
	ambiguous   int
}

const (
	unknown   = -1 // no record of the primary's stretch is like it
	ambiguous = -2 // several are
)

// align recognises copies, at the level that explains most of those up to weakest. Where the broker stamps the secondary's
// records, only what leaves time out can. repeats says of a record of the primary that others are like it, wherever they are.
//
// A record whose print occurs once in the primary's stretch is the source of every record of the secondary with that
// print: more of them are copies made again. Where a print occurs more often, nothing tells its copies apart: as many of them on
// both sides may be one left out and another one copied twice.
func align(p, q *stretch, weakest level, repeats func(level, *rec) bool) alignment {
	if q.stamped {
		return alignAt(p, q, timeless, repeats)
	}
	best := alignAt(p, q, whole, repeats)
	for l := bare; l <= weakest && best.matched < len(q.recs); l++ {
		if a := alignAt(p, q, l, repeats); a.matched+a.ambiguous > best.matched+best.ambiguous {
			best = a
		}
	}
	return best
}

func alignAt(p, q *stretch, l level, repeats func(level, *rec) bool) alignment {
	a := alignment{level: l, source: make([]int, len(q.recs)), last: fill(len(p.recs)), least: fill(len(p.recs))}
	by := make(map[uint64]int, len(p.recs))
	for i := range p.recs {
		print := p.recs[i].prints[l]
		if print == 0 {
			continue
		}
		if _, twice := by[print]; twice || repeats(l, &p.recs[i]) {
			by[print] = ambiguous
			continue
		}
		by[print] = i
	}
	for j := range q.recs {
		i, ok := by[q.recs[j].prints[l]]
		if !ok {
			i = unknown
		}
		a.source[j] = i
	}
	a.place(p, q)
	return a
}

// kept is which part of the primary's records has copies, between the first and the last one that has: a window of so many
// copies is as many records more.
func (a *alignment) kept() float64 {
	first, last, n := -1, -1, 0
	for i, at := range a.least {
		if at == none {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
		n++
	}
	if n < 2 {
		return 1
	}
	return max(0.1, float64(n)/float64(last-first+1))
}

func fill(n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = none
	}
	return all
}

// place computes where last copies are, and can be.
func (a *alignment) place(p, q *stretch) {
	unsure := map[uint64]int64{} // the lowest place of each print that could not be told apart
	for j := range q.recs {
		at := q.recs[j].offset
		switch i := a.source[j]; {
		case i >= 0:
			a.matched++
			a.last[i], a.least[i] = at, at
		case i == ambiguous:
			a.ambiguous++
			print := q.recs[j].prints[a.level]
			if _, seen := unsure[print]; !seen {
				unsure[print] = at
			}
		}
	}
	if len(unsure) == 0 {
		return
	}
	for i := range p.recs {
		if at, ok := unsure[p.recs[i].prints[a.level]]; ok && a.last[i] == none {
			a.least[i] = at
		}
	}
}
