package bench

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// seen tails a cluster's `__consumer_offsets` from now on and notes when each value of the groups of a prefix was there. It is
// the judge of every latency: franz-go, a long poll that returns with the first byte, and nothing else.
type seen struct {
	mu     sync.Mutex
	values map[spot][]sighting
	err    error
}

// spot is a (group, partition) of the one topic that a measure commits.
type spot struct {
	group     string
	partition int32
}

type sighting struct {
	offset int64
	at     time.Time
}

// watchOffsets begins to tail, and ends with the measure.
func watchOffsets(r *Run, c *rig.Cluster, prefix string) *seen {
	r.Helper()
	cl, err := tailOffsets(r.Context, c.Direct())
	if err != nil {
		r.Fatalf("tail of the judge: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &seen{values: map[spot][]sighting{}}
	var tailing sync.WaitGroup
	tailing.Go(func() { s.tail(ctx, cl, prefix) })
	r.Cleanup(func() { cancel(); tailing.Wait(); cl.Close() })
	return s
}

func (s *seen) tail(ctx context.Context, cl *kgo.Client, prefix string) {
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		now := time.Now()
		s.mu.Lock()
		if err := fetches.Err(); err != nil {
			s.err = err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if k, offset, ok := decodeCommit(r); ok && strings.HasPrefix(k.Group, prefix) {
				at := spot{k.Group, k.Partition}
				s.values[at] = append(s.values[at], sighting{offset, now})
			}
		})
		s.mu.Unlock()
	}
}

// of returns what was seen of a spot so far, in order.
func (s *seen) of(at spot) []sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[at]
}

// last is the value that counts now.
func (s *seen) last(at spot) (sighting, bool) {
	all := s.of(at)
	if len(all) == 0 {
		return sighting{}, false
	}
	return all[len(all)-1], true
}

// broken is what kept the judge from looking.
func (s *seen) broken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// atOrPast finds when a value at or past offset was there.
func atOrPast(all []sighting, offset int64) (time.Time, bool) {
	i := slices.IndexFunc(all, func(s sighting) bool { return s.offset >= offset })
	if i < 0 {
		return time.Time{}, false
	}
	return all[i].at, true
}

// writtenAfter finds the first value that was written after a moment, whatever it says.
func writtenAfter(all []sighting, after time.Time) (time.Time, bool) {
	i, _ := slices.BinarySearchFunc(all, after, func(s sighting, t time.Time) int { return s.at.Compare(t) })
	if i == len(all) {
		return time.Time{}, false
	}
	return all[i].at, true
}
