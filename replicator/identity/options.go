package identity

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// Cluster is what the source needs of a Kafka cluster; *kafka.Cluster is one.
type Cluster interface {
	// Topics leaves out what does not exist; nil names mean all.
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	// ListOffsets answers every partition, with an error of its own where its leader did not.
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	// FetchOne returns at least one whole batch where there is one at or after offset.
	FetchOne(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
}

// Options of a Source. Primary, Secondary and Name are required.
type Options struct {
	Primary, Secondary Cluster
	// Name says what a topic of the primary is called on the secondary, and whether the link replicates it. It is asked
	// again for every topic at every discovery, so its answer may change.
	Name func(primary string) (secondary string, mirrored bool)
	// Notify hears that a partition's mapping is new. It must not block. nil: nobody wants to know.
	Notify func(replicator.Advance)
	Logger *zap.Logger

	Refresh  time.Duration // topics, ids and bounds. Default 1 s
	Discover time.Duration // topics not known yet. Default 5 s
	Recheck  time.Duration // compare again. Default 5 min
	Retry    time.Duration // compare again what differed, or could not be compared. Default 15 s
	Samples  int           // offsets compared in a partition. Default 6
	Workers  int           // partitions compared at a time. Default 8
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Notify == nil {
		o.Notify = func(replicator.Advance) {}
	}
	orElse(&o.Refresh, time.Second)
	orElse(&o.Discover, 5*time.Second)
	orElse(&o.Recheck, 5*time.Minute)
	orElse(&o.Retry, 15*time.Second)
	orElse(&o.Samples, 6)
	orElse(&o.Workers, 8)
}

func orElse[T ~int | ~int64](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
