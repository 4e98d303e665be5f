package match

import (
	"context"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// tip holds the ends of both logs, read without a hole: what is appended is compared as it comes, and one look serves all
// groups of the partition that stand there.
type tip struct {
	p, q *stretch
	a    alignment
}

// short: the window turned out to be larger than was thought when it was read.
func (t *tip) short(window int64) bool { return !t.q.start && t.q.to-t.q.from < 2*window }

// jump is how many windows the secondary may have grown since the last look before the space between is sampled instead of
// read.
const jump = 16

// meetAgain is how soon the primary's end is looked at again when nothing new is on the secondary: a marker may have ended it.
const meetAgain = 50 * time.Millisecond

// lookAtTip brings the tip up to date.
func (s *Source) lookAtTip(ctx context.Context, p *partition) error {
	_, secondary := p.serves()
	if secondary.End <= secondary.LogStart {
		return nil
	}
	if p.tip.q == nil && time.Since(p.tipLost) < again {
		return nil
	}
	if p.tip.q == nil || p.tip.short(p.window) || secondary.End-p.tip.q.to > jump*p.window {
		return s.newTip(ctx, p, secondary)
	}
	before := p.tip.q.to
	defer func() {
		if p.tip.q != nil && p.tip.q.to > before {
			p.grew = time.Now()
		}
	}()
	if err := s.readOn(ctx, p, replicator.Secondary, p.tip.q, none); err != nil {
		return err
	}
	if p.tip.q.to == before && time.Since(p.met) < meetAgain {
		return nil
	}
	if err := s.meet(ctx, p); err != nil {
		return err
	}
	return s.takeTip(ctx, p)
}

// newTip starts over at the end of the secondary, and samples what was passed over since the last tip.
func (s *Source) newTip(ctx context.Context, p *partition, secondary translate.Bounds) error {
	old := int64(none)
	if p.tip.q != nil {
		old = p.tip.q.to
	}
	p.tip = tip{}
	for back := int64(2); ; back *= 4 {
		from := max(secondary.LogStart, secondary.End-back*p.window)
		q, err := s.read(ctx, p, replicator.Secondary, from, none)
		if err != nil {
			return err
		}
		ours, a, ok, err := s.origin(ctx, p, q)
		if err != nil {
			return err
		}
		if found := (tip{ours, q, a}); ok && (!found.short(p.window) || q.bytes > maxStretch/2) {
			p.tip = found
			break
		}
		if q.start || back > 64 || q.bytes > maxStretch/2 {
			p.tipLost = time.Now()
			return nil // nothing at the end is a copy of anything: Forward says so
		}
	}
	if err := s.meet(ctx, p); err != nil {
		return err
	}
	if old != none && old < p.tip.q.from {
		if err := s.lookBack(ctx, p, old-1, p.tip.q.from); err != nil {
			return err
		}
	}
	return s.takeTip(ctx, p)
}

// meet reads the primary on until the records that belong to the secondary's end are there, a window beyond them, or its end.
func (s *Source) meet(ctx context.Context, p *partition) error {
	t := &p.tip
	t.p.end, p.met = false, time.Now()
	for range 64 {
		t.a, _ = s.compare(p, t.p, t.q)
		last := -1
		for i, at := range t.a.last {
			if at != none {
				last = i
			}
		}
		if t.p.end || last >= 0 && len(t.p.recs)-last > p.needs()+p.needs()/4 || t.p.bytes >= maxStretch {
			return nil
		}
		if err := s.readOn(ctx, p, replicator.Primary, t.p, t.p.to+p.window); err != nil {
			return err
		}
	}
	return nil
}

// takeTip concludes from the tip, moves the frontier, and lets go of what lies too far back. Before the partition was looked at as
// a whole, the tip says nothing: the mirror may be copying again.
func (s *Source) takeTip(ctx context.Context, p *partition) error {
	t := &p.tip
	defer t.trim(p.window)
	most, some := p.shape.greatest()
	if !some || !p.looked {
		return nil
	}
	why, err := s.clear(ctx, p, most)
	p.publish()
	if why != "" || err != nil {
		return err
	}
	most, _ = p.shape.greatest()
	sessions := p.shape.sessions()
	if _, in, ok := route(sessions, most); ok && in.to != none {
		return s.unfinished(ctx, p, most, in)
	}
	if err := p.finished(sessions); err != nil {
		return err
	}
	f := translate.Frontier{Primary: most + 1, Secondary: t.q.to}
	if n := len(t.p.recs); t.p.end && (n == 0 || t.p.recs[n-1].offset <= most) {
		f.Primary = max(f.Primary, t.p.to) // nothing but markers and holes follows
	} else if t.p.end && time.Since(p.grew) > abortedAfter {
		if f.Primary, err = s.pastAborted(ctx, p, f.Primary, t.p.to); err != nil {
			return err
		}
	}
	end := &f
	if !t.q.end || !t.reaches(most) || t.blurred() > 0 {
		end = nil // what was not recognised at the end may be a copy of what is to be read next, from further ahead than was looked
	}
	_, err = s.conclude(p, t.p, t.q, t.a, end)
	return err
}

// blurred counts the records at the end of the secondary whose source is not known: behind the last one that was recognised.
func (t *tip) blurred() int64 {
	n := int64(0)
	for j := len(t.a.source) - 1; j >= 0 && t.a.source[j] < 0; j-- {
		n++
	}
	return n
}

// abortedAfter is how long the secondary must not have grown until it is asked whether what is left on the primary was aborted.
const abortedAfter = time.Second

// pastAborted is to, where nothing between from and there will ever be read by a mirror that is read committed.
func (s *Source) pastAborted(ctx context.Context, p *partition, from, to int64) (int64, error) {
	if to-from > 8*p.window {
		return from, nil
	}
	for at := from; at < to; {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		f, err := s.opt.Primary.FetchCommitted(ctx, p.on[replicator.Primary], at, maxFetch)
		cancel()
		if err != nil {
			return from, err
		}
		open := false
		f.Readable(true, func(b *kafka.Batch) { open = open || len(b.Records) > 0 })
		if open || f.Next <= at {
			return from, nil // a record that may still come, or an open transaction
		}
		at = f.Next
	}
	return to, nil
}

// reaches says that the greatest record that has a copy is in the tip, and that nothing past it may have one that could not be told
// apart.
func (t *tip) reaches(most int64) bool {
	i := t.p.at(most)
	if i >= len(t.p.recs) || t.a.last[i] == none {
		return false
	}
	return t.nothingPast(most)
}

// nothingPast says that no record past an offset may have a copy in the tip, not even one that could not be told apart.
func (t *tip) nothingPast(u int64) bool {
	for _, at := range t.a.least[min(t.p.at(u+1), len(t.a.least)):] {
		if at != none {
			return false
		}
	}
	return true
}

// unfinished: the mirror is copying again, and has not come as far as it had been. The greatest record is where the session before
// ends; what lies past it is past everything copied.
func (s *Source) unfinished(ctx context.Context, p *partition, most int64, in session) error {
	if end, _ := p.index.End(); end != most+1 {
		if _, err := s.find(ctx, p, most, in); err != nil {
			return err
		}
	}
	if end, ok := p.index.End(); !ok || end != most+1 || p.tip.blurred() > 0 || !p.tip.nothingPast(most) {
		return nil
	}
	return p.index.Settle(translate.Frontier{Primary: most + 1, Secondary: p.tip.q.to})
}

// finished drops what earlier sessions showed of records that a later one copied again: their last copies are there.
func (p *partition) finished(sessions []session) error {
	last := sessions[len(sessions)-1]
	if len(sessions) == 1 || p.done == last.from {
		return nil
	}
	p.done = last.from
	p.mu.Lock()
	clear(p.settled)
	p.mu.Unlock()
	top := sessions[0].last
	for _, s := range sessions[1:] {
		if err := p.index.Drop(translate.Span{From: s.first, To: min(s.last, top) + 1}); err != nil {
			return err
		}
		top = max(top, s.last)
	}
	return nil
}

// trim keeps three windows of the tip.
func (t *tip) trim(window int64) {
	if t.q == nil {
		return
	}
	from := t.q.to - 4*window
	if from <= t.q.from+window {
		return
	}
	j := t.q.at(from)
	least := int64(none)
	for _, i := range t.a.source[min(j, len(t.a.source)):] {
		if i >= 0 {
			least = min(least, t.p.recs[i].offset)
		}
	}
	if least == none {
		return
	}
	t.q.cut(from)
	t.p.cut(least - window)
}
