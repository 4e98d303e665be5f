package verify

import (
	"context"
	"fmt"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// bounded learns where partitions begin and end, of those that have something to compare.
func (c *check) bounded(ctx context.Context, parts []*part) []*part {
	var here, there []kafka.TopicPartition
	for _, p := range parts {
		if p.open() {
			here, there = append(here, p.here), append(there, p.there)
		}
	}
	if len(here) == 0 {
		return parts
	}
	var got [4]map[kafka.TopicPartition]kafka.OffsetResult
	var failed [4]error
	for i, ask := range c.bounds(here, there) {
		got[i], failed[i] = ask.of.ListOffsets(ctx, ask.when, ask.tps)
	}
	for _, p := range parts {
		if !p.open() {
			continue
		}
		var err error
		if p.hereIn, err = between(got[0], got[1], failed[0], failed[1], p.here); err != nil {
			p.fail(fmt.Errorf("primary: %w", err))
		} else if p.thereIn, err = between(got[2], got[3], failed[2], failed[3], p.there); err != nil {
			p.fail(fmt.Errorf("secondary: %w", err))
		}
	}
	return parts
}

type boundsAsk struct {
	of   Cluster
	when kafka.When
	tps  []kafka.TopicPartition
}

func (c *check) bounds(here, there []kafka.TopicPartition) []boundsAsk {
	return []boundsAsk{{c.primary, kafka.Earliest, here}, {c.primary, kafka.Stable, here}, {c.secondary, kafka.Earliest, there}, {c.secondary, kafka.Stable, there}}
}

func between(starts, ends map[kafka.TopicPartition]kafka.OffsetResult, noStart, noEnd error, tp kafka.TopicPartition) (bounds, error) {
	start, end := starts[tp], ends[tp]
	for _, err := range []error{noStart, noEnd, start.Err, end.Err} {
		if err != nil {
			return bounds{}, err
		}
	}
	return bounds{start.Offset, end.Offset}, nil
}
