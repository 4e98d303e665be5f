package failover

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// A topic that the link is to copy may not be on the secondary at all: its mirror may not make it, or nobody's copies it. What the primary has of it
// does not come by waiting.

// absent are sentences on such topics, and how much of them the primary has. An empty one is nobody's loss.
func (m *Machine) absent(ctx context.Context, v View, topics []string) ([]string, error) {
	topics = slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return !slices.Contains(v.Absent, t) })
	if len(topics) == 0 {
		return nil, nil
	}
	behind, err := m.ground.Behind(ctx, topics)
	if err != nil {
		return nil, err
	}
	return absences(behind), nil
}

// absences say the same of the same records, so that who has accepted them once is not asked again unless there are more.
func absences(all []Unmirrored) (said []string) {
	of := map[string][]Unmirrored{}
	for _, u := range all {
		of[u.Topic] = append(of[u.Topic], u)
	}
	for _, topic := range slices.Sorted(maps.Keys(of)) {
		said = append(said, fmt.Sprintf("%s: the secondary has no copy of this topic, and the primary has %s of it. Try: leftoff status, which says why, and let the mirror copy it; "+
			"or --accept to leave them on the primary", topic, counts(of[topic])))
	}
	return said
}

// split parts what is behind into what is on its way and what belongs to topics that the secondary does not have.
func split(all []Unmirrored, absent []string) (coming, never []Unmirrored) {
	for _, u := range all {
		if slices.Contains(absent, u.Topic) {
			never = append(never, u)
		} else {
			coming = append(coming, u)
		}
	}
	return coming, never
}

// without leaves names out.
func without(all, out []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(out, name) })
}
