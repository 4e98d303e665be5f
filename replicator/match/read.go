package match

import (
	"context"
	"slices"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

const (
	askTimeout = 5 * time.Second
	// maxFetch bounds one fetch, maxStretch what is held of one side while two stretches are compared.
	maxFetch   = 1 << 20
	maxStretch = 8 << 20
)

// read reads a side from an offset on, until to is reached, or the readable end, or the stretch is too large. It reads whole
// batches, and keeps all that came.
func (s *Source) read(ctx context.Context, p *partition, side replicator.Side, from, to int64) (*stretch, error) {
	primary, secondary := p.serves()
	if side == replicator.Primary {
		from = max(from, primary.LogStart)
	} else {
		from = max(from, secondary.LogStart)
	}
	st := &stretch{from: from, to: from}
	return st, s.readOn(ctx, p, side, st, to)
}

// readOn lengthens a stretch.
func (s *Source) readOn(ctx context.Context, p *partition, side replicator.Side, st *stretch, to int64) error {
	served := p.servedBy(side)
	for more := true; more && st.bytes < maxStretch; {
		if x, some := s.shelf.get(p, side, st.to); some && st.take(x, to, served.LogStart, served.End) {
			more = st.to < to
			continue
		}
		f, err := s.fetch(ctx, p, side, st.to, to)
		if err != nil {
			return err
		}
		before, from, n := st.bytes, st.to, len(st.recs)
		st.add(&f, side == replicator.Secondary)
		if st.from <= f.LogStart {
			st.start = true
		}
		end := f.HighWatermark
		if side == replicator.Secondary {
			end = f.LastStable
		}
		st.end = st.to >= end
		p.weigh(side, st.to-from, st.bytes-before)
		if !st.end { // what is at the end is asked for again and again, and grows
			s.shelf.put(p, side, piece{from: from, to: st.to, recs: slices.Clone(st.recs[n:]), batch: st.batch, stamped: st.stamped})
		}
		more = !st.end && st.to < to && (len(f.Batches) > 0 || st.to < f.Next)
	}
	return nil
}

// fetch asks once. An offset below the log start is asked for again at the log start.
func (s *Source) fetch(ctx context.Context, p *partition, side replicator.Side, from, to int64) (kafka.Fetched, error) {
	if err := s.budget.wait(ctx); err != nil {
		return kafka.Fetched{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ask, c := s.opt.Primary.FetchOne, &s.primary
	if side == replicator.Secondary {
		ask, c = s.opt.Secondary.FetchCommitted, &s.secondary
	}
	f, err := ask(ctx, p.on[side], from, p.guess(side, to-from))
	n := int64(0)
	for i := range f.Batches {
		n += sizeOf(&f.Batches[i])
	}
	s.budget.spend(n + 64)
	c.fetches.Add(1)
	c.bytes.Add(n)
	s.answered(side, err)
	return f, err
}

// servedBy are the bounds of a side as last asked for.
func (p *partition) servedBy(side replicator.Side) translate.Bounds {
	primary, secondary := p.serves()
	if side == replicator.Primary {
		return primary
	}
	return secondary
}

// weigh learns how many bytes an offset takes, and how long batches are.
func (p *partition) weigh(side replicator.Side, offsets, bytes int64) {
	if offsets > 0 && bytes > 0 {
		p.density[side] = max(1, bytes/offsets)
	}
}

// guess is how many bytes to ask for to get so many offsets.
func (p *partition) guess(side replicator.Side, offsets int64) int32 {
	d := p.density[side]
	if d == 0 {
		d = 256
	}
	return int32(min(maxFetch, max(1, offsets)*d))
}

// after lists the first record at or after a time, where the side can tell.
func (s *Source) after(ctx context.Context, p *partition, side replicator.Side, ms int64) (int64, bool) {
	if ms < 0 {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	got, err := s.cluster(side).ListOffsets(ctx, kafka.At(time.UnixMilli(ms)), []kafka.TopicPartition{p.on[side]})
	r := got[p.on[side]]
	return r.Offset, err == nil && r.Err == nil && r.Offset >= 0
}

func (s *Source) cluster(side replicator.Side) Cluster {
	if side == replicator.Primary {
		return s.opt.Primary
	}
	return s.opt.Secondary
}
