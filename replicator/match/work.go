package match

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// work does one thing for a partition: its first look, its tip, one offset. It reports whether there is more to do.
func (s *Source) work(ctx context.Context, p *partition) (more bool, err error) {
	p.working.Lock()
	defer p.working.Unlock()
	if s.away(replicator.Primary) {
		return false, nil // nothing can be compared; what is known stands
	}
	if p.quarrels >= maxQuarrels {
		return false, unlessAgain(s.disordered(p))
	}
	if err := s.keepUp(ctx, p); err != nil {
		return errors.Is(err, errAgain), unlessAgain(err)
	}
	if !p.looked {
		if p.waits() {
			return false, nil
		}
		err := s.first(ctx, p)
		return err == nil && !p.waits(), err
	}
	if p.weak() && !p.surveyed { // it turned out that records repeat
		if err := s.survey(ctx, p); err != nil {
			return false, err
		}
		return true, unlessAgain(p.startOver(s))
	}
	if p.tipDue() {
		if err := s.lookAtTip(ctx, p); err != nil {
			return errors.Is(err, errAgain), unlessAgain(err)
		}
		p.read()
		s.refined(p)
	}
	p.mu.Lock()
	u, some := p.wants.pop(time.Now())
	p.mu.Unlock()
	if !some {
		return false, nil
	}
	err = s.lookFor(ctx, p, u)
	p.mu.Lock()
	more = !p.wants.empty()
	p.mu.Unlock()
	if !more {
		s.refined(p) // what waited for the others has its answer
	}
	return more || errors.Is(err, errAgain), unlessAgain(err)
}

func unlessAgain(err error) error {
	if errors.Is(err, errAgain) {
		return nil
	}
	return err
}

// lookFor makes one offset exact, or settles why it is not.
func (s *Source) lookFor(ctx context.Context, p *partition, u int64) error {
	if s.position(p, u).Confidence == translate.Exact {
		return nil
	}
	p.mu.Lock()
	p.probes++
	p.mu.Unlock()
	why, err := s.probe(ctx, p, u)
	if err != nil {
		return err
	}
	p.publish()
	if c := s.position(p, u).Confidence; c == translate.Floor || c == translate.Unmapped {
		if why == "" {
			why = "the records there did not decide it"
		}
		p.settle(u, verdict{why, time.Now()})
	}
	s.refined(p)
	return nil
}

func (s *Source) refined(p *partition) {
	s.opt.Notify(replicator.Advance{Topic: p.topic.name, Partition: p.id, Refined: true})
}

func (s *Source) away(side replicator.Side) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.trouble[side].err != nil
}

// tipDue: the secondary has grown, or somebody waits for it to.
func (p *partition) tipDue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tip.q == nil && p.bounds.End > p.bounds.LogStart || p.tip.q != nil && p.bounds.End > p.tip.q.to || time.Since(p.waitsTip) < chaseFor
}

// read lets Forward know how far the secondary was read.
func (p *partition) read() {
	if p.tip.q == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tip.q.to > p.bounds.End {
		p.bounds.End, p.fresh = p.tip.q.to, true
	}
}

// again is how long a partition of which nothing was recognised is left alone.
const again = 15 * time.Second

// waits: nothing was recognised, or nothing was in order, a moment ago.
func (p *partition) waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.retryAt)
}

// first learns the shape of a partition, and whether its secondary holds copies at all.
func (s *Source) first(ctx context.Context, p *partition) error {
	p.weakest = bare
	for {
		if err := s.look(ctx, p); err != nil {
			return unlessAgain(err)
		}
		if (len(p.shape.anchors) > 0 || p.weakest == timeless) && (p.surveyed || !p.weak()) {
			break
		}
		if !p.surveyed {
			if err := s.survey(ctx, p); err != nil {
				return err
			}
		} else if len(p.shape.anchors) == 0 {
			p.weakest++ // nothing was recognised: the mirror changes values, or times
		}
		p.tipLost = time.Time{}
	}
	primary, secondary := p.serves()
	nothing := len(p.shape.anchors) == 0 && secondary.End > secondary.LogStart && !p.alike
	p.mu.Lock()
	p.ready, p.problem = !nothing, hold{}
	if nothing {
		p.looked, p.retryAt = false, time.Now().Add(again)
		p.problem = unrecognised(primary, secondary)
	}
	p.mu.Unlock()
	p.read()
	if p.tip.q != nil {
		if err := s.meet(ctx, p); err != nil {
			return err
		}
		if err := s.takeTip(ctx, p); err != nil {
			return unlessAgain(err)
		}
	}
	if nothing {
		s.log.Warn("no copy was recognised", append(partitionFields(p), zap.String("why", p.problem.detail))...)
	}
	s.opt.Notify(replicator.Advance{Topic: p.topic.name, Partition: p.id, All: true})
	return nil
}

// surveyBytes is how much of the primary is read at most to learn what repeats.
const surveyBytes = 16 << 20

// survey reads the primary for what repeats, where time does not tell records apart: what occurs once in all of it identifies a
// record, wherever its copy is. A primary that is larger is read in part, and what repeats is found by chance.
func (s *Source) survey(ctx context.Context, p *partition) error {
	primary, _ := p.serves()
	p.memory.whole, p.memory.seen, p.memory.repeated = true, nil, 0
	read := int64(0)
	for at := primary.LogStart; at < primary.End && read < surveyBytes && len(p.memory.seen) < maxSurvey; {
		st, err := s.read(ctx, p, replicator.Primary, at, at+4096)
		if err != nil {
			return err
		}
		p.memory.note(st, timeless)
		p.memory.note(st, keyed)
		read += st.bytes
		if st.to == at {
			break
		}
		at = st.to
		p.complete = st.end
	}
	p.surveyed = true
	return nil
}

func unrecognised(primary, secondary translate.Bounds) hold {
	if primary.End <= primary.LogStart {
		return hold{replicator.Unmapped, "the primary serves no record that could be compared with those of the secondary"}
	}
	return hold{replicator.Unmapped, fmt.Sprintf("none of the records looked at on the secondary (offsets %d to %d) is a copy of one in the same partition of the primary: "+
		"the mirror changes partitions, or time, key and value of the records, or these are other records. Try: leftoff detect", secondary.LogStart, secondary.End-1)}
}

// keepUp takes what the watch has seen happen to the logs.
func (s *Source) keepUp(ctx context.Context, p *partition) error {
	p.mu.Lock()
	cut, reset, start, epochs := p.cut, p.reset, p.bounds.LogStart, p.epochs
	p.cut, p.reset = none, false
	p.mu.Unlock()
	if reset || cut != none || epochs != p.checked {
		s.shelf.clear(p)
	}
	if reset {
		s.log.Warn("the primary was cut: its records are compared anew", partitionFields(p)...)
		p.checked, p.memory.seen, p.memory.repeated = epochs, nil, 0
		return p.startOver(s)
	}
	if cut != none {
		s.log.Warn("the secondary was cut: positions are lowered", append(partitionFields(p), zap.Int64("to", cut))...)
		if _, err := p.index.TruncateSecondary(cut); err != nil {
			return err
		}
		if err := p.index.Drop(translate.Span{From: endOf(p), To: translate.None}); err != nil {
			return err
		}
		p.shape.cutSecondary(cut)
		p.tip = tip{}
		p.publish()
		s.opt.Notify(replicator.Advance{Topic: p.topic.name, Partition: p.id, All: true})
	}
	if start > p.pruned {
		p.index.Prune(0, start)
		p.shape.raise(start)
		p.pruned = start
	}
	if epochs == p.checked {
		return nil
	}
	same, err := s.topStands(ctx, p)
	if err != nil {
		return err
	}
	p.checked = epochs
	if same {
		return nil
	}
	s.log.Warn("under another leader there are other records: they are compared anew", partitionFields(p)...)
	return p.startOver(s)
}

func (p *partition) startOver(s *Source) error {
	s.shelf.clear(p)
	if err := p.forget(); err != nil {
		return err
	}
	s.opt.Notify(replicator.Advance{Topic: p.topic.name, Partition: p.id, All: true})
	return errAgain
}

// endOf is the primary offset past the last run.
func endOf(p *partition) int64 {
	end, _ := p.index.End()
	return end
}

// topStands compares the highest record that the index knows on both sides. Logs are cut at their ends only: when it stands,
// so does everything below.
func (s *Source) topStands(ctx context.Context, p *partition) (bool, error) {
	top, ok := p.index.Last()
	if !ok {
		return true, nil
	}
	u, d := top.PrimaryEnd()-1, top.SecondaryEnd()-1
	primary, secondary := p.serves()
	if u < primary.LogStart || d < secondary.LogStart {
		return true, nil // deleted by age; then all below it is, too
	}
	ours, err := s.read(ctx, p, replicator.Primary, u, u+1)
	if err != nil {
		return false, err
	}
	theirs, err := s.read(ctx, p, replicator.Secondary, d, d+1)
	if err != nil {
		return false, err
	}
	if len(ours.recs) == 0 || len(theirs.recs) == 0 || ours.recs[0].offset != u || theirs.recs[0].offset != d {
		return false, nil
	}
	for l := range levels {
		if print := ours.recs[0].prints[l]; print != 0 && print == theirs.recs[0].prints[l] && (l == timeless || !theirs.stamped) {
			return true, nil
		}
	}
	return false, nil
}
