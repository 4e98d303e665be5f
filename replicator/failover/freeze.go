package failover

import "context"

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
	return result{said: seen.String()}, nil
}
