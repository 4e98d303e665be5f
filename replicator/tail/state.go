package tail

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// State is what a tail can say about itself at any time.
type State struct {
	// CaughtUp is that of the last batch handed on.
	CaughtUp bool
	// Exists is false while the cluster has no offsets topic, or was never reached.
	Exists bool
	// Error is what keeps the tail, or one of its partitions, from reading, nil while nothing does; Since when.
	Error error
	Since time.Time
	// Lag is the number of offsets between the positions and the log ends, over all partitions.
	Lag              int64
	Partitions       []PartitionState // by partition
	OpenTransactions int              // with commits pending
	Counts
}

// PartitionState is the position in one partition of the offsets topic.
type PartitionState struct {
	Partition int32
	Next, End int64 // position, and the high watermark as last seen
	CaughtUp  bool  // past the end recorded when it was opened
	Reading   bool  // false until its bounds are known
	Pending   int   // open transactions with commits in this partition
	Error     error // why it can't be read, nil when it can
}

type status struct {
	mu    sync.Mutex
	state State
	text  string // of the error, so that it is logged once
}

// State may be called at any time, from any goroutine.
func (t *Tail) State() State {
	t.status.mu.Lock()
	defer t.status.mu.Unlock()
	s := t.status.state
	s.Partitions = slices.Clone(s.Partitions)
	return s
}

// publish copies run's own state to where State finds it.
func (t *Tail) publish() {
	t.status.mu.Lock()
	defer t.status.mu.Unlock()
	s := &t.status.state
	s.CaughtUp, s.Exists, s.Counts = t.told && t.toldUp, len(t.parts) > 0, t.decoder.counts
	s.Lag, s.OpenTransactions, s.Partitions = 0, 0, s.Partitions[:0]
	for _, p := range t.parts {
		s.Lag += max(0, p.high-p.next)
		s.OpenTransactions += len(p.open)
		s.Partitions = append(s.Partitions, PartitionState{
			Partition: p.id, Next: p.next, End: p.high, CaughtUp: p.caughtUp, Reading: p.reading, Pending: len(p.open), Error: p.failed,
		})
	}
	slices.SortFunc(s.Partitions, func(a, b PartitionState) int { return int(a.Partition - b.Partition) })
}

// health takes note of what the opener's last question, or else the fetcher, ran into.
func (t *Tail) health(err error) {
	if err == nil {
		err = t.fetch.Problem()
	}
	t.status.mu.Lock()
	defer t.status.mu.Unlock()
	s := &t.status.state
	for i := range s.Partitions {
		if e := s.Partitions[i].Error; e != nil && err == nil {
			err = fmt.Errorf("partition %d: %w", s.Partitions[i].Partition, e)
		}
	}
	switch {
	case err == nil && s.Error != nil:
		t.log.Info("reading again", zap.Duration("after", time.Since(s.Since)))
		s.Error, s.Since, t.status.text = nil, time.Time{}, ""
	case err != nil:
		if s.Error == nil {
			s.Since = time.Now()
		}
		s.Error = err
		if text := err.Error(); text != t.status.text {
			t.log.Warn("can't read; trying again", zap.Error(err))
			t.status.text = text
		}
	}
}
