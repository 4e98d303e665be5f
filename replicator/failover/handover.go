package failover

import (
	"context"
	"fmt"
	"slices"
)

// mayHandOver says what the hand-over waits for. Where only groups change hands, what they do on the primary still counts: they have to
// be stopped, as at the step stop. With their topics switched there is nothing to wait for, since what they commit there is not carried over any
// more, and a consumer that nobody can reach would keep the others from starting: it is said (see handOver).
func (m *Machine) mayHandOver(ctx context.Context, s *State, v View, o Order) (result, error) {
	if missing := ready(v, false); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	if s.Unplanned || len(s.Topics) > 0 {
		return result{}, nil
	}
	return m.stillSo(ctx, s, v, nil, o)
}

// handOver lets go of the groups. What they hold was written down before the switch.
func (m *Machine) handOver(ctx context.Context, k Known, s *State, v View, o Order) (result, error) {
	if r, err := m.mayHandOver(ctx, s, v, o); err != nil || len(r.waits) > 0 {
		return r, err
	}
	if !s.Unplanned && len(s.Topics) > 0 {
		s.note(m.cameBack(ctx, v)...)
	}
	known := map[string]bool{}
	all := slices.Clone(s.Groups)
	for _, g := range all {
		known[g.Group] = true
	}
	for _, r := range reports(v) {
		if !known[r.Group] {
			r.Said = "it came after the positions were looked at"
			all = append(all, r)
		}
	}
	groups := make([]string, len(all))
	for i := range all {
		groups[i] = all[i].Group
	}
	verdicts, err := m.ground.HandOver(ctx, groups, s.why())
	if err != nil {
		return result{}, err
	}
	var durable []Group
	for i := range all {
		r := &all[i]
		r.Verdict = verdicts[r.Group]
		if r.Verdict == "taken_over" {
			r.Said = "its consumers were there first"
		}
		if k.Groups[r.Group].Verdict != r.Verdict { // else it is in the log, perhaps of an earlier failover
			durable = append(durable, Group{Name: r.Group, Verdict: r.Verdict, Why: s.why()})
		}
	}
	s.Groups = all
	if err := m.store.setGroups(ctx, &k.last, s.Who, durable); err != nil {
		return result{}, err
	}
	return result{said: fmt.Sprintf("%d groups handed over: start their consumers on the secondary", len(all))}, nil
}
