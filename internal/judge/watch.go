package judge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const offsetsTopic = "__consumer_offsets"

// History is what both sides' `__consumer_offsets` said.
type History struct {
	Primary, Secondary *Log
	follow             []*follower
	stop               context.CancelFunc
	done               sync.WaitGroup
}

// NewHistory makes a History of two logs that were filled by hand.
func NewHistory(primary, secondary *Log) *History {
	return &History{Primary: primary, Secondary: secondary}
}

// Watch starts to tail both sides from their log starts and goes on until Close. It survives brokers that die. Either
// cluster may be without `__consumer_offsets` still: nobody has committed there yet.
func Watch(ctx context.Context, primary, secondary Cluster) (*History, error) {
	h := NewHistory(NewLog(), NewLog())
	ctx, h.stop = context.WithCancel(ctx)
	for _, side := range []struct {
		name string
		c    Cluster
		log  *Log
	}{{"primary", primary, h.Primary}, {"secondary", secondary, h.Secondary}} {
		cl, err := side.c.connect()
		if err != nil {
			h.Close()
			return nil, fmt.Errorf("watch %s: %w", side.name, err)
		}
		f := &follower{name: side.name, cl: cl, log: side.log, at: make(map[int32]int64), changed: make(chan struct{})}
		h.follow = append(h.follow, f)
		h.done.Add(1)
		go func() {
			defer h.done.Done()
			defer cl.Close()
			f.run(ctx)
		}()
	}
	return h, nil
}

// Close stops the tails and waits for them. What was read stays.
func (h *History) Close() {
	if h.stop != nil {
		h.stop()
	}
	h.done.Wait()
}

// CaughtUp waits until both tails have read what is there now.
func (h *History) CaughtUp(ctx context.Context) error {
	for _, f := range h.follow {
		if err := f.caughtUp(ctx); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// SecondaryCaughtUp is CaughtUp when the primary is gone, PrimaryCaughtUp when the secondary is.
func (h *History) SecondaryCaughtUp(ctx context.Context) error { return h.follow[1].caughtUp(ctx) }

// PrimaryCaughtUp waits until the primary's tail has read what is there now.
func (h *History) PrimaryCaughtUp(ctx context.Context) error { return h.follow[0].caughtUp(ctx) }

// follower tails one side's offsets topic: one long poll per broker.
type follower struct {
	name string
	cl   *kgo.Client
	log  *Log

	mu      sync.Mutex
	at      map[int32]int64 // next record of each partition
	err     error           // why the last round failed
	changed chan struct{}   // closed and replaced whenever at has moved
}

func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.session(ctx)
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
		if pause(ctx, 50*time.Millisecond) != nil {
			return
		}
	}
}

// session follows all partitions with the leaders that it finds, until one of them fails.
func (f *follower) session(ctx context.Context) error {
	t, err := describe(ctx, f.cl, offsetsTopic)
	if err != nil {
		return err
	}
	start, err := listOffsets(ctx, f.cl, t, earliest, false)
	if err != nil {
		return err
	}
	byLeader := make(map[int32]map[int32]int64)
	f.mu.Lock()
	for p, leader := range t.leaders {
		if byLeader[leader] == nil {
			byLeader[leader] = make(map[int32]int64)
		}
		f.at[p] = max(f.at[p], start[p])
		byLeader[leader][p] = f.at[p]
	}
	f.mu.Unlock()
	f.wake()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(byLeader))
	for leader, from := range byLeader {
		go func() { errs <- f.poll(ctx, leader, t, from) }()
	}
	for range byLeader {
		if e := <-errs; err == nil {
			err = e
		}
		cancel()
	}
	return err
}

// poll follows the partitions of one leader. from is its own.
func (f *follower) poll(ctx context.Context, leader int32, t topic, from map[int32]int64) error {
	o := fetchOptions{controls: true, wait: 500 * time.Millisecond, maxBytes: 1 << 20}
	for ctx.Err() == nil {
		pages, err := fetch(ctx, f.cl, leader, t, from, o)
		if err != nil {
			return err
		}
		seen := time.Now()
		for _, p := range pages {
			if p.err != nil {
				err = p.err // the others were answered
				continue
			}
			for _, r := range p.records {
				f.log.Add(r, seen)
			}
			from[p.partition] = p.next
		}
		f.mu.Lock()
		maps.Copy(f.at, from)
		f.mu.Unlock()
		f.wake()
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *follower) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *follower) caughtUp(ctx context.Context) error {
	ends, err := f.ends(ctx)
	if err != nil {
		return err
	}
	for {
		f.mu.Lock()
		behind, changed, last := 0, f.changed, f.err
		for p, end := range ends {
			if f.at[p] < end {
				behind++
			}
		}
		f.mu.Unlock()
		if behind == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("catch up with %s: %w, %d partitions behind (last failure: %v)", offsetsTopic, ctx.Err(), behind, last)
		}
	}
}

// ends asks with a client of its own: the tail's connection is busy with a long poll.
func (f *follower) ends(ctx context.Context) (map[int32]int64, error) {
	cl, err := kgo.NewClient(f.cl.Opts()...)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	t, err := describe(ctx, cl, offsetsTopic)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, nil // nobody has committed there yet
	}
	if err != nil {
		return nil, err
	}
	return listOffsets(ctx, cl, t, latest, false)
}
