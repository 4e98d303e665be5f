package kafka

import "time"

// When says which offset ListOffsets asks for.
type When struct {
	timestamp int64
	stable    bool
}

var (
	// Earliest is the log start.
	Earliest = When{timestamp: -2}
	// Latest is the high watermark.
	Latest = When{timestamp: -1}
	// Stable is the last stable offset: the end for a reader that is read committed.
	Stable = When{timestamp: -1, stable: true}
)

// At is the first record whose timestamp is t or later. Where there is none, OffsetResult.Offset is -1.
func At(t time.Time) When { return When{timestamp: t.UnixMilli()} }

// Time is what At was given; false for Earliest, Latest and Stable.
func (w When) Time() (time.Time, bool) { return time.UnixMilli(w.timestamp), w.timestamp >= 0 }

// OffsetResult answers ListOffsets for one partition.
type OffsetResult struct {
	Offset      int64
	LeaderEpoch int32 // of the record at Offset, -1 where unknown
	Timestamp   int64 // ms, only for At; else -1
	Err         error
}

// CommitOffset is one offset to commit.
type CommitOffset struct {
	Topic     string
	Partition int32
	Offset    int64
	Metadata  string
}

// CommittedOffset is what a cluster holds for one (group, topic, partition).
type CommittedOffset struct {
	Offset      int64 // -1: none
	LeaderEpoch int32 // -1: none
	Metadata    string
	Err         error
}
