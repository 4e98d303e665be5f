package failover

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// mayTakeBack says why a rollback can't go on.
func (m *Machine) mayTakeBack(ctx context.Context, k Known, s *State, v View, o Order) (result, error) {
	if missing := ready(v, false); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	if began := started(v); len(began) > 0 {
		return result{waits: []string{fmt.Sprintf("%s have started on the secondary since, and what they read there would be read again. "+
			"Try: the same leftoff failover, which goes forward again; then leftoff failback", some(began))}, person: true}, nil
	}
	left, err := m.leftBehind(ctx, k, s)
	if err == nil && len(left) > 0 && !s.accepts(o, left) {
		return result{waits: []string{fmt.Sprintf("%s. A rollback would leave that there, unread. "+
			"Try: the same leftoff failover, which goes forward again, then leftoff failback; or leftoff failover rollback --accept to leave it", some(left))}, person: true}, nil
	}
	return result{}, err
}

// takeBack undoes what this failover did, as far as it came, and nothing of another one. Topics first, so that nothing is written where
// others may write.
func (m *Machine) takeBack(ctx context.Context, k Known, s *State, v View, o Order) (result, error) {
	if r, err := m.mayTakeBack(ctx, k, s, v, o); err != nil || len(r.waits) > 0 {
		return r, err
	}
	// The step that was turned round may have fenced topics without living to write it down.
	topics := k.switchedBy(s.ID)
	back := append(k.free(s.ID, switches(s, v)), topics...)
	slices.Sort(back)
	roles := map[string]Role{}
	for _, t := range topics {
		roles[t] = Role{Name: Forward, At: m.now().UTC(), ID: s.ID}
	}
	if err := m.store.setRoles(ctx, &k.last, s.Who, "rollback of "+s.ID, roles); err != nil {
		return result{}, err
	}
	if err := m.ground.SwitchBack(ctx, slices.Compact(back)); err != nil {
		return result{}, err
	}
	why := s.why() + " was rolled back"
	groups, durable := m.handedOver(k, s, v, why)
	if err := m.ground.TakeBack(ctx, groups, why); err != nil {
		return result{}, err
	}
	if err := m.store.setGroups(ctx, &k.last, s.Who, durable); err != nil {
		return result{}, err
	}
	return result{said: fmt.Sprintf("%d topics and %d groups follow the primary again", max(len(topics), len(s.Topics)), len(durable))}, nil
}

// handedOver are the groups that this failover let go of: those that have to be taken back here, and what the log has to say. Another
// process may have let go of groups and died before it wrote that down: its index remembers.
func (m *Machine) handedOver(k Known, s *State, v View, why string) (here []string, durable []Group) {
	reached := slices.ContainsFunc(s.Past, func(p Passed) bool { return p.Step == HandOver })
	names := map[string]bool{}
	for _, g := range v.Groups {
		if e := k.Groups[g.Group]; e.Verdict == "handed_over" && e.Why != s.why() {
			continue // an earlier failover's
		}
		if names[g.Group] = reached; g.Verdict == "handed_over" {
			names[g.Group], here = true, append(here, g.Group)
		}
	}
	for name, e := range k.Groups {
		if e.Verdict == "handed_over" && e.Why == s.why() {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] && k.Groups[name].Why != why {
			durable = append(durable, Group{Name: name, Verdict: "reclaimed", Why: why})
		}
	}
	return here, durable
}
