package failover

import (
	"context"
	"fmt"
	"slices"
)

// sync waits until every position is written. Planned, it waits for exact ones.
func (m *Machine) sync(s *State, v View, o Order) result {
	if missing := ready(v, !s.Unplanned); len(missing) > 0 {
		return result{waits: missing}
	}
	due, pending := 0, 0
	var inexact []string
	for _, g := range v.Groups {
		due, pending = due+g.Due, pending+g.Pending
		if g.inexact() {
			inexact = append(inexact, fmt.Sprintf("%s is %s: %s records may be read again", g.Group, g.Confidence, bound(g.Reread)))
		}
	}
	coming, held := settling(v, soon...), holds(v)
	switch {
	case due > 0:
		return waits("%d positions are being written", due)
	case s.Unplanned:
	case pending > 0:
		return waits("%d positions are being compared", pending)
	case len(coming) > 0 && !s.accepts(o, coming):
		return result{waits: coming}
	case len(held) > 0 && !s.accepts(o, held):
		return result{waits: held, person: true}
	case len(inexact) > 0 && !s.accepts(o, inexact):
		return result{waits: append(inexact, "Try: wait, leftoff status says what would make them exact; or --accept"), person: true}
	}
	s.Groups = reports(v) // as the positions are: after the switch nothing can be said of them any more
	switch held = append(held, coming...); {
	case len(held) > 0:
		return result{said: fmt.Sprintf("what can be written is; %d groups are not exact; held back: %s", len(inexact), some(held))}
	case len(inexact) > 0:
		return result{said: fmt.Sprintf("all positions are written; %d groups are not exact", len(inexact))}
	}
	return result{said: "all positions are written, and exact"}
}

// reports are the groups before they are handed over.
func reports(v View) []GroupReport {
	all := make([]GroupReport, 0, len(v.Groups))
	for _, g := range v.Groups {
		all = append(all, GroupReport{Group: g.Group, Offsets: g.Offsets, Confidence: g.Confidence, Reread: g.Reread, Missing: g.Missing})
	}
	return all
}

// lookInto is what a person can do about bad positions. On a way home leftoff verify compares the regions the wrong way round: there a group that reads
// to the end where it ran, which is what that link calls its primary, has nothing left that could differ.
func (m *Machine) lookInto(c Checked) string {
	switch {
	case !m.store.goesHome():
		return "leftoff verify"
	case len(c.Of) == 0:
		return "the same command again"
	}
	return fmt.Sprintf("let %s read to the end on the primary, and stop it again", some(c.Of))
}

func bound(n int64) string {
	if n < 0 {
		return "an unknown number of"
	}
	return fmt.Sprintf("up to %d", n)
}

// check compares the records at the positions. peek: it only says how far that is.
func (m *Machine) check(ctx context.Context, s *State, v View, o Order, peek bool) (result, error) {
	if missing := ready(v, !s.Unplanned); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	c, coming, err := m.ground.Check(ctx, Look{ID: s.ID, Scope: s.Scope, Alone: s.Unplanned, Accept: o.Accept, Peek: peek})
	if err != nil || len(coming) > 0 {
		return result{waits: coming, going: true}, err
	}
	c.At, c.Alone = m.now().UTC(), s.Unplanned
	s.Checked = &c
	if len(c.Bad) > 0 && !s.accepts(o, c.Bad) {
		return result{waits: append(slices.Clone(c.Bad[:min(len(c.Bad), 10)]), "Try: "+m.lookInto(c)+"; or --accept to go on all the same"), person: true}, nil
	}
	total := 0
	for _, n := range c.Verdicts {
		total += n
	}
	return result{said: fmt.Sprintf("%d positions looked at, %d of them bad", total, len(c.Bad))}, nil
}
