package translate

import (
	"slices"
	"sort"
)

// contiguous says that b goes on where a ends, on both sides.
func contiguous(a, b Run) bool {
	return a.PrimaryEnd() == b.Primary && a.SecondaryEnd() == b.Secondary
}

// split parts a run at two primary offsets, from < to. A part that begins inside the run has nothing between it and the
// part before: its gap is closed.
func split(r Run, from, to int64) (left, mid, right Run) {
	left = section(r, r.Primary, min(r.PrimaryEnd(), from))
	mid = section(r, max(r.Primary, from), min(r.PrimaryEnd(), to))
	right = section(r, max(r.Primary, to), r.PrimaryEnd())
	return left, mid, right
}

// section is the part of a run with primary offsets [from, to), of length 0 when there is none.
func section(r Run, from, to int64) Run {
	if from >= to {
		return Run{}
	}
	return Run{Primary: from, Secondary: r.Secondary + from - r.Primary, Length: to - from, Closed: r.Closed || from > r.Primary}
}

// below and above are the parts of a run with secondary offsets below v, and at v or above.
func below(r Run, v int64) Run {
	return section(r, r.Primary, min(r.PrimaryEnd(), r.Primary+v-r.Secondary))
}
func above(r Run, v int64) Run {
	return section(r, max(r.Primary, r.Primary+v-r.Secondary), r.PrimaryEnd())
}

// endsAbove is the first of sorted runs that ends above a primary offset.
func endsAbove(runs []Run, primary int64) int {
	return sort.Search(len(runs), func(i int) bool { return runs[i].PrimaryEnd() > primary })
}

// replace puts keep in the place of runs[i:j], moving the shorter side. A long re-copy eats its way up from the front of
// a long window.
func replace(runs []Run, i, j int, keep []Run) []Run {
	d := j - i - len(keep)
	if d <= 0 || i >= len(runs)-j {
		return slices.Replace(runs, i, j, keep...)
	}
	copy(runs[d:], runs[:i])
	copy(runs[d+i:], keep)
	return runs[d:]
}

func appendNonEmpty(runs []Run, more ...Run) []Run {
	for _, r := range more {
		if r.Length > 0 {
			runs = append(runs, r)
		}
	}
	return runs
}

func insertByPrimary(runs []Run, r Run) []Run {
	return insert(runs, r, func(a Run) bool { return a.Primary < r.Primary })
}

func insertBySecondary(runs []Run, r Run) []Run {
	return insert(runs, r, func(a Run) bool { return a.Secondary < r.Secondary })
}

// insert puts r behind the runs that come before it, and merges it with its neighbours.
func insert(runs []Run, r Run, before func(Run) bool) []Run {
	if r.Length == 0 {
		return runs
	}
	i, _ := slices.BinarySearchFunc(runs, r, func(a, _ Run) int {
		if before(a) {
			return -1
		}
		return 1
	})
	if i > 0 && contiguous(runs[i-1], r) {
		runs[i-1].Length += r.Length
		if i < len(runs) && contiguous(runs[i-1], runs[i]) {
			runs[i-1].Length += runs[i].Length
			runs = slices.Delete(runs, i, i+1)
		}
		return runs
	}
	if i < len(runs) && contiguous(r, runs[i]) {
		r.Length += runs[i].Length
		runs[i] = r
		return runs
	}
	return slices.Insert(runs, i, r)
}

// overlaps says whether a span meets one of sorted spans.
func overlaps(spans []Span, s Span) bool {
	for _, o := range spans {
		if o.From < s.To && s.From < o.To {
			return true
		}
	}
	return false
}
