package replicator

import (
	"context"
	"fmt"
	"time"
)

// Sender writes an admitted request to the group's coordinator. It must not send after a.Deadline(), and it looks at the
// answer for every offset. Errors are in the Result.
type Sender interface {
	Send(ctx context.Context, a Admitted) Result
}

// Outcome is what became of one offset of a request.
type Outcome uint8

const (
	Written Outcome = iota
	// WrittenBare: written, but the secondary refused the metadata (OFFSET_METADATA_TOO_LARGE).
	WrittenBare
	// RefusedLive: the group has members on the secondary (UNKNOWN_MEMBER_ID and its like).
	RefusedLive
	// RefusedShare: a share group of that id.
	RefusedShare
	// RefusedMissing: the topic or the partition is not there.
	RefusedMissing
	// RefusedAccess: an ACL is missing.
	RefusedAccess
	// Unanswered: not written, or unknown; try again.
	Unanswered
)

// Result answers an Admitted, Outcomes in the order of its Offsets. Err is the sentence for people where something failed.
type Result struct {
	Outcomes []Outcome
	Err      error
}

// dispatch is the sending half of a group: at most one request in flight. What changes meanwhile merges into the next one;
// no timer is involved (measured: a 5 ms timer only adds 5 ms).
type dispatch struct {
	queued   bool
	inFlight bool
	dirty    []*row // rows to plan; may hold a row that is clean again
	fails    int    // requests in a row that went unanswered
}

type sent struct {
	group    *group
	admitted Admitted
	result   Result
}

// dirtyRow marks a row for planning.
func (l *Loop) dirtyRow(r *row) {
	if !r.has(rowDirty) {
		r.set(rowDirty)
		r.group.dirty = append(r.group.dirty, r)
	}
	l.enqueue(r.group)
}

func (l *Loop) dirtyGroup(g *group) { g.each(l.dirtyRow) }

func (l *Loop) enqueue(g *group) {
	if !g.queued {
		g.queued = true
		l.queue = append(l.queue, g)
	}
}

// flow plans queued groups and sends what is due, as long as there is room. A group with a request in flight stays queued
// by its result.
func (l *Loop) flow(ctx context.Context) {
	for l.head < len(l.queue) && l.inFlight < l.opt.MaxInFlight {
		g := l.queue[l.head]
		l.queue[l.head] = nil
		l.head++
		g.queued = false
		if !g.inFlight {
			l.flowGroup(ctx, g)
		}
	}
	switch {
	case l.head == len(l.queue):
		l.queue, l.head = l.queue[:0], 0
	case l.head > 1024 && l.head > len(l.queue)/2: // a queue that never runs empty must not grow for ever
		n := copy(l.queue, l.queue[l.head:])
		clear(l.queue[n:])
		l.queue, l.head = l.queue[:n], 0
	}
}

func (l *Loop) flowGroup(ctx context.Context, g *group) {
	if !l.writable() {
		return // rows stay dirty; catching up queues every group again
	}
	offsets, rows := l.due(g)
	if len(offsets) > 0 {
		if a, ok := l.admit(g, offsets, rows); ok {
			l.send(ctx, g, a)
		}
	} else if offsets, rows = l.repairsOf(g); len(offsets) > 0 {
		if a, ok := l.admitRepair(g, offsets, rows); ok {
			l.send(ctx, g, a)
		}
	}
}

// due plans the dirty rows of a group and returns what is to be written.
func (l *Loop) due(g *group) (offsets []Offset, rows []*row) {
	dirty := g.dirty
	g.dirty = nil
	for _, r := range dirty {
		if !r.has(rowDirty) {
			continue
		}
		r.clear(rowDirty)
		e := l.planRow(r)
		if !e.Write || l.defers(r, e) {
			continue
		}
		offsets = append(offsets, Offset{
			Key: e.Commit.Key, Topic: e.Topic, Partition: r.partition, Offset: e.Position.Offset, Metadata: metadataFor(r, e),
			primary: r.primary.offset, turn: r.topic.at(r.partition).turn,
		})
		rows = append(rows, r)
	}
	return offsets, rows
}

func metadataFor(r *row, e Entry) string {
	if r.has(rowNoMetadata) {
		return ""
	}
	return e.Commit.Metadata
}

func (l *Loop) repairsOf(g *group) (offsets []Offset, rows []*row) {
	if len(l.repairs) == 0 {
		return nil, nil
	}
	g.each(func(r *row) {
		v, ok := l.repairs[r]
		if !ok {
			return
		}
		topic := r.topic.name
		if m := l.opt.Mapper.Forward(r.topic.name, [16]byte{}, r.partition, v.offset); m.Topic != "" {
			topic = m.Topic
		}
		offsets = append(offsets, Offset{Key: Key{g.name, r.topic.name, r.partition}, Topic: topic, Partition: r.partition, Offset: v.offset, Metadata: v.metadata})
		rows = append(rows, r)
	})
	return offsets, rows
}

func (l *Loop) send(ctx context.Context, g *group, a Admitted) {
	g.inFlight = true
	l.inFlight++
	for i, r := range a.rows {
		if !a.repair {
			r.sent = a.offsets[i].Offset
			r.set(rowSending)
			if l.stampState != stampKept {
				l.unmarked.sent(r, r.sent)
			}
		}
	}
	l.launch(ctx, g, a)
}

// sendAside is how a request leaves outside tests: in a goroutine of its own, its answer an event.
func (l *Loop) sendAside(ctx context.Context, g *group, a Admitted) {
	l.senders.Add(1)
	go func() {
		defer l.senders.Done()
		res := l.opt.Sender.Send(ctx, a)
		select {
		case l.results <- sent{group: g, admitted: a, result: res}:
		case <-ctx.Done():
		}
	}()
}

// answered takes a result into the table.
func (l *Loop) answered(s sent) {
	s.group.inFlight = false
	l.inFlight--
	failed := false
	for i, r := range s.admitted.rows {
		outcome := Unanswered
		if i < len(s.result.Outcomes) {
			outcome = s.result.Outcomes[i]
		}
		if outcome == Unanswered {
			failed = true
		}
		l.outcome(r, s, i, outcome)
	}
	if failed {
		s.group.fails++
	} else {
		s.group.fails = 0
	}
	if len(s.group.dirty) > 0 {
		l.enqueue(s.group)
	}
}

func (l *Loop) outcome(r *row, s sent, i int, o Outcome) {
	switch o {
	case Written, WrittenBare:
		l.wrote(r, s, s.admitted.offsets[i], o)
		return
	case RefusedLive:
		l.refusedLive(r.group)
	case RefusedShare:
		r.group.share = true
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
func (l *Loop) wrote(r *row, s sent, off Offset, o Outcome) {
	if s.admitted.repair {
		delete(l.repairs, r)
		l.opt.Logger.Warn("put back a commit that leftoff had overwritten", groupField(r.group.name), topicField(r.topic.name), partitionField(r.partition))
		return
	}
	if o == WrittenBare {
		r.set(rowNoMetadata)
	}
	l.counters.Written++
	if !r.unreadable() {
		r.failed, r.retryAt = NoReason, 0
	}
	seen := !r.has(rowSending) // the log was faster than the answer
	r.clear(rowSending | rowRefresh | rowBasis | rowVoid)
	if !seen {
		l.believe(r, off, s.admitted.stamp > 0)
	}
	if r.ours && r.held.offset == off.Offset {
		r.basis = off.primary
		r.set(rowBasis)
	}
	if off.turn != r.topic.at(r.partition).turn {
		r.set(rowVoid)
	}
	l.dirtyRow(r) // nothing to do unless something changed meanwhile
}

func (l *Loop) believe(r *row, off Offset, stamped bool) {
	if r.held.state != present {
		l.countPair(Secondary, 1)
	}
	now := l.now().UnixMilli()
	r.held.offset, r.held.metadata, r.held.at, r.held.epoch, r.held.state = off.Offset, off.Metadata, now, -1, present
	r.ours, r.stamped, r.sentAt = true, stamped, now
	r.set(rowAwaiting)
}

// unreadable: the primary's newest commit could not be understood, which beats every other reason.
func (r *row) unreadable() bool { return r.failed == SourceDegraded && r.retryAt == forever }

func (l *Loop) backOff(r *row, why Reason, err error, wait time.Duration) {
	if r.unreadable() {
		return
	}
	r.failed, r.retryAt = why, l.now().Add(wait).UnixMilli()
	if err != nil {
		r.detail = fmt.Sprint(err)
	}
	l.retry = append(l.retry, r)
	l.dirtyRow(r)
}
