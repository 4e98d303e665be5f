package verify

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// place is a position on both sides.
type place struct {
	here, there        kafka.TopicPartition
	hereIn, thereIn    bounds
	primary, secondary int64
}

const nearBytes = 64 << 10

// looker looks at places.
type looker struct {
	primary, secondary Cluster
	o                  Options
	bytes              atomic.Int64
}

// look compares what lies around a place: few records first, more where those do not settle it, and then by timestamps.
func (l *looker) look(ctx context.Context, p place) (finding, error) {
	if f, out, err := l.outside(ctx, p); out || err != nil {
		return f, err
	}
	near, deep := size{l.o.Near, nearBytes}, size{l.o.Deep, l.o.DeepBytes}
	seen, err := l.around(ctx, p, near, near)
	if err != nil || seen.settled() {
		return seen.finding, err
	}
	if seen, err = l.around(ctx, p, deep, deep); err != nil {
		return finding{}, err
	}
	if seen.verdict == Skips && !seen.b.end { // copies may follow, after a long stretch that was copied twice
		if seen, err = l.around(ctx, p, deep, deep.times(10)); err != nil {
			return finding{}, err
		}
	}
	if seen.lost && seen.times {
		return l.far(ctx, p, seen)
	}
	return seen.finding, nil
}

// outside answers for positions that a side does not have.
func (l *looker) outside(ctx context.Context, p place) (f finding, out bool, err error) {
	switch {
	case p.secondary < p.thereIn.start:
		return finding{verdict: OutOfRange, why: fmt.Sprintf("the secondary's log begins at %d: a consumer would be reset", p.thereIn.start)}, true, nil
	case p.secondary > p.thereIn.end:
		end, err := one(ctx, l.secondary, kafka.Latest, p.there)
		if err != nil || p.secondary > end {
			return finding{verdict: OutOfRange, why: fmt.Sprintf("the secondary's log ends at %d: a consumer would be reset", end)}, true, err
		}
		return finding{verdict: CantTell, why: "the position lies in a transaction that is open on the secondary"}, true, nil
	case p.primary > p.hereIn.end:
		end, err := one(ctx, l.primary, kafka.Latest, p.here)
		if err != nil || p.primary > end {
			return finding{verdict: CantTell, why: fmt.Sprintf("the primary's log ends at %d, below the group's offset", end)}, true, err
		}
	}
	return f, false, nil
}

func one(ctx context.Context, c Cluster, when kafka.When, tp kafka.TopicPartition) (int64, error) {
	got, err := c.ListOffsets(ctx, when, []kafka.TopicPartition{tp})
	if err != nil {
		return -1, err
	}
	return got[tp].Offset, got[tp].Err
}

// around compares two windows. The secondary's is twice as large: there may be duplicates.
func (l *looker) around(ctx context.Context, p place, down, up size) (seen, error) {
	a, err := read(ctx, l.primary, p.here, p.primary, p.hereIn, down, up)
	if err != nil {
		return seen{}, fmt.Errorf("primary: %w", err)
	}
	b, err := read(ctx, l.secondary, p.there, p.secondary, p.thereIn, down.times(2), up.times(2))
	if err != nil {
		return seen{}, fmt.Errorf("secondary: %w", err)
	}
	l.bytes.Add(a.bytes + b.bytes)
	s := judge(a, b)
	if p.primary < p.hereIn.start {
		s.notes = append(s.notes, "the primary's log begins above the group's offset")
	}
	return s, nil
}
