package mirror

import (
	"context"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// ends is what one cluster serves of a partition, as its leader says it (ListOffsets, never a fetch response: a new leader's
// high watermark lags there, while ListOffsets refuses to answer until it is right).
type ends struct {
	start  int64 // log start
	stable int64 // last stable offset: what a read-committed consumer reaches
	high   int64 // high watermark
	epoch  int32 // leader epoch, -1 unknown
}

// log is one partition on one cluster.
type log interface {
	// Ends asks the leader.
	Ends(ctx context.Context) (ends, error)
	// Read returns whole batches from an offset on; Next is that offset at the end of the log.
	Read(ctx context.Context, from int64) (*kafka.Fetched, error)
}

// feed delivers the primary's records to partition.push.
type feed interface {
	Start(offset int64, generation int)
	Pause()
	Resume()
	Stop()
}

// target produces to the secondary's partition. It calls done exactly once for each batch, in the order they were sent.
type target interface {
	Send(b kafka.ProduceBatch, done func(base, logStart int64, err error))
}

// link is what a partition shares with the others of its link.
type link interface {
	// Same compares both topics' ids with those of the pair; errRecreated when they differ.
	Same(ctx context.Context) error
	// Settings reads the topics' configuration.
	Settings(ctx context.Context) (settings, error)
	// NewID returns a producer id other than spent; -1: none is spent.
	NewID(ctx context.Context, spent int64) (kafka.ProducerID, error)
	// Flush makes the index durable.
	Flush() error
	// Notify says that the mapping has news; all: what was answered before may be wrong now.
	Notify(all bool)
}

// index is the partition's part of the index (checkpoint.Partition).
type index interface {
	Together(func() error) error
	Append(translate.Run) error
	Advance(translate.Frontier) error
	Foreign(translate.Span) error
	TruncateSecondary(from int64) (resume int64, err error)
	TruncatePrimary(from int64) error
	Prune(primaryLogStart, secondaryLogStart int64)
	Stats() checkpoint.Stats
	Last() (translate.Run, bool)
	Frontier() (translate.Frontier, bool)
	Runs(func(translate.Run) bool)
	Cursor() []byte
	SetCursor([]byte)
	Epoch(side checkpoint.Side, epoch int32, start int64)
	Epochs(side checkpoint.Side) []checkpoint.EpochStart
}
