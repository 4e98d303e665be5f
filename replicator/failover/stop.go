package failover

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// stop waits for the groups to be stopped on the primary. It names who still runs, and never stops anybody.
func (m *Machine) stop(ctx context.Context, v View) (result, error) {
	members, err := m.ground.Members(ctx, names(v))
	if err != nil {
		return result{}, err
	}
	var running []string
	for _, group := range slices.Sorted(maps.Keys(members)) {
		if who := members[group]; len(who) > 0 {
			running = append(running, fmt.Sprintf("%s still runs on the primary: %s", group, some(who)))
		}
	}
	return result{waits: running, said: "no group has members on the primary"}, nil
}

// askWithin bounds what is asked of the primary for nothing but a sentence: it may be gone by now.
const askWithin = 5 * time.Second

// cameBack are sentences on groups that run on the primary although their topics were switched.
func (m *Machine) cameBack(ctx context.Context, v View) (all []string) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	members, err := m.ground.Members(ctx, names(v))
	if err != nil {
		return nil // a primary that is gone has no members that do anything
	}
	for _, group := range slices.Sorted(maps.Keys(members)) {
		if who := members[group]; len(who) > 0 {
			all = append(all, fmt.Sprintf("%s runs on the primary, by %s, and its topics were switched: what it reads there it will read again on the secondary. "+
				"Try: stop it there before its consumers start on the secondary", group, some(who)))
		}
	}
	return all
}
