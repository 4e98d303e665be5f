package failover

import "context"

// Trial is what a step would find now. Steps that change something are not tried, only named.
type Trial struct {
	Step  Step     `json:"step"`
	Finds []string `json:"finds,omitempty"` // what it would wait for
	Says  string   `json:"says,omitempty"`
	// Going: it is still being looked at, and Says how far. Who asks again is told more.
	Going bool `json:"going,omitempty"`
}

// Try looks at every step of an order and changes nothing.
func (m *Machine) Try(ctx context.Context, o Order) ([]Trial, error) {
	var all []Trial
	v, err := m.ground.Look(ctx, o.Scope)
	if err != nil {
		return nil, err
	}
	o.Accept = false
	for _, step := range Steps(o.Unplanned) {
		s := State{ID: Dry, Unplanned: o.Unplanned, Scope: o.Scope, Step: step}
		t := Trial{Step: step}
		switch step {
		case Done:
			continue
		case Switch:
			t.Says = "no topic would change hands: only some of the groups do"
			if topics := switches(&s, v); len(topics) > 0 {
				t.Says = "would change hands: " + some(topics)
			}
			if note := unlisted(&s, v); note != "" {
				t.Says += "; " + note
			}
		case HandOver:
			t.Says = "would be handed over: " + some(names(v))
		default:
			r, err := m.step(ctx, Known{}, &s, o)
			if err != nil {
				r.waits = []string{err.Error()} // the others may find something, too
			}
			switch {
			case err == nil && r.going:
				t.Says, t.Going = r.waits[0], true
			case len(r.waits) > 0:
				t.Finds = r.waits
			default:
				t.Says = r.said
			}
		}
		all = append(all, t)
	}
	return all, nil
}
