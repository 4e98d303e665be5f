package tail

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// Topic is where group coordinators keep committed offsets.
const Topic = "__consumer_offsets"

// ErrRecreated ends Run: the topic's id changed under the tail, and Orders of the new one start over.
var ErrRecreated = errors.New(Topic + " was deleted and created again. Try: restart leftoff, so that it forgets what the old one said")

// Options of a Tail. Cluster and Out are required.
type Options struct {
	Cluster *kafka.Cluster
	Side    replicator.Side
	// Out takes the batches, one at a time and in order. It may block, which is the back-pressure. The batch and its
	// slices are the receiver's: the tail never touches them again. Its error ends Run.
	Out func(context.Context, replicator.Batch) error
	// Filter says whether the records of a group are wanted; it is asked once a group. nil: all.
	Filter func(group string) bool
	Logger *zap.Logger
	// Refresh is how often the topic's partitions are asked for. Default 1 s.
	Refresh time.Duration
	// Fetch tunes the fetches; its Isolation is ignored.
	Fetch kafka.FetchOptions
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Refresh <= 0 {
		o.Refresh = time.Second
	}
	o.Fetch.Isolation = kafka.ReadUncommitted
}

// cluster is what a tail needs of Kafka.
type cluster interface {
	// Topics leaves out topics that do not exist. Its error says why the cluster could not be asked.
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	// ListOffsets answers each partition, with an error of its own where its leader did not.
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	NewFetcher(kafka.FetchOptions) fetcher
}

// fetcher is kafka.Fetcher; its contract is there.
type fetcher interface {
	Assign(tp kafka.TopicPartition, offset int64)
	Poll(ctx context.Context) ([]kafka.Fetched, error)
	Problem() error
	Close() error
}

type realCluster struct{ *kafka.Cluster }

func (c realCluster) NewFetcher(o kafka.FetchOptions) fetcher { return c.Cluster.NewFetcher(o) }
