package match

import (
	"slices"

	"github.com/leftoff/leftoff/translate"
)

// island is what two stretches prove: within the primary offsets of, the main line is exactly runs.
type island struct {
	of   translate.Span
	runs []translate.Run
}

// prove computes T over the part of the primary's stretch for which the two stretches decide it, given that the mirror keeps
// order beyond a window of w records.
//
//	secondary   |······w······|■■■■■■■■■■■■■■■■■■■■|······
//	primary         |lead|■■■■■■■■■■■■■■■■■|······w······|
//	                      └──── of ────────┘
//
// For u in of, T(u) = min over s >= u of the last copy of s. Records from the primary's stretch on lie, by the order, not below
// what w records before them show: their copies are at or above the secondary's part. A copy of a later record that landed
// early lies within w below: the secondary's stretch begins that much earlier. So the minimum over the stretch is T.
func prove(p, q *stretch, a alignment, w int64, lead int) []point {
	n := len(p.recs)
	if n == 0 {
		return nil
	}
	right := n // records below it are decided
	if !p.end {
		right = max(0, n-int(float64(w)/a.kept()))
	}
	points := make([]point, 0, right)
	high, low := int64(none), int64(none)
	for i := n - 1; i >= 0; i-- {
		high, low = min(high, a.last[i]), min(low, a.least[i])
		if i >= right || high == none || !q.end && q.to-high < w/2 {
			continue // another copy may follow directly behind the stretch
		}
		if i < lead && !p.start || !q.start && high-q.from < w {
			break // whatever lies further left is decided even less
		}
		points = append(points, point{index: i, at: high, sure: low == high, own: a.last[i] == high})
	}
	reverse(points)
	return points
}

// point is T for one record of the primary's stretch: the position from which a group goes on that has it to read next.
type point struct {
	index int
	at    int64
	sure  bool // no copy that could not be told apart can lie below
	own   bool // its own last copy is there: a point of the main line
}

func reverse[T any](s []T) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// islands turns consecutive points that are sure into islands. allowed says whether a position for a primary offset may be
// concluded from this place of the secondary; where it may not, an island ends.
func islands(p, q *stretch, a alignment, points []point, allowed func(primary, secondary int64) bool) []island {
	var out []island
	var open *island
	strangers := newStrangers(q, a)
	bare := point{own: true} // the last point, where its own copy is not where T is
	shut := func() {
		if open != nil && !bare.own {
			open.shut(p, a, bare, allowed, strangers)
		}
		open, bare = nil, point{own: true}
	}
	for _, x := range points {
		r := p.recs[x.index]
		if !x.sure || !allowed(r.offset, x.at) {
			shut()
			continue
		}
		if open == nil {
			out = append(out, island{of: translate.Span{From: r.offset}})
			open = &out[len(out)-1]
			if x.index > 0 {
				open.of.From = p.recs[x.index-1].offset + 1
			} else if p.start {
				open.of.From = p.from
			}
		}
		if bare = x; x.own {
			open.add(r.offset, x.at, strangers)
			open.of.To = r.offset + 1
		}
	}
	shut()
	return slices.DeleteFunc(out, func(l island) bool { return len(l.runs) == 0 })
}

// shut ends an island whose last records have no copy there: T is where that of a record behind them is, and this one is T of
// itself, too, for T never falls. Where that may not be concluded, the island ends with the last record that has its copy.
func (l *island) shut(p *stretch, a alignment, last point, allowed func(primary, secondary int64) bool, strangers strangers) {
	for i := last.index + 1; i < len(p.recs); i++ {
		if a.last[i] == last.at && allowed(p.recs[i].offset, last.at) {
			l.add(p.recs[i].offset, last.at, strangers)
			l.of.To = p.recs[i].offset + 1
			return
		}
	}
}

// add puts a point of the main line behind the others. Every record between the two was compared, and none of them has a copy
// that counts: the gap is closed, unless something unknown lies in it on the secondary.
func (l *island) add(primary, secondary int64, strangers strangers) {
	n := len(l.runs)
	if n > 0 && l.runs[n-1].PrimaryEnd() == primary && l.runs[n-1].SecondaryEnd() == secondary {
		l.runs[n-1].Length++
		return
	}
	below := secondary - 1 // of the first run: whatever lies further below is older than the island
	if n > 0 {
		below = l.runs[n-1].SecondaryEnd()
	}
	l.runs = append(l.runs, translate.Run{Primary: primary, Secondary: secondary, Length: 1, Closed: !strangers.between(below, secondary)})
}

// strangers are the positions of records on the secondary that are nobody's copy as far as the primary's stretch tells.
type strangers []int64

func newStrangers(q *stretch, a alignment) strangers {
	var all strangers
	for j := range q.recs {
		if a.source[j] == unknown {
			all = append(all, q.recs[j].offset)
		}
	}
	return all
}

func (s strangers) between(below, above int64) bool {
	for _, at := range s {
		if at >= below && at < above {
			return true
		}
	}
	return false
}
