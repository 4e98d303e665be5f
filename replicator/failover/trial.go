package failover

import (
	"context"
	"fmt"
)

// Trial is what a step would find now. Steps that change something are not tried, only named.
type Trial struct {
	Step  Step     `json:"step"`
	Finds []string `json:"finds,omitempty"` // what it would wait for
	Says  string   `json:"says,omitempty"`
	// Going: it is still being looked at, and Says how far. Who asks again is told more.
	Going bool `json:"going,omitempty"`
}

// Try looks at every step of an order and changes nothing. What is known to stand in the way of keeping the steps on the secondary is found by the
// first one: a failover that is begun finds it when it writes that down.
func (m *Machine) Try(ctx context.Context, o Order) ([]Trial, error) {
	v, err := m.ground.Look(ctx, o.Scope)
	if err != nil {
		return nil, err
	}
	unkept := v.Unkept
	k, err := m.store.Load(ctx)
	if err != nil {
		unkept = append(unkept, fmt.Sprintf("what was kept of earlier ones can't be read: %v", err))
	}
	o.Accept = false
	var all []Trial
	for i, step := range Steps(o.Unplanned) {
		if step == Done {
			continue
		}
		t := m.try(ctx, k, v, step, o)
		if i == 0 && len(unkept) > 0 {
			t.Finds = append(unkept, t.Finds...)
		}
		all = append(all, t)
	}
	return all, nil
}

// try looks at one step.
func (m *Machine) try(ctx context.Context, k Known, v View, step Step, o Order) Trial {
	s := State{ID: Dry, Unplanned: o.Unplanned, Scope: o.Scope, TopicsOnly: o.TopicsOnly, Step: step}
	t := Trial{Step: step}
	switch step {
	case Switch:
		t.Says = wouldSwitch(k, &s, v)
		return t
	case HandOver:
		t.Says = "no group would be handed over"
		if len(v.Groups) > 0 {
			t.Says = "would be handed over: " + some(names(v))
		}
		return t
	}
	if step != Preflight && !o.Unplanned && v.Error[0] != "" {
		t.Finds = []string{"not looked at: the primary does not answer"}
		return t
	}
	r, err := m.step(ctx, k, &s, o)
	switch {
	case err != nil:
		t.Finds = []string{err.Error()} // the others may find something, too
	case r.going:
		t.Says, t.Going = r.waits[0], true
	case len(r.waits) > 0:
		t.Finds = r.waits
	default:
		t.Says = r.said
	}
	return t
}

func wouldSwitch(k Known, s *State, v View) string {
	says, note := "no topic would change hands: only some of the groups do", unlisted(s, v)
	all := switches(s, v)
	alien := without(all, v.Topics) // named, and not found: preflight asks
	switch known := without(all, alien); {
	case len(all) == 0:
	case len(known) == 0:
		says = "no topic that is known here would change hands"
	case len(k.free(s.ID, known)) == 0:
		says = "no topic would change hands: an earlier failover switched them"
	default:
		says = "would change hands: " + some(k.free(s.ID, known))
	}
	if len(alien) > 0 {
		says += "; not known on this link: " + some(alien)
	}
	if note != "" {
		says += "; " + note
	}
	return says
}
