package kafka

import (
	"context"
	"sync"
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
	// Gather is the least time from one request to a broker to the next: where a log grows all the time, each answer then brings more,
	// and both sides work less. Who waits in a long poll is answered at once all the same. 0: none.
	Gather time.Duration
	// Buffer is how many bytes of responses may wait for Poll before fetching pauses. Default 32 MiB.
	Buffer int
}

func (o FetchOptions) withDefaults() FetchOptions {
	if o.MaxWait <= 0 {
		o.MaxWait = 500 * time.Millisecond
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 8 << 20
	}
	if o.PartitionMaxBytes <= 0 {
		o.PartitionMaxBytes = 256 << 10
	}
	if o.Buffer <= 0 {
		o.Buffer = 32 << 20
	}
	return o
}

// Fetcher reads many partitions. One connection a leader holds a long poll for all partitions of that broker; a second one
// picks up partitions that were assigned or resumed meanwhile. It follows leaders, survives brokers, and keeps positions: what Poll returns
// of a partition is complete and in order.
//
// Memory: FetchOptions.Buffer, plus two responses of FetchOptions.MaxBytes a broker on their way in.
//
//	Assign ─▶ finder ──leader──▶ lanes (two a broker) ──Fetched──▶ ready ─▶ Poll
//	             ▲                     │
//	             └── no longer leader, connection lost
type Fetcher struct {
	c    *Cluster
	o    FetchOptions
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu       sync.Mutex
	changed  *sync.Cond // lanes wait on it: partitions, leaders, room, or the end
	parts    map[TopicPartition]*part
	brokers  map[int32]bool      // those with lanes
	next     map[int32]time.Time // FetchOptions.Gather: no request to a broker before
	ready    []Fetched
	buffered int
	problem  error
	closed   bool

	wake chan struct{} // Poll waits on it
	find chan struct{} // the finder waits on it
}

// part is one assigned partition. It is in exactly one place: lost (with the finder), free (a lane may take it), or taken.
type part struct {
	tp       TopicPartition
	topicID  [16]byte
	position int64
	maxBytes int32
	leader   int32 // -1: lost
	taken    bool
	paused   bool
	solo     bool // fetched alone, because something in a shared response could not be decoded
	fails    int
	retryAt  time.Time
	unknown  time.Time // since when the cluster denies the topic

	highWatermark, lastStable, logStart int64
}

// NewFetcher starts a Fetcher without partitions. Close it.
func (c *Cluster) NewFetcher(o FetchOptions) *Fetcher {
	f := &Fetcher{c: c, o: o.withDefaults(), parts: map[TopicPartition]*part{}, brokers: map[int32]bool{}, next: map[int32]time.Time{},
		wake: make(chan struct{}, 1), find: make(chan struct{}, 1)}
	f.changed = sync.NewCond(&f.mu)
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.wg.Go(f.finder)
	return f
}

// Assign starts fetching a partition at an offset, or moves it there: nothing of the time before comes out of a later Poll.
func (f *Fetcher) Assign(tp TopicPartition, offset int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.drop(tp)
	f.parts[tp] = &part{tp: tp, position: offset, leader: -1, maxBytes: f.o.PartitionMaxBytes, highWatermark: -1, lastStable: -1, logStart: -1}
	signal(f.find)
}

// Unassign stops fetching a partition: nothing of it comes out of a later Poll.
func (f *Fetcher) Unassign(tp TopicPartition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(tp)
}

// drop forgets a partition and what is ready of it. A lane that has it notices by the pointer.
func (f *Fetcher) drop(tp TopicPartition) {
	delete(f.parts, tp)
	kept := f.ready[:0]
	for _, r := range f.ready {
		if r.TopicPartition == tp {
			f.buffered -= r.bytes
			continue
		}
		kept = append(kept, r)
	}
	clear(f.ready[len(kept):])
	f.ready = kept
	f.changed.Broadcast()
}

// Pause keeps a partition and its position, but fetches no more of it. What was fetched already still comes, including what
// is on its way.
func (f *Fetcher) Pause(tp TopicPartition) { f.pause(tp, true) }

// Resume undoes Pause.
func (f *Fetcher) Resume(tp TopicPartition) { f.pause(tp, false) }

func (f *Fetcher) pause(tp TopicPartition, paused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.parts[tp]; p != nil && p.paused != paused {
		p.paused = paused
		f.changed.Broadcast()
	}
}

// Poll waits for data and returns all there is. At the tip an idle partition comes without batches whenever its
// HighWatermark, LastStable or LogStart changed. The error is the context's, or ErrClosed.
func (f *Fetcher) Poll(ctx context.Context) ([]Fetched, error) {
	for {
		f.mu.Lock()
		out, closed := f.ready, f.closed
		if len(out) > 0 {
			f.ready, f.buffered = nil, 0
			f.changed.Broadcast()
		}
		f.mu.Unlock()
		switch {
		case closed:
			return nil, ErrClosed
		case len(out) > 0:
			return out, nil
		}
		select {
		case <-f.wake:
		case <-f.ctx.Done():
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Problem is what currently keeps some partitions from being fetched (a broker down, credentials refused), nil when nothing does.
func (f *Fetcher) Problem() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.parts {
		if p.fails > 0 {
			return f.problem
		}
	}
	return nil
}

// Close ends all connections and goroutines of the Fetcher.
func (f *Fetcher) Close() error {
	f.mu.Lock()
	f.closed = true
	f.ready = nil
	f.changed.Broadcast()
	f.mu.Unlock()
	f.stop()
	f.wg.Wait()
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
