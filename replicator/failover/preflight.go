package failover

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// preflight: may this begin at all? What it finds needs a person, who may accept what is not exact.
func (m *Machine) preflight(ctx context.Context, k Known, s *State, v View, o Order) (result, error) {
	if v.Error[0] != "" {
		return result{waits: []string{gone(s, v.Error[0])}}, nil
	}
	if missing := ready(v, true); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	if len(v.Groups) == 0 && !s.TopicsOnly && !o.TopicsOnly {
		return result{waits: []string{"there is no group in this scope. Try: leftoff status, which lists them"}, person: true}, nil
	}
	if taken := started(v); len(taken) > 0 {
		return result{waits: []string{fmt.Sprintf("%s run on the secondary already, or did. Try: stop them there and leftoff reclaim, or leave them out with --group", some(taken))}, person: true}, nil
	}
	absent, err := m.absent(ctx, v, k.free(s.ID, topics(s, v)))
	if err != nil {
		return result{}, err
	}
	if asked := slices.Concat(doubts(s.Scope, v), holds(v), absent); len(asked) > 0 && !s.accepts(o, asked) {
		return result{waits: asked, person: true}, nil
	}
	if coming := settling(v, "source_degraded"); len(coming) > 0 && !s.accepts(o, coming) {
		return result{waits: coming}, nil
	}
	s.Found = v.Topics
	said := fmt.Sprintf("%d groups over %d topics", len(v.Groups), len(v.Topics))
	if len(v.Problems) > 0 { // whether they matter shows in the positions, which are asked for
		said += fmt.Sprintf("; leftoff status names %d problems, the first: %s", len(v.Problems), v.Problems[0])
	}
	return result{said: said}, nil
}

// doubts are sentences on a scope that may not be what was meant.
func doubts(in Scope, v View) (all []string) {
	for _, name := range in.Groups {
		if !slices.ContainsFunc(v.Groups, func(g GroupView) bool { return g.Group == name }) {
			all = append(all, fmt.Sprintf("%s: no such group, or it has no offset in this scope. Try: leftoff status, which lists them; or --accept to go on without it", name))
		}
	}
	for _, name := range in.Topics {
		if !slices.Contains(v.Topics, name) {
			all = append(all, fmt.Sprintf("%s: no such topic on this link. Try: leftoff status; or --accept to go on all the same", name))
		}
	}
	for _, g := range v.Groups {
		if len(g.Elsewhere) > 0 && g.Verdict != "handed_over" {
			all = append(all, fmt.Sprintf("%s: is handed over as a whole, and also reads %s, which is not in this scope. Try: --topic with it; or --accept", g.Group, some(g.Elsewhere)))
		}
	}
	return all
}

// passing are reasons that pass, or that nothing has to be done about.
var passing = map[string]bool{"catching_up": true, "unreachable": true, "source_degraded": true, "waiting_for_outputs": true, "handed_over": true, "filtered": true}

// soon are the reasons that pass by themselves, as a rule within seconds.
var soon = []string{"catching_up", "unreachable", "source_degraded", "waiting_for_outputs"}

// settling are sentences on what is not known yet, and will be by itself: as a rule within seconds.
func settling(v View, reasons ...string) (all []string) {
	for _, g := range v.Groups {
		for _, reason := range reasons {
			if n := g.Held[reason]; n > 0 {
				all = append(all, fmt.Sprintf("%s: %d offsets wait, %s. Try: leftoff plan --group %s", g.Group, n, reason, g.Group))
			}
		}
	}
	return all
}

// holds are sentences on what is not written, and will not be by itself.
func holds(v View) (all []string) {
	for _, g := range v.Groups {
		for _, reason := range slices.Sorted(maps.Keys(g.Held)) {
			switch {
			case passing[reason]:
			case reason == "topic_missing":
				all = append(all, fmt.Sprintf("%s: %d offsets are held back, topic_missing: of their topics the secondary has no copy, so that the group would find none of their records there. "+
					"Try: leftoff plan --group %s, which names them, and let the mirror copy them; or --accept to leave those records on the primary", g.Group, g.Held[reason], g.Group))
			default:
				all = append(all, fmt.Sprintf("%s: %d offsets are held back, %s. Try: leftoff plan --group %s, or --accept to go on without them", g.Group, g.Held[reason], reason, g.Group))
			}
		}
	}
	return all
}

// accepts notes what a person lets pass, once. What was accepted before needs no other word.
func (s *State) accepts(o Order, what []string) bool {
	what = slices.DeleteFunc(slices.Clone(what), func(w string) bool { return slices.Contains(s.Accepted, w) })
	if o.Accept {
		s.Accepted = append(s.Accepted, what...)
	}
	return o.Accept || len(what) == 0
}
