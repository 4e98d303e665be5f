package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// kept is for a primary that was not read to its end: what leftoff wrote on the secondary is what counts, and all that is known of most groups.
// Of those that leftoff never handed over, what others wrote there is their own business.
func (g ground) kept(ctx context.Context, in failover.Scope, topics map[string]bool, v *failover.View) error {
	kept, err := g.r.loop.Kept(ctx)
	if err != nil {
		return err
	}
	for i := range v.Groups {
		group := &v.Groups[i]
		group.Confidence, group.Reread, group.Offsets = failover.LastWritten, unknown, max(group.Offsets, kept[group.Group].Offsets)
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		k := kept[name]
		switch {
		case !chosen(in.Groups, name), !slices.ContainsFunc(k.Topics, func(t string) bool { return chosen(in.Topics, t) }):
			continue
		case k.Verdict == replicator.VerdictTakenOver && !g.r.memory.wasHandedOver(name):
			continue
		}
		group := failover.GroupView{Group: name, Offsets: k.Offsets, Confidence: failover.LastWritten, Reread: unknown,
			Live: k.Live, Started: k.Started, Verdict: k.Verdict.String()}
		for _, t := range k.Topics {
			if chosen(in.Topics, t) {
				topics[t] = true
			} else {
				group.Elsewhere = append(group.Elsewhere, t)
			}
		}
		if !slices.ContainsFunc(v.Groups, func(g failover.GroupView) bool { return g.Group == name }) {
			v.Groups = append(v.Groups, group)
		}
	}
	slices.SortFunc(v.Groups, func(a, b failover.GroupView) int { return strings.Compare(a.Group, b.Group) })
	return nil
}

// listed is for a primary that was not read to its end, too: topics that no group reads are known by what leftoff kept on the secondary. Those
// that are not there any more do not change hands.
func (g ground) listed(ctx context.Context, in failover.Scope, topics map[string]bool, v *failover.View) error {
	known := g.r.memory.topics()
	v.Unlisted = len(known) == 0 && len(g.mirrored(nil)) == 0
	if len(in.Groups) > 0 {
		return nil
	}
	names := map[string]string{} // there → the primary's
	for _, topic := range known {
		if to, ok := g.l.Rename(topic); ok && chosen(in.Topics, topic) && !topics[topic] {
			names[to] = topic
		}
	}
	if len(names) == 0 || v.Error[replicator.Secondary] != "" {
		return nil // what is wrong is said, and waited for
	}
	there, err := g.l.clusters[replicator.Secondary].Topics(ctx, slices.Sorted(maps.Keys(names)))
	if err != nil {
		return fmt.Errorf("topics of the secondary: %w", err)
	}
	for to := range there {
		topics[names[to]] = true
	}
	return nil
}
