package translate

import (
	"cmp"
	"slices"
)

// Reverse is the way home: the least primary record, still there, whose FIRST copy is at v or above. b is what the primary
// serves. A group that stands at v on the secondary has read every record that has a copy below v.
//
//	v inside a run                     exact, unless those records were read before, in dead copies
//	v in a closed gap                  exact: the start of the next run
//	v in an open gap                   floor: the end of the run before it
//	all copies below v, v <= frontier  exact: the frontier's primary offset, nothing below it comes any more
//	v past the frontier                behind
func (c *Copies) Reverse(v int64, b Bounds) (Position, error) {
	v = max(v, 0)
	w := walk{c: c, v: v, b: b, open: None}
	if err := w.run(); err != nil {
		return unmapped(), err
	}
	pos := c.home(v, w)
	if pos.Confidence == Unmapped {
		return pos, nil
	}
	for _, veil := range c.Veils {
		if v < veil.In.To {
			pos = lower(pos, veil.Of.From, Floor) // what was copied there above v is not known
		}
	}
	if v < c.Past.Secondary && c.Past.LostHome > b.LogStart {
		// unread copies were pruned while the primary still has the records
		pos = lower(Position{max(pos.Offset, b.LogStart), Floor, pos.Reread}, b.LogStart, Floor)
		if pos.Reread >= 0 {
			pos.Reread = max(pos.Reread, c.Past.LostHome-b.LogStart)
		}
	}
	if pos.Offset < b.LogStart {
		if pos.Reread > 0 {
			pos.Reread = max(0, pos.Reread-(b.LogStart-pos.Offset))
		}
		pos.Offset = b.LogStart
	}
	return clampEnd(pos, b.End), nil
}

// home turns what the walk found into a position.
func (c *Copies) home(v int64, w walk) Position {
	end, some := c.End()
	switch {
	case !some && !c.HasFrontier:
		return unmapped()
	case w.found:
		pos := between(min(w.unread, w.open), w.unread)
		if w.open < None && pos.Confidence == Exact {
			pos.Confidence = Floor // nothing is read twice, but records that were never mirrored may lie between
		}
		if c.HasFrontier {
			pos = lower(pos, c.Frontier.Primary, Floor) // below the next run something may still come
		}
		return c.forgotten(pos)
	case !c.HasFrontier:
		return lower(Position{Offset: end, Confidence: Behind, Reread: -1}, w.open, Floor)
	}
	pos := exact(max(end, c.Frontier.Primary, c.Past.Primary, c.Past.Forgotten))
	if c.NextOpen { // what was read past the last run is not known
		last, _ := c.Last()
		pos = Position{Offset: end, Confidence: Floor, Reread: max(0, v-last.SecondaryEnd()) + pos.Offset - end}
	} else if v > c.tip() {
		pos = Position{Offset: pos.Offset, Confidence: Behind, Reread: v - c.tip()}
	}
	return lower(lower(pos, c.Frontier.Primary, Floor), w.open, Floor)
}

// forgotten widens the bound where first copies may have been pruned: those records, and all after them, may have been read.
func (c *Copies) forgotten(pos Position) Position {
	end, _ := c.End()
	if pos.Offset >= c.Past.Forgotten {
		return pos
	}
	return between(pos.Offset, max(end, c.Frontier.Primary, c.Past.Primary, c.Past.LostHome, c.Past.Forgotten))
}

// walk looks for the least unread record among all copies.
type walk struct {
	c *Copies
	v int64
	b Bounds

	read   []Span // primary offsets read in leftover copies below v, sorted and apart
	unread int64
	found  bool
	open   int64 // the least primary offset from which something unknown may be unread; None when there is none
}

func (w *walk) run() error {
	w.read = w.readAside()
	if err := w.main(); err != nil {
		return err
	}
	for _, aside := range [][]Run{w.c.Pending, w.c.Dead} {
		for _, r := range aside {
			if err := w.aside(above(r, w.v)); err != nil {
				return err
			}
		}
	}
	return nil
}

// main walks up the main line from v.
func (w *walk) main() error {
	at, err := w.c.atSecondary(w.v)
	if err != nil || !at.HasNext {
		return err
	}
	s := at.Next.Primary + max(0, w.v-at.Next.Secondary)
	if w.v < at.Next.Secondary && !at.Next.Closed {
		w.open = w.b.LogStart
		if at.HasPrev {
			w.open = max(w.open, at.Prev.PrimaryEnd())
		}
	}
	for s = max(s, w.b.LogStart); ; {
		s = skip(w.read, s)
		at, err := w.c.at(s)
		if err != nil || !at.HasNext {
			return err
		}
		if s >= at.Next.Primary {
			w.offer(s)
			return nil
		}
		if !at.Next.Closed {
			w.open = min(w.open, s)
		}
		s = at.Next.Primary
	}
}

// aside looks through one leftover run that lies at v or above.
func (w *walk) aside(r Run) error {
	for s := max(r.Primary, w.b.LogStart); s < r.PrimaryEnd(); {
		if next := skip(w.read, s); next > s {
			s = next
			continue
		}
		at, err := w.c.at(s)
		if err != nil {
			return err
		}
		m := below(at.Next, w.v)
		if !at.HasNext || m.Length == 0 || s < m.Primary || s >= m.PrimaryEnd() {
			w.offer(s)
			return nil
		}
		s = m.PrimaryEnd()
	}
	return nil
}

func (w *walk) offer(s int64) {
	if !w.found || s < w.unread {
		w.unread, w.found = s, true
	}
}

// readAside collects what leftover copies below v have shown.
func (w *walk) readAside() []Span {
	var read []Span
	for _, aside := range [][]Run{w.c.Pending, w.c.Dead} {
		for _, r := range aside {
			if r = below(r, w.v); r.Length > 0 {
				read = append(read, Span{r.Primary, r.PrimaryEnd()})
			}
		}
	}
	return union(read)
}

// union sorts spans and merges those that touch.
func union(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	var out []Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// skip is the first offset at or after s that is in none of the sorted spans.
func skip(spans []Span, s int64) int64 {
	i, _ := slices.BinarySearchFunc(spans, s, func(o Span, s int64) int {
		if o.To <= s {
			return -1
		}
		return 1
	})
	if i < len(spans) && spans[i].From <= s {
		return spans[i].To
	}
	return s
}
