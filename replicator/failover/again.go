package failover

import (
	"context"
	"fmt"
	"slices"
)

// A planned failover waits for its groups to be stopped, for the records, and for the positions, one after the other, and then compares records,
// which may take an hour. A consumer or a producer that was started again meanwhile would lose what it does to the switch. So all of
// it is asked once more right before anything changes hands.

// stillSo says what does not hold any more. topics are those to drain: none where the mirror goes on.
func (m *Machine) stillSo(ctx context.Context, s *State, v View, topics []string, o Order) (result, error) {
	if r, err := m.stop(ctx, v); err != nil || len(r.waits) > 0 {
		return r, err
	}
	if len(topics) > 0 {
		if r, err := m.drain(ctx, s, v, topics, o); err != nil || len(r.waits) > 0 {
			return r, err
		}
	}
	v, err := m.ground.Look(ctx, s.Scope) // what was committed until they stopped
	if err != nil {
		return result{}, err
	}
	if missing := ready(v, true); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	return s.resync(v, o), nil
}

// resync waits for positions that have moved since sync, and takes them into the report. One that was exact and is not any more is a person's
// business; what was not exact then was accepted then.
func (s *State) resync(v View, o Order) result {
	v.Groups = slices.DeleteFunc(slices.Clone(v.Groups), GroupView.letGo)
	due, pending := 0, 0
	for _, g := range v.Groups {
		due, pending = due+g.Due, pending+g.Pending
	}
	switch coming := settling(v, soon...); {
	case due > 0:
		return waits("%d positions are being written", due)
	case pending > 0:
		return waits("%d positions are being compared", pending)
	case len(coming) > 0 && !s.accepts(o, coming):
		return result{waits: coming}
	}
	was := map[string]int{} // where in the report
	for i, r := range s.Groups {
		was[r.Group] = i
	}
	var worse []string
	for _, g := range v.Groups {
		if i, known := was[g.Group]; known && g.inexact() && s.Groups[i].Confidence == "exact" {
			worse = append(worse, fmt.Sprintf("%s was exact, and is %s since: %s records may be read again", g.Group, g.Confidence, bound(g.Reread)))
		}
	}
	if len(worse) > 0 && !s.accepts(o, worse) {
		return result{waits: append(worse, "Try: wait, leftoff status says what would make them exact; or --accept"), person: true}
	}
	s.Groups = slices.Clone(s.Groups)
	for _, now := range reports(v) {
		if i, known := was[now.Group]; known {
			s.Groups[i] = now
		}
	}
	return result{}
}

// letGo: leftoff does not write it any more, so that nothing new is to be learned of its positions.
func (g GroupView) letGo() bool { return g.Verdict == "handed_over" || g.Verdict == "taken_over" }

// inexact: it may read records again, or miss what is not written.
func (g GroupView) inexact() bool {
	return g.Confidence != "exact" && g.Confidence != NotOurs && g.Offsets > 0
}
