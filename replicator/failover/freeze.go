package failover

import (
	"context"
	"fmt"
	"time"
)

// landFor bounds the wait for what is on its way to the secondary: one that does not take records must not keep anybody from failing over to it.
const landFor = time.Minute

// freeze writes down what is known of a primary that is gone.
func (m *Machine) freeze(ctx context.Context, s *State, v View, o Order) (result, error) {
	if missing := ready(v, false); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	if len(v.Groups) == 0 {
		return result{waits: []string{"no group of this scope is known. Try: leftoff status, which lists them"}, person: true}, nil
	}
	if asked := doubts(s.Scope, v); len(asked) > 0 && !s.accepts(o, asked) {
		return result{waits: asked, person: true}, nil
	}
	left, err := m.ground.Land(ctx, topics(s, v))
	switch {
	case err != nil:
		return result{}, err
	case left > 0 && m.now().Sub(s.Changed) < landFor:
		return waits("%d offsets that leftoff's mirror has read are on their way to the secondary", left), nil
	}
	seen, err := m.ground.Seen(ctx, topics(s, v))
	if err != nil {
		return result{}, err
	}
	for _, g := range v.Groups {
		if g.LastCommit.After(seen.LastCommit) {
			seen.LastCommit = g.LastCommit
		}
	}
	seen.At = m.now().UTC()
	s.Seen, s.Found = &seen, v.Topics
	if left > 0 && seen.NeverMirrored > 0 {
		seen.NeverMirrored = max(0, seen.NeverMirrored-left) // at least
	}
	said := seen.String()
	if left > 0 {
		said += fmt.Sprintf("; %d offsets that leftoff's mirror has read did not get to the secondary within %v, and may yet", left, landFor)
	}
	return result{said: said}, nil
}
