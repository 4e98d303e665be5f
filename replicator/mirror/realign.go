package mirror

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// searchRecords bounds how far an alignment looks behind and ahead. What may be on the wire of a dead process is at most
// maxFlights batches; further back a late batch is only looked for near the places where this process started.
const (
	searchRecords = 16 << 10
	rebuildSearch = 64 << 10
	slowAfter     = 2 * time.Second
)

// realign makes the index agree with what stands on the secondary, then starts a session from there. It is safe at any
// time when nothing is on the wire, and may be repeated.
//
//	secondary  0 ──── runs ────▶ S ─── to be explained ───▶ end
//	primary    0 ──── runs ────▶ P ─── what comes next ───▶
//
// (P, S) is the frontier: everything on the secondary below S is accounted for. First the end of the runs is compared with both sides,
// and cut back while it does not agree. Then [S, end) is explained by the primary's records from P on (align.go).
func (p *partition) realign(ctx context.Context) error {
	if err := p.link.Same(ctx); err != nil {
		return err
	}
	second, err := p.secondary.Ends(ctx)
	if err != nil {
		return fmt.Errorf("secondary: %w", err)
	}
	p.view.bounds(second, true)
	if p.cursor, err = decodeCursor(p.index.Cursor()); err != nil {
		return err
	}
	front, known := p.index.Frontier()
	if known {
		if front, err = p.cutBack(front, second); err != nil {
			return err
		}
		p.trustAlone(ctx, front, second)
	}
	first, err := p.primary.Ends(ctx)
	if err != nil {
		return fmt.Errorf("primary: %w", err)
	}
	if p.topics, err = p.link.Settings(ctx); err != nil {
		return err
	}
	if !p.topics.timestamp && p.limit == 0 {
		p.log.Warn("the secondary's topic stamps records itself: timestamps are not kept. Try: message.timestamp.type=CreateTime")
	}
	if !p.halved {
		p.limit = p.topics.batch
	}
	p.halved = false
	p.leaders = [2]int32{first.epoch, second.epoch}
	if !known {
		return p.begin(ctx, first, second)
	}
	if front, err = p.verify(ctx, front, first, second); err != nil {
		return err
	}
	return p.explain(ctx, front, first, second)
}

// cutBack drops runs past the frontier (a flush came between the two) and past the secondary's end.
func (p *partition) cutBack(front translate.Frontier, second ends) (translate.Frontier, error) {
	last, ok := p.index.Last()
	end := min(second.high, p.cut)
	if end >= front.Secondary && (!ok || last.SecondaryEnd() <= front.Secondary) {
		return front, nil
	}
	if end < front.Secondary {
		p.counters.truncated++
		p.log.Warn("the secondary's partition was truncated: what it lost is copied again",
			zap.Int64("from", end), zap.Int64("was", front.Secondary))
	}
	return p.cutSecondary(min(front.Secondary, end))
}

func (p *partition) cutSecondary(from int64) (translate.Frontier, error) {
	if _, err := p.index.TruncateSecondary(from); err != nil {
		return translate.Frontier{}, fmt.Errorf("index: %w", err)
	}
	front, _ := p.index.Frontier()
	p.cut = math.MaxInt64
	p.link.Notify(true)
	return front, nil
}

// trustAlone lets Forward answer although the primary may be gone: the last indexed record carries one of our producer ids
// under a leader epoch from before the index last knew that both sides agree, so nothing up to it was ever cut off.
func (p *partition) trustAlone(ctx context.Context, front translate.Frontier, second ends) {
	last, ok := p.index.Last()
	if ok && last.SecondaryEnd() > second.start {
		at := last.SecondaryEnd() - 1
		f, err := p.secondary.Read(ctx, at)
		if err != nil || !p.unchanged(f, at) {
			return
		}
	}
	p.view.trust(second.high == front.Secondary)
	p.link.Notify(true)
}

func (p *partition) unchanged(f *kafka.Fetched, at int64) bool {
	for i := range f.Batches {
		b := &f.Batches[i]
		if b.BaseOffset <= at && at <= b.LastOffset {
			return p.cursor.owns(b.ProducerID) && b.LeaderEpoch <= p.cursor.leaders[replicator.Secondary]
		}
	}
	return false
}

// lost handles a primary whose log start passed what was copied: the records in between can't be copied any more.
func (p *partition) lost(out alignment, first ends) alignment {
	if first.start <= out.resume {
		return out
	}
	n := max(0, first.start-out.resume-out.vanished)
	if p.counters.lost += n; n > 0 {
		p.log.Warn("the primary deleted records before they were copied: they are lost to the secondary",
			zap.Int64("from", out.resume), zap.Int64("to", first.start), zap.Int64("offsets", n))
	}
	out.resume = first.start
	return out
}

// explain aligns what stands on the secondary behind the frontier, and goes on copying.
func (p *partition) explain(ctx context.Context, front translate.Frontier, first, second ends) error {
	from := max(front.Secondary, second.start)
	out := alignment{resume: front.Primary}
	if from < second.high {
		rules := alignRules{behind: searchRecords, ahead: searchRecords, ownKnown: p.cursor.known, compacted: p.topics.compacted}
		ahead := p.primaryReader(max(front.Primary, first.start), p.readable(first))
		ahead.epochs, ahead.except = p.noteEpoch, p.skip()
		a := newAligner(rules, front.Primary,
			func() ([]mark, error) { return ahead.marks(ctx) },
			func() ([]mark, error) { return p.older(ctx, front.Primary, first) })
		var err error
		if out, err = p.run(ctx, a, p.secondaryReader(from, second.high)); err != nil {
			return err
		}
	}
	return p.adopt(ctx, p.lost(out, first), second)
}

func (p *partition) noteEpoch(epoch int32, start int64) {
	if epoch > p.notedEpoch {
		p.notedEpoch = epoch
		p.index.Epoch(checkpoint.Primary, epoch, start)
	}
}

func (p *partition) readable(e ends) int64 {
	if p.options.committed {
		return e.stable
	}
	return e.high
}

// run feeds a stretch of the secondary to an aligner.
func (p *partition) run(ctx context.Context, a *aligner, stretch *reader) (alignment, error) {
	select {
	case p.options.slots <- struct{}{}:
		defer func() { <-p.options.slots }()
	case <-ctx.Done():
		return alignment{}, ctx.Err()
	}
	begun, from := p.now(), stretch.next
	for {
		marks, err := stretch.marks(ctx)
		if err != nil {
			return alignment{}, err
		}
		if len(marks) == 0 {
			return a.finish(), nil
		}
		for _, q := range marks {
			if err := a.add(q); err != nil {
				return alignment{}, err
			}
		}
		if p.now().Sub(begun) > slowAfter {
			begun = p.now()
			p.log.Info("comparing both sides", zap.Int64("from", from), zap.Int64("at", stretch.next), zap.Int64("to", stretch.to))
		}
	}
}

// older reads the primary's records from before the alignment that a late batch may repeat: the newest ones, and those
// from where this process started copying.
func (p *partition) older(ctx context.Context, before int64, first ends) ([]mark, error) {
	var all []mark
	read := max(first.start, 0)
	spans := make([]translate.Span, 0, len(p.resumes)+1)
	for _, r := range p.resumes {
		spans = append(spans, translate.Span{From: r, To: min(before, r+searchRecords)})
	}
	spans = append(spans, translate.Span{From: before - searchRecords, To: before})
	for _, s := range sorted(spans) {
		s.From = max(s.From, read)
		if s.From >= s.To {
			continue
		}
		more, err := p.primaryReader(s.From, s.To).rest(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
		read = s.To
	}
	return all, nil
}

// adopt writes an alignment into the index and starts a session behind it.
func (p *partition) adopt(ctx context.Context, out alignment, second ends) error {
	err := p.index.Together(func() error {
		for _, r := range out.runs {
			if err := p.index.Append(r); err != nil {
				return err
			}
		}
		for _, s := range out.foreign {
			if err := p.index.Foreign(s); err != nil {
				return err
			}
		}
		if err := p.index.Advance(translate.Frontier{Primary: out.resume, Secondary: second.high}); err != nil || !out.open {
			return err
		}
		return p.index.TruncatePrimary(math.MaxInt64) // takes nothing away, and leaves the end open, durably
	})
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	p.report(out)
	return p.session(ctx, out.resume, second.high)
}

// report says what was found, loudly where somebody has to know.
func (p *partition) report(out alignment) {
	p.counters.records += out.copies - out.duplicates
	p.counters.duplicates += out.duplicates
	p.counters.vanished += out.vanished
	if len(out.foreign) > 0 {
		p.log.Warn("someone else writes into the mirrored topic: positions stay below those records until they are accepted",
			zap.Int64("records", out.foreigners), zap.Any("offsets", out.foreign[:min(len(out.foreign), 10)]))
	}
	if out.missing > 0 {
		p.log.Warn("records were passed over on the secondary: copying again", zap.Int64("records", out.missing), zap.Int64("from", out.resume))
	}
	if out.copies+out.ambiguous+out.vanished+out.former > 0 {
		p.log.Info("explained what stood on the secondary", zap.Int64("copies", out.copies), zap.Int64("duplicates", out.duplicates),
			zap.Int64("ambiguous", out.ambiguous), zap.Int64("original_gone", out.vanished), zap.Int64("former", out.former))
	}
}
