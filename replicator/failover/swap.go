package failover

import (
	"context"
	"fmt"
	"slices"
)

// maySwap says which topics change hands, and what the switch waits for.
func (m *Machine) maySwap(ctx context.Context, k Known, s *State, v View, o Order) (what []string, r result, err error) {
	what, begun := k.free(s.ID, switches(s, v)), len(k.switchedBy(s.ID)) > 0
	// A leftoff that has only just started may not know of any topic yet: none of them would change hands.
	if missing := ready(v, !s.Unplanned && !begun); len(missing) > 0 {
		return nil, result{waits: missing}, nil
	}
	if len(what) == 0 || s.Unplanned || begun {
		return what, result{}, nil
	}
	r, err = m.stillSo(ctx, s, v, what, o)
	return what, r, err
}

// swap switches the topics: from here on the secondary's producers write them, and leftoff's mirror does not. The roles are
// durable before anybody is told, and the mirror is fenced before its marks are taken.
func (m *Machine) swap(ctx context.Context, k Known, s *State, v View, o Order) (result, error) {
	what, r, err := m.maySwap(ctx, k, s, v, o)
	switch {
	case err != nil || len(r.waits) > 0:
		return r, err
	case len(switches(s, v)) == 0:
		return result{said: "no topic changes hands: only some of the groups do"}, nil
	case len(what) == 0:
		return result{said: "no topic changes hands: an earlier failover switched them"}, nil
	}
	note := unlisted(s, v)
	if note != "" {
		s.note(note)
	}
	done, err := m.ground.Switch(ctx, what)
	if err != nil {
		return result{}, err
	}
	roles, alien := map[string]Role{}, 0
	var fenced []string
	for i := range done {
		t := &done[i]
		if t.Fenced {
			fenced = append(fenced, t.Topic)
		} else {
			alien++
		}
		if was, ok := k.Roles[t.Topic]; ok && was.Name == Switched {
			t.Marks = was.Marks // of when it was switched: the secondary's own records may be above them by now
			continue
		}
		roles[t.Topic] = Role{Name: Switched, At: m.now().UTC(), ID: s.ID, Marks: t.Marks}
	}
	if err := m.store.setRoles(ctx, &k.last, s.Who, s.why(), roles); err != nil {
		return result{}, err
	}
	s.Topics = done
	if !s.Unplanned { // a mirror that is not leftoff's goes on: what it has not copied yet may still come
		s.note(m.leftOnPrimary(ctx, without(fenced, v.Absent))...)
	}
	said := fmt.Sprintf("%d topics change hands", len(done))
	if note != "" {
		said += "; " + note
	}
	if alien > 0 {
		said += fmt.Sprintf("; %d of them are copied by a mirror that is not leftoff's. Stop it, or it will write old records between new ones when the primary comes back", alien)
	}
	return result{said: said}, nil
}

// note takes what a person has to look after, once.
func (s *State) note(all ...string) {
	for _, what := range all {
		if !slices.Contains(s.Notes, what) {
			s.Notes = append(s.Notes, what)
		}
	}
}

// why is the reason of what a failover writes.
func (s *State) why() string { return "failover " + s.ID }
