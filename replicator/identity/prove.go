package identity

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// probeBytes of a sample: one batch comes whole, and a few small ones with it.
const probeBytes = 16 << 10

// careful is how many comparisons follow one another after Retry instead of Recheck when something happened to a
// partition: what goes wrong then shows at the tip, and the tip is always among the samples.
const careful = 4

// prove compares what is due, until ctx ends.
func (s *Source) prove(ctx context.Context) error {
	for {
		for {
			parts := s.dueNow(time.Now())
			if len(parts) == 0 {
				break
			}
			s.proveAll(ctx, parts)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.proveNow:
		case <-time.After(s.opt.Refresh):
		}
	}
}

// dueNow takes the partitions whose time has come, those that somebody committed to first. They are due again after Retry,
// whatever becomes of this time.
func (s *Source) dueNow(now time.Time) (parts []*partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.topics {
		if t.held.reason != replicator.NoReason {
			continue
		}
		for _, p := range t.parts {
			if p.known && p.high >= 0 && !p.empty() && !p.ahead && !p.due.After(now) {
				parts = append(parts, p)
			}
		}
	}
	slices.SortFunc(parts, func(a, b *partition) int {
		if x, y := a.asked.Load(), b.asked.Load(); x != y {
			if x {
				return -1
			}
			return 1
		}
		return a.due.Compare(b.due)
	})
	parts = parts[:min(len(parts), 8*s.opt.Workers)]
	for _, p := range parts {
		p.due = now.Add(s.opt.Retry)
	}
	return parts
}

func (s *Source) proveAll(ctx context.Context, parts []*partition) {
	secondary, serr := s.bounds(ctx, replicator.Secondary, parts) // first: see guard
	primary, perr := s.bounds(ctx, replicator.Primary, parts)
	var g errgroup.Group
	g.SetLimit(s.opt.Workers)
	for i, p := range parts {
		g.Go(func() error {
			err := firstOf(perr, serr, primary[i].err, secondary[i].err)
			if err != nil {
				s.unproven(p, err)
				return nil
			}
			s.proveOne(ctx, p, primary[i].Bounds, secondary[i].Bounds)
			return nil
		})
	}
	g.Wait()
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type boundsOf struct {
	translate.Bounds
	err error
}

func (s *Source) bounds(ctx context.Context, side replicator.Side, parts []*partition) ([]boundsOf, error) {
	out := make([]boundsOf, len(parts))
	starts, err := s.list(ctx, side, kafka.Earliest, parts)
	if err != nil {
		return out, err
	}
	ends, err := s.list(ctx, side, kafka.Stable, parts)
	if err != nil {
		return out, err
	}
	for i, p := range parts {
		start, end := starts[p.on(side)], ends[p.on(side)]
		out[i] = boundsOf{translate.Bounds{LogStart: start.Offset, End: end.Offset}, firstOf(start.Err, end.Err)}
	}
	return out, nil
}

// proveOne compares samples of one partition.
func (s *Source) proveOne(ctx context.Context, p *partition, a, b translate.Bounds) {
	both := translate.Span{From: max(a.LogStart, b.LogStart), To: min(a.End, b.End)}
	if both.To <= both.From {
		s.conclude(p, nothing, fmt.Sprintf("the primary holds offsets %d to %d, the secondary %d to %d: none in common to compare", a.LogStart, a.End, b.LogStart, b.End), 0)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 4*askTimeout)
	defer cancel()
	var e evidence
	for _, at := range samples(both, s.opt.Samples) {
		original, err := s.opt.Primary.FetchOne(ctx, p.on(replicator.Primary), at, probeBytes)
		if err != nil {
			s.unproven(p, err)
			return
		}
		copied, err := s.opt.Secondary.FetchOne(ctx, p.on(replicator.Secondary), at, probeBytes)
		if err != nil {
			s.unproven(p, err)
			return
		}
		if e.compare(&original, &copied, both.To); e.differs != "" {
			s.conclude(p, differs, e.differs, e.records)
			return
		}
	}
	switch {
	case e.conclusive():
		s.conclude(p, proven, "", e.records)
	case e.records > 0:
		s.conclude(p, nothing, fmt.Sprintf("all %d records compared are alike, timestamps included: that proves nothing", e.records), e.records)
	default:
		s.conclude(p, nothing, "no offset was found that holds a record on both sides", 0)
	}
}

// samples spreads n offsets over a span: the first, the last, and one from each stretch between, drawn anew every time.
func samples(span translate.Span, n int) []int64 {
	size := span.To - span.From
	if size <= int64(n) {
		all := make([]int64, 0, size)
		for o := span.From; o < span.To; o++ {
			all = append(all, o)
		}
		return all
	}
	at := []int64{span.From}
	for i := range int64(n - 2) {
		lo, hi := span.From+size/int64(n-2)*i, span.From+size/int64(n-2)*(i+1)
		at = append(at, lo+rand.Int64N(max(1, hi-lo)))
	}
	return append(at, span.To-1)
}

// conclude takes a verdict. What was proven stays so when there is nothing left to compare.
func (s *Source) conclude(p *partition, v verdict, detail string, records int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.current(p) {
		return
	}
	now, before := time.Now(), p.answer().reason
	switch {
	case v == nothing && p.verdict == proven:
		p.due = now.Add(s.opt.Recheck)
		return
	case v == proven && p.careful > 0:
		p.careful--
		p.due = now.Add(s.opt.Retry)
	case v == proven:
		p.due = now.Add(s.opt.Recheck)
	case v == nothing:
		p.due = now.Add(s.opt.Refresh)
	default:
		p.due = now.Add(s.opt.Retry)
	}
	if v == differs && p.verdict != differs {
		s.log.Warn("not a copy at equal offsets; its groups are not written", topicField(p.topic.name), partitionField(p.id), zap.String("why", detail))
	}
	p.verdict, p.detail, p.checked, p.records = v, detail, now, records
	if v == proven || v == differs {
		p.recreated = false
	}
	if before != p.answer().reason {
		s.notify(p, true)
	}
}

// unproven: the comparison could not be made. What was concluded before stands.
func (s *Source) unproven(p *partition, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.verdict == untried {
		p.detail = err.Error()
		p.due = time.Now().Add(s.opt.Refresh)
	}
}
