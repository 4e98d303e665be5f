package match

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// Cluster is what the source needs of a Kafka cluster; *kafka.Cluster is one.
type Cluster interface {
	// Topics leaves out what does not exist; nil names mean all.
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	// ListOffsets answers every partition, with an error of its own where its leader did not.
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	// FetchOne returns at least one whole batch where there is one at or after offset, read uncommitted.
	FetchOne(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
	// FetchCommitted is the same up to the last stable offset, with the aborted transactions.
	FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
}

// Hints are what the mirror itself said about where records went (mm2: its offset syncs). They are predictions: every one is
// compared with the records before anything rests on it. Topics have the primary's names.
type Hints interface {
	// Predict lists secondary offsets at which the record at a primary offset may be, best first.
	Predict(topic string, partition int32, primary int64) []int64
	// Origins lists primary offsets that the record at a secondary offset may be a copy of, best first.
	Origins(topic string, partition int32, secondary int64) []int64
	// Falls lists secondary offsets at which the mirror went back and copied again.
	Falls(topic string, partition int32) []int64
}

// Options of a Source. Primary, Secondary, Index and Name are required.
type Options struct {
	Primary, Secondary Cluster
	Index              *checkpoint.Index
	// Name says what a topic of the primary is called on the secondary, and whether this source answers for it.
	Name func(primary string) (secondary string, ok bool)
	// Notify hears that a partition's mapping is new. It must not block. nil: nobody wants to know.
	Notify func(replicator.Advance)
	Hints  Hints  // nil: none
	Source string // how the index knows pairs of this source. Default match
	Logger *zap.Logger

	// InFlight is how many batches the mirror may land out of order; with the largest batch seen it makes the window in which
	// order is checked, and beyond which it is assumed. Default 5.
	InFlight int
	// MinWindow and MaxWindow bound that window, in records. Defaults 64 and 8,192.
	MinWindow, MaxWindow int64
	// BytesPerSecond bounds what is read of both sides together; the first seconds may take more. Default 32 MiB.
	BytesPerSecond int64
	// Workers is how many partitions are looked at side by side. Default 8.
	Workers int
	// Refresh is how often topics and ends are asked for. Default 1 s.
	Refresh time.Duration
	// Patience is how long an offset is looked for before a floor is the answer. Default 10 s.
	Patience time.Duration
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Notify == nil {
		o.Notify = func(replicator.Advance) {}
	}
	if o.Hints == nil {
		o.Hints = noHints{}
	}
	if o.Source == "" {
		o.Source = "match"
	}
	orElse(&o.InFlight, 5)
	orElse(&o.MinWindow, 64)
	orElse(&o.MaxWindow, 8192)
	orElse(&o.BytesPerSecond, 32<<20)
	orElse(&o.Workers, 8)
	orElse(&o.Refresh, time.Second)
	orElse(&o.Patience, 10*time.Second)
}

func orElse[T ~int | ~int64](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

type noHints struct{}

func (noHints) Predict(string, int32, int64) []int64 { return nil }
func (noHints) Origins(string, int32, int64) []int64 { return nil }
func (noHints) Falls(string, int32) []int64          { return nil }
