package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// forgottenHomes are sentences on ways home that brought something to the primary since the topics were switched, as the log on the primary says, and of
// which the link's own log, on the secondary, has no word: it was deleted. What they brought lies past P* like what was never mirrored. A log
// that may not be read says nothing.
func (g ground) forgottenHomes(ctx context.Context, switched map[string]failover.Role) ([]string, error) {
	k, err := g.r.memory.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	ids, log := g.l.known(), g.homesLog()
	there := map[string]time.Time{}
	for _, name := range []string{g.l.Name, g.l.config.RenamedFrom} {
		found, err := failover.WaysHome(ctx, log, name, ids[replicator.Primary], ids[replicator.Secondary])
		switch {
		case kafka.Classify(err) == kafka.Unauthorized:
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("%s on the primary: %w", failover.Topic, err)
		}
		maps.Copy(there, found)
	}
	return forgotten(there, k, switched), nil
}

// homesLog is the log on the primary. What was read of it is kept.
func (g ground) homesLog() *failover.KafkaLog {
	g.l.home.mu.Lock()
	defer g.l.home.mu.Unlock()
	if g.l.home.there == nil {
		g.l.home.there = &failover.KafkaLog{Cluster: g.l.clusters[replicator.Primary]}
	}
	return g.l.home.there
}

// forgotten are sentences on those ways home that a log does not know and that went on after topics were switched that still are. One that had
// ended before has nothing past their P*.
func forgotten(there map[string]time.Time, k failover.Known, switched map[string]failover.Role) (all []string) {
	known := map[string]bool{}
	for i := range k.Events {
		if s := k.Events[i].State; s != nil {
			known[s.ID] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(there)) {
		since := func(r failover.Role) bool { return there[id].After(r.At) }
		if known[id] || !slices.ContainsFunc(slices.Collect(maps.Values(switched)), since) {
			continue
		}
		all = append(all, fmt.Sprintf("an earlier way home (%s) is not in %s any more, as that was deleted: what it had brought home would come home a second time. "+
			"Try: make the switched topics anew on the primary first, if the secondary has all that is wanted of them: they come home whole then; "+
			"or --accept, and those records are on the primary twice", id, failover.Topic))
	}
	return all
}
