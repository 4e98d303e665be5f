package mirror

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// compareRecords is how many records before the end of a run are compared on both sides.
const compareRecords = 16

// maxCuts bounds how often one comparison cuts back; the next attempt goes on from there.
const maxCuts = 100

// verify compares the end of the index with both sides and cuts it back to where they still agree. A side that lost its
// end and got other records (an unclean leader election) differs from some offset on.
func (p *partition) verify(ctx context.Context, front translate.Frontier, first, second ends) (translate.Frontier, error) {
	if end := p.readable(first); first.high < front.Primary {
		p.counters.truncated++
		p.log.Warn("the primary's partition was truncated", zap.Int64("from", end), zap.Int64("was", front.Primary))
		var err error
		if front, err = p.cutPrimary(first.high, front); err != nil {
			return front, err
		}
	}
	for range maxCuts {
		at, differs, err := p.divergence(ctx, first, second)
		if err != nil {
			return front, err
		}
		if !differs {
			return p.filledHoles(ctx, front, first, second)
		}
		p.counters.truncated++
		primary := false
		if at.Primary >= first.start {
			if primary, err = p.primaryChanged(ctx, at.Primary, first); err != nil {
				return front, err
			}
		}
		p.log.Warn("a record that was copied is not the same on both sides any more: going back to where they agree",
			zap.Int64("primary", at.Primary), zap.Int64("secondary", at.Secondary), zap.Bool("primary_changed", primary))
		if primary {
			front, err = p.cutPrimary(at.Primary, front)
		} else {
			front, err = p.cutSecondary(at.Secondary)
		}
		if err != nil {
			return front, err
		}
	}
	return front, errDiverging
}

// filledHoles looks again, after the primary got a new leader, at what lies behind the last record that is the same on both
// sides: a record where none was copied is one that another leader wrote.
func (p *partition) filledHoles(ctx context.Context, front translate.Frontier, first, second ends) (translate.Frontier, error) {
	if first.epoch >= 0 && first.epoch == p.cursor.leaders[replicator.Primary] {
		return front, nil
	}
	runs := p.newestRuns()
	if len(runs) == 0 {
		return front, nil
	}
	from := max(runs[0].Primary, front.Primary-searchRecords) // where nothing can be compared, the newest only
	for i := len(runs) - 1; i >= 0; i-- {
		_, same, err := p.compare(ctx, runs[i], first, second)
		if err != nil {
			return front, err
		}
		if same > 0 {
			from = runs[i].PrimaryEnd() // a run may be the whole topic: not from its start
			break
		}
	}
	r := p.primaryReader(max(first.start, from), min(front.Primary, p.readable(first)))
	r.except = p.leftOut()
	for {
		found, err := r.marks(ctx)
		if err != nil {
			return front, fmt.Errorf("primary: %w", err)
		}
		if len(found) == 0 {
			return front, nil
		}
		for _, m := range found {
			for len(runs) > 0 && runs[0].PrimaryEnd() <= m.offset {
				runs = runs[1:]
			}
			if len(runs) > 0 && runs[0].Primary <= m.offset {
				continue
			}
			p.counters.truncated++
			p.log.Warn("the primary has other records than were copied: going back", zap.Int64("from", m.offset))
			return p.cutPrimary(m.offset, front)
		}
	}
}

// newestRuns are the last runs of the main line.
func (p *partition) newestRuns() []translate.Run {
	const keep = 256
	var last []translate.Run
	p.index.Runs(func(r translate.Run) bool {
		if last = append(last, r); len(last) > 2*keep {
			last = append(last[:0], last[keep:]...)
		}
		return true
	})
	return last
}

// cutPrimary voids the runs of records that the primary no longer has. Their copies stay where they are, accounted for.
func (p *partition) cutPrimary(from int64, was translate.Frontier) (translate.Frontier, error) {
	err := p.index.Together(func() error {
		if err := p.index.TruncatePrimary(from); err != nil {
			return err
		}
		return p.index.Advance(translate.Frontier{Primary: min(from, was.Primary), Secondary: was.Secondary})
	})
	p.link.Notify(true)
	front, _ := p.index.Frontier()
	return front, err
}

// divergence finds the first indexed record that differs, if the last ones do.
func (p *partition) divergence(ctx context.Context, first, second ends) (translate.Run, bool, error) {
	last, ok := p.index.Last()
	if !ok {
		return translate.Run{}, false, nil
	}
	if at, is, err := p.rewritten(ctx, last, second); err != nil || is {
		return at, is, err
	}
	at, same, err := p.compare(ctx, last, first, second)
	if err != nil || same >= 0 {
		return at, false, err
	}
	runs := p.mainRuns()
	low, high := 0, len(runs) // runs below low agree, runs[high] and above differ
	for low < high {
		mid := (low + high) / 2
		_, same, err := p.compare(ctx, runs[mid], first, second)
		if err != nil {
			return at, false, err
		}
		if same < 0 {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == len(runs) {
		return at, true, nil
	}
	at, err = p.firstDifference(ctx, runs[low], first, second)
	return at, true, err
}

func (p *partition) mainRuns() []translate.Run {
	var all []translate.Run
	p.index.Runs(func(r translate.Run) bool { all = append(all, r); return true })
	return all
}

// firstDifference bisects a run whose end differs.
func (p *partition) firstDifference(ctx context.Context, r translate.Run, first, second ends) (translate.Run, error) {
	low, high := int64(0), r.Length-1 // records below low agree, record high differs
	for low < high {
		mid := (low + high) / 2
		one := translate.Run{Primary: r.Primary + mid, Secondary: r.Secondary + mid, Length: 1}
		_, same, err := p.compare(ctx, one, first, second)
		if err != nil {
			return r, err
		}
		if same < 0 {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return translate.Run{Primary: r.Primary + low, Secondary: r.Secondary + low, Length: r.Length - low}, nil
}

// rewritten finds what the secondary's log got under a leader that is newer than when both sides agreed: the earlier records there
// may be gone, and equal ones in their place. From the first such batch on it is explained again. The primary offset it
// returns is −1.
func (p *partition) rewritten(ctx context.Context, last translate.Run, second ends) (translate.Run, bool, error) {
	known := p.cursor.leaders[replicator.Secondary]
	newer := func(at int64) (bool, error) {
		f, err := p.secondary.Read(ctx, at)
		if err != nil {
			return false, fmt.Errorf("secondary: %w", err)
		}
		return len(f.Batches) > 0 && f.Batches[0].LeaderEpoch > known, nil
	}
	low, high := second.start, last.SecondaryEnd()
	if known < 0 || second.epoch == known || low >= high {
		return last, false, nil
	}
	if is, err := newer(high - 1); err != nil || !is {
		return last, false, err
	}
	for low < high-1 { // the batch at high-1 is newer
		mid := (low + high - 1) / 2
		is, err := newer(mid)
		if err != nil {
			return last, false, err
		}
		if is {
			high = mid + 1
		} else {
			low = mid + 1
		}
	}
	return translate.Run{Primary: -1, Secondary: low, Length: 1}, true, nil
}

// compare compares the last records of a run, as far as both sides still have them: the number that are the same, or −1 and
// the first that differs.
func (p *partition) compare(ctx context.Context, r translate.Run, first, second ends) (translate.Run, int, error) {
	n := min(r.Length, compareRecords)
	from := translate.Run{Primary: r.PrimaryEnd() - n, Secondary: r.SecondaryEnd() - n, Length: n}
	skip := max(0, first.start-from.Primary, second.start-from.Secondary)
	if skip >= n {
		return from, 0, nil
	}
	from = translate.Run{Primary: from.Primary + skip, Secondary: from.Secondary + skip, Length: n - skip}
	ours, err := p.primaryReader(from.Primary, min(from.PrimaryEnd(), p.readable(first))).rest(ctx)
	if err != nil {
		return from, 0, fmt.Errorf("primary: %w", err)
	}
	theirs, err := p.secondaryReader(from.Secondary, min(from.SecondaryEnd(), second.high)).rest(ctx)
	if err != nil {
		return from, 0, fmt.Errorf("secondary: %w", err)
	}
	prints := map[int64]uint64{}
	for _, m := range ours {
		prints[m.offset-from.Primary] = m.print
	}
	same := 0
	for _, m := range theirs {
		i := m.offset - from.Secondary
		print, there := prints[i]
		if there && print != m.print {
			return translate.Run{Primary: from.Primary + i, Secondary: m.offset, Length: 1}, -1, nil
		}
		if there {
			same++
		}
	}
	return from, same, nil
}

// primaryChanged says which side was rewritten: the primary, when the batch there was written under another leader epoch than the
// one that was copied.
func (p *partition) primaryChanged(ctx context.Context, offset int64, first ends) (bool, error) {
	recorded := int32(-1)
	for _, e := range p.index.Epochs(checkpoint.Primary) {
		if e.Start <= offset {
			recorded = e.Epoch
		}
	}
	now := int32(-1)
	r := p.primaryReader(offset, min(offset+1, p.readable(first)))
	r.epochs = func(epoch int32, start int64) { now = epoch }
	if _, err := r.rest(ctx); err != nil {
		return false, fmt.Errorf("primary: %w", err)
	}
	return recorded >= 0 && now >= 0 && now != recorded, nil
}
