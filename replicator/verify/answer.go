package verify

import (
	"fmt"
	"slices"
)

// common says whether some landmark lies below on both sides, or one side has nothing there at all.
func (c *comparison) common() (shared, empty bool) {
	for _, k := range c.a.below {
		if c.landmark(k) && c.b.inBelow[k] > 0 {
			return true, false
		}
	}
	return false, len(c.a.below) == 0 && c.a.start || len(c.b.below) == 0 && c.b.start
}

// sameBelow: the two records right below are the same, or there is none on either side.
func (c *comparison) sameBelow() bool {
	n, m := len(c.a.below), len(c.b.below)
	if n == 0 || m == 0 {
		return n == 0 && m == 0 && c.a.start && c.b.start
	}
	return c.a.below[n-1] == c.b.below[m-1]
}

func (c *comparison) atEnd() finding {
	shared, empty := c.common()
	switch {
	case c.sameBelow():
		return finding{verdict: AtEnd, why: "no record yet on either side, and the one below is the same", near: shared || empty}
	case shared, empty:
		return finding{verdict: AtEnd, why: "no record yet on either side", notes: []string{c.beside()}, near: true}
	case c.similar():
		return finding{verdict: CantTell, why: "no record yet on either side, and those below are alike"}
	}
	return finding{verdict: Different, why: "no record yet on either side, but those below have nothing in common", lost: true}
}

// similar: the two sides share kinds of records at all.
func (c *comparison) similar() bool {
	for k := range c.a.inBelow {
		if c.a.has(k) > 0 && c.b.has(k) > 0 {
			return true
		}
	}
	return false
}

func (c *comparison) primaryAtEnd() finding {
	switch {
	case c.reread > 0:
		return c.rereading()
	case c.similarAbove():
		return finding{verdict: CantTell, why: "the primary has no next record, and the next ones of the secondary are like others"}
	}
	if shared, _ := c.common(); shared {
		return finding{verdict: Gap, why: fmt.Sprintf("the primary has no next record, the secondary has %s that its readers do not see", count(len(c.b.above), c.b.end))}
	}
	return finding{verdict: Different, why: "the primary has no next record, the secondary has one that was not found on the primary", lost: true}
}

func (c *comparison) similarAbove() bool {
	for _, k := range c.b.above {
		if c.a.has(k) > 0 {
			return true
		}
	}
	return false
}

func (c *comparison) secondaryAtEnd() finding {
	shared, empty := c.common()
	switch {
	case c.unsure:
		return alikes("the secondary is at its end, and its last records are like the primary's next ones")
	case shared, empty && len(c.b.below) == 0, empty && !c.similar():
		return finding{verdict: NotMirroredYet, why: "the secondary has not come to the next record yet", near: empty && len(c.b.below) == 0}
	case c.similar():
		return alikes("the secondary is at its end, and its last records are like others")
	}
	return finding{verdict: Different, why: "the secondary is at its end, and its last records were not found on the primary", lost: true}
}

func alikes(why string) finding { return finding{verdict: CantTell, why: why} }

func (c *comparison) rereading() finding {
	f := finding{verdict: Rereads, records: int64(c.reread), why: "records that the group has read lie above its position on the secondary"}
	f.atLeast = !c.b.end && (c.there < 0 || c.there >= len(c.b.above)/2)
	return f
}

// next: both sides have a next record.
func (c *comparison) next() finding {
	filtered, foreign, ambiguous := c.between()
	switch {
	case c.a.end && c.b.end && c.sameBelow() && slices.Equal(c.a.above, c.b.above):
		return finding{verdict: SameRecord, why: "all there is from here on is the same, and so is the record below", near: true}
	case c.unsure:
		return alikes("records are alike here: one that the group has not read may lie below its position on the secondary")
	case c.reread > 0:
		return c.rereading()
	case ambiguous, c.meet < 0 && c.similar() && !c.clear():
		return alikes("records are alike here, so that the place can't be told from others")
	case c.meet < 0:
		return finding{verdict: Different, why: "the next record is another one, and neither was found near the other's position", lost: true}
	}
	shared, empty := c.common()
	f := finding{verdict: Gap, near: (shared || empty) && filtered == 0 && foreign == 0}
	switch {
	case filtered == 0 && foreign == 0 && c.sameBelow():
		f.verdict, f.why = SameRecord, "the next record is the same, and so is the one below"
	case filtered == 0 && foreign == 0:
		f.why = "the next record is the same; " + c.beside()
	default:
		f.why = "the next record that was mirrored is the same"
		if filtered > 0 {
			f.notes = append(f.notes, fmt.Sprintf("%s of the primary not on the secondary come before it", count(filtered, true)))
		}
		if foreign > 0 {
			f.notes = append(f.notes, fmt.Sprintf("%s of the secondary that the primary's readers do not see come before it", count(foreign, true)))
		}
	}
	return f
}

// clear: neither next record is like any other, nor on the other side.
func (c *comparison) clear() bool {
	x, y := c.a.above[0], c.b.above[0]
	return c.landmark(x) && c.b.has(x) == 0 && c.a.has(y) == 0
}

// between looks at what comes before the landmark that both sides have above.
func (c *comparison) between() (filtered, foreign int, ambiguous bool) {
	if c.meet < 0 {
		return 0, 0, false
	}
	number := map[int]int{}
	for _, k := range c.a.above[:c.meet] {
		switch {
		case c.b.has(k) == 0:
			filtered++
		case c.landmark(k):
			ambiguous = true // its copies are too far away to be counted on
		default:
			number[k]++
		}
	}
	for _, k := range c.b.above[:c.there] {
		switch {
		case c.a.has(k) == 0:
			foreign++
		case c.landmark(k): // a later one, out of order
		default:
			number[k]--
		}
	}
	for _, n := range number {
		ambiguous = ambiguous || n != 0
	}
	return filtered, foreign, ambiguous
}

// beside says in which way the records below are not the same.
func (c *comparison) beside() string {
	switch n, m := len(c.a.below), len(c.b.below); {
	case n == 0:
		return "the primary has nothing below any more"
	case m == 0:
		return "the secondary has nothing below"
	case c.b.has(c.a.below[n-1]) == 0:
		return "the one below is not on the secondary"
	case c.a.has(c.b.below[m-1]) == 0:
		return "below is one of the secondary alone"
	}
	return "below is a copy of another one"
}

func count(n int, all bool) string {
	switch {
	case !all:
		return fmt.Sprintf("%d or more records", n)
	case n == 1:
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}
