package kafka

import (
	"context"
	"time"
)

// FetchOptions of a Fetcher. The zero value is usable.
type FetchOptions struct {
	Isolation Isolation
	// MaxWait is how long a broker holds a fetch that has nothing to return. Default 500 ms.
	MaxWait time.Duration
	// MaxBytes of one response, default 8 MiB; PartitionMaxBytes of one partition in it, default 256 KiB (measured: less
	// memory and more speed than 1 MiB; over a WAN, 1 MiB for catching up). A batch that is larger comes whole.
	MaxBytes, PartitionMaxBytes int32
	// Buffer is how many bytes of responses may wait for Poll before fetching pauses. Default 32 MiB.
	Buffer int
}

// Fetcher reads many partitions. One connection a leader holds a long poll for all partitions of that broker; a second one
// picks up partitions that were assigned or resumed meanwhile. It follows leaders, survives brokers, and keeps positions: what Poll returns
// of a partition is complete and in order.
type Fetcher struct{ o FetchOptions }

// NewFetcher starts a Fetcher without partitions. Close it.
func (c *Cluster) NewFetcher(o FetchOptions) *Fetcher { return &Fetcher{o: o} }

// Assign starts fetching a partition at an offset, or moves it there: nothing of the time before comes out of a later Poll.
func (f *Fetcher) Assign(tp TopicPartition, offset int64) {}

// Unassign stops fetching a partition: nothing of it comes out of a later Poll.
func (f *Fetcher) Unassign(tp TopicPartition) {}

// Pause keeps a partition and its position, but fetches no more of it. What was fetched already still comes.
func (f *Fetcher) Pause(tp TopicPartition) {}

// Resume undoes Pause.
func (f *Fetcher) Resume(tp TopicPartition) {}

// Poll waits for data and returns all there is. At the tip an idle partition comes without batches whenever its
// HighWatermark, LastStable or LogStart changed. The error is the context's, or ErrClosed.
func (f *Fetcher) Poll(ctx context.Context) ([]Fetched, error) { return nil, ErrNotYet }

// Problem is what currently keeps some partitions from being fetched (a broker down, credentials refused), nil when nothing does.
func (f *Fetcher) Problem() error { return nil }

// Close ends all connections and goroutines of the Fetcher.
func (f *Fetcher) Close() error { return nil }
