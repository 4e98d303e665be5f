package drill

import (
	"context"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// bounded gives every question to a cluster its time. A cluster that is dying answers some and not others, and a question is asked again
// for as long as its context allows: without a bound of its own the first one would use up the drill's time.
type bounded struct {
	c    Cluster
	wait time.Duration
}

func (b bounded) ClusterID(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.c.ClusterID(ctx)
}

func (b bounded) Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.c.Topics(ctx, names)
}

func (b bounded) ListGroups(ctx context.Context) ([]kafka.GroupInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.c.ListGroups(ctx)
}

func (b bounded) DescribeGroup(ctx context.Context, group string) (kafka.GroupDescription, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.c.DescribeGroup(ctx, group)
}

func (b bounded) FetchOffsets(ctx context.Context, groups map[string][]kafka.TopicPartition) (map[string]map[kafka.TopicPartition]kafka.CommittedOffset, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.c.FetchOffsets(ctx, groups)
}

func (b bounded) ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.c.ListOffsets(ctx, at, tps)
}

func (b bounded) FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	return b.c.FetchCommitted(ctx, tp, offset, maxBytes)
}
