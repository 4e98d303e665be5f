package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
)

// Written compares the ends of the secondary's partitions with where they were at the switch. Everything past that counts, open
// transactions and partitions that were added since, too.
func (g ground) Written(ctx context.Context, switched map[string]failover.Role) ([]failover.Written, error) {
	_, fenced := g.r.source.(*mirror.Source)
	names := map[string]string{} // there → the primary's
	for topic := range switched {
		if there, _ := g.l.Rename(topic); there != "" {
			names[there] = topic
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	secondary := g.l.clusters[replicator.Secondary]
	infos, err := secondary.Topics(ctx, slices.Sorted(maps.Keys(names)))
	if err != nil {
		return nil, err
	}
	since := map[kafka.TopicPartition]failover.Written{}
	for there, info := range infos { // of a topic that was deleted since nothing is left
		if info.Err != nil {
			return nil, fmt.Errorf("topic %s: %w", there, info.Err)
		}
		for n := range info.Partitions {
			since[kafka.TopicPartition{Topic: there, Partition: int32(n)}] = failover.Written{
				Topic: names[there], There: there, Partition: int32(n), From: endedAt(switched[names[there]], int32(n)), Fenced: fenced,
			}
		}
	}
	if len(since) == 0 {
		return nil, nil
	}
	ends, err := secondary.ListOffsets(ctx, kafka.Latest, slices.Collect(maps.Keys(since)))
	if err != nil {
		return nil, err
	}
	return written(since, ends)
}

// endedAt is where a partition ended on the secondary when its topic was switched; 0 where it was not there.
func endedAt(role failover.Role, n int32) int64 {
	for _, m := range role.Marks {
		if m.Partition == n {
			return max(m.Secondary, 0)
		}
	}
	return 0
}

// written are the partitions that end elsewhere, by topic and partition. One that ends before it did is another one: all of it is new.
func written(since map[kafka.TopicPartition]failover.Written, ends map[kafka.TopicPartition]kafka.OffsetResult) (all []failover.Written, err error) {
	for tp, w := range since {
		end, asked := ends[tp]
		switch {
		case errors.Is(end.Err, kafka.ErrUnknownTopic):
			continue
		case !asked:
			return nil, fmt.Errorf("%s: the secondary says nothing of it", tp)
		case end.Err != nil:
			return nil, fmt.Errorf("%s: %w", tp, end.Err)
		case end.Offset < w.From:
			w.From, w.Anew = 0, true
		}
		if w.To = end.Offset; w.To > w.From {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, failover.Written.Compare)
	return all, nil
}
