package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

const someBad = 100

// Check reads the records at the positions: on both sides (package verify, which knows nothing of the index), or on the
// secondary alone.
func (g ground) Check(ctx context.Context, o failover.Look) (failover.Checked, []string, error) {
	return g.r.checks.ask(ctx, o, func(ctx context.Context, progress func(done, total int)) (failover.Checked, error) {
		if o.Alone {
			return g.checkAlone(ctx, o.Scope)
		}
		return g.checkBoth(ctx, o.Scope, progress)
	})
}

// What can be said of a position on the secondary alone.
const (
	readable   = "readable"
	atEnd      = "at_end"
	outOfRange = "out_of_range"
	noOffset   = "no_offset"
)

// checkAlone says whether a consumer could start at each position: the offset is there, and within the log.
func (g ground) checkAlone(ctx context.Context, in failover.Scope) (failover.Checked, error) {
	c := failover.Checked{Verdicts: map[string]int{}}
	v, err := g.Look(ctx, in)
	if err != nil {
		return c, err
	}
	asked := map[string][]kafka.TopicPartition{}
	for _, group := range v.Groups {
		asked[group.Group] = nil
		if group.Missing > 0 {
			c.Verdicts[noOffset] += group.Missing
			c.Bad = append(c.Bad, fmt.Sprintf("%s: %d partitions have no offset: auto.offset.reset would decide", group.Group, group.Missing))
		}
	}
	secondary := g.l.clusters[replicator.Secondary]
	held, err := secondary.FetchOffsets(ctx, asked)
	if err != nil {
		return c, err
	}
	topics, parts := g.there(in, v.Topics), map[kafka.TopicPartition]bool{}
	for _, offsets := range held {
		for tp := range offsets {
			if topics[tp.Topic] {
				parts[tp] = true
			}
		}
	}
	tps := slices.Collect(maps.Keys(parts))
	if len(tps) == 0 {
		return c, nil
	}
	starts, err := secondary.ListOffsets(ctx, kafka.Earliest, tps)
	if err != nil {
		return c, err
	}
	ends, err := secondary.ListOffsets(ctx, kafka.Stable, tps)
	if err != nil {
		return c, err
	}
	for _, group := range slices.Sorted(maps.Keys(held)) {
		for tp, o := range held[group] {
			if !parts[tp] || o.Err == nil && o.Offset < 0 {
				continue
			}
			verdict := readable
			switch start, end := starts[tp], ends[tp]; {
			case o.Err != nil, start.Err != nil || end.Err != nil:
				verdict = "unreadable"
			case o.Offset < start.Offset || o.Offset > end.Offset:
				verdict = outOfRange
			case o.Offset == end.Offset:
				verdict = atEnd
			}
			c.Verdicts[verdict]++
			if verdict != readable && verdict != atEnd {
				c.Bad = append(c.Bad, fmt.Sprintf("%s, %s at %d: %s, the secondary has %d to %d", group, tp, o.Offset, verdict, starts[tp].Offset, ends[tp].Offset))
			}
		}
	}
	c.Bad = c.Bad[:min(len(c.Bad), someBad)]
	return c, nil
}

// there are the secondary's names of a scope's topics: of those that groups read, which may be all that is known, and of those that are
// mirrored.
func (g ground) there(in failover.Scope, read []string) map[string]bool {
	all := map[string]bool{}
	for _, topic := range append(g.mirrored(in.Topics), read...) {
		if to, ok := g.l.Rename(topic); ok {
			all[to] = true
		}
	}
	return all
}
