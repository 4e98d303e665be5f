package replicator

import (
	"fmt"
	"time"
)

// answered takes a result into the table. The group counts as in flight until all of it was taken: what that makes dirty is lined up
// once, and as what the group is then.
func (l *Loop) answered(s sent) {
	now, answered := l.now(), s.complete()
	if s.group.troubled() {
		l.inTrouble--
		l.pace.tried(answered)
	} else {
		l.pace.answered(now.Sub(s.admitted.deadline.Add(-admitFor)), l.inFlight)
	}
	l.inFlight--
	for i, r := range s.admitted.rows {
		l.outcome(r, s, i, now)
	}
	s.group.inFlight = false
	s.group.fails++
	if answered {
		s.group.fails = 0
	}
	if s.group.hasTurn() {
		l.enqueue(s.group)
	}
}

// outcome is what became of an offset; one that the sender says nothing of is unanswered.
func (s *sent) outcome(i int) Outcome {
	if i < len(s.result.Outcomes) {
		return s.result.Outcomes[i]
	}
	return Unanswered
}

// complete says that every offset was answered, if only refused.
func (s *sent) complete() bool {
	for i := range s.admitted.rows {
		if s.outcome(i) == Unanswered {
			return false
		}
	}
	return true
}

func (l *Loop) outcome(r *row, s sent, i int, now time.Time) {
	switch o := s.outcome(i); o {
	case Written, WrittenBare:
		l.wrote(r, s, s.admitted.offsets[i], o, now)
		return
	case RefusedLive:
		l.refusedLive(r.group)
	case RefusedShare:
		r.group.share[Secondary] = true
		l.dirtyGroup(r.group)
	case RefusedMissing:
		l.backOff(r, PartitionMissing, s.result.Err, time.Second)
	case RefusedAccess:
		l.backOff(r, Unauthorized, s.result.Err, 5*time.Second)
	case Unanswered:
		wait := min(100*time.Millisecond<<min(s.group.fails, 6), 5*time.Second)
		l.backOff(r, Unreachable, s.result.Err, wait)
	}
	r.clear(rowSending)
	l.counters.Failed++
}

// wrote believes an acknowledgement until the secondary's own log confirms it.
func (l *Loop) wrote(r *row, s sent, off Offset, o Outcome, now time.Time) {
	if s.admitted.repair {
		delete(l.repairs, r)
		l.opt.Logger.Warn("put back a commit that leftoff had overwritten", groupField(r.group.name), topicField(r.topic().name), partitionField(r.partition()))
		return
	}
	if o == WrittenBare {
		r.set(rowNoMetadata)
	}
	l.counters.Written++
	calm := r.failed == NoReason
	if !r.unreadable() {
		r.failed = NoReason
		r.setRetryAt(0)
	}
	seen := !r.has(rowSending) // the log was faster than the answer
	r.clear(rowSending | rowRefresh | rowBasis | rowVoid)
	if !seen {
		l.believe(r, off, s.admitted.stamp > 0, now)
	}
	if r.ours() && r.held.offset == off.Offset {
		r.basis = off.primary
		r.set(rowBasis)
	}
	if off.turn != r.where.turn {
		r.set(rowVoid)
	}
	if !calm || !r.asPlanned(off, s.admitted.stamp > 0) {
		l.dirtyRow(r)
	}
}

// asPlanned says that the secondary holds what a plan asked for, and that nothing of what it was made from has changed since:
// planning again would say the same. Who changes the mapping says so himself (Advance).
func (r *row) asPlanned(off Offset, stamped bool) bool {
	return r.primary.state == present && r.primary.offset == off.primary && r.reason == NoReason &&
		r.held.state == present && r.held.offset == off.Offset && r.metadata(Secondary) == off.Metadata && r.ours() && r.stamped() == stamped &&
		r.has(rowBasis) && !r.has(rowVoid|rowNoMetadata|rowRefresh)
}

func (l *Loop) believe(r *row, off Offset, stamped bool, now time.Time) {
	if r.held.state != present {
		l.countPair(Secondary, 1)
	}
	r.held.offset, r.held.epoch, r.held.state = off.Offset, -1, present
	r.held.setAt(now.UnixMilli())
	r.setMetadata(Secondary, off.Metadata)
	r.mark(true, stamped)
	r.sentAt = l.tickAt(now)
	r.set(rowAwaiting)
}

// unreadable: the primary's newest commit could not be understood, which beats every other reason.
func (r *row) unreadable() bool { return r.failed == SourceDegraded && r.retryAt() == forever }

func (l *Loop) backOff(r *row, why Reason, err error, wait time.Duration) {
	if r.unreadable() {
		return
	}
	r.failed = why
	r.setRetryAt(l.now().Add(wait).UnixMilli())
	if err != nil {
		r.setDetail(fmt.Sprint(err))
	}
	l.retry = append(l.retry, r)
	l.dirtyRow(r)
}
