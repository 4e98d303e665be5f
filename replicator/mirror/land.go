package mirror

import (
	"context"
	"slices"
	"time"
)

// landEvery is how often Land looks.
const landEvery = 20 * time.Millisecond

// Land waits until what was read of topics by now is on the secondary, or ctx ends; left is how many offsets of it are not. With the primary
// gone these are the last ones that will ever come, and positions rise with them. What a partition gave up, because it has to compare both sides
// first, is not on its way.
func (s *Source) Land(ctx context.Context, topics []string) (left int64) {
	until := map[*partitionPair]int64{}
	s.mu.RLock()
	for name, t := range s.topics {
		if !slices.Contains(topics, name) {
			continue
		}
		for _, p := range t.parts {
			until[p], _ = p.view.underway()
		}
	}
	s.mu.RUnlock()
	tick := time.NewTicker(landEvery)
	defer tick.Stop()
	for {
		left = 0
		for p, read := range until {
			now, copied := p.view.underway()
			left += max(0, min(read, now)-copied)
		}
		if left == 0 {
			return 0
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return left
		}
	}
}

// reached is the primary's offset below which everything is on the secondary or on its way there.
func (p *partition) reached() int64 {
	flights := p.window.flights
	switch {
	case p.doubt == "":
		return p.queue.next
	case p.window.quiet():
		return 0
	}
	return flights[len(flights)-1].through
}

func (v *view) reached(read int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.read = read
}

// underway is how far the primary was read, and how far it is copied.
func (v *view) underway() (read, copied int64) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.read, v.state.Copied
}
