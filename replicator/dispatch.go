package replicator

import (
	"context"
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
	queued   uint64 // place in a queue; 0: in none
	inFlight bool
	removal  removalTurn
	sentAt   uint32 // Loop.tick of its newest request; 0: none
	dirty    []*row // rows to plan: those with rowDirty
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

// hasTurn says that a group has something to plan, or is owed a removal.
func (g *group) hasTurn() bool { return len(g.dirty) > 0 || g.removal == removalOwed }

// enqueue lines up a group that has a turn. Not one with a request in flight: it is lined up by the answer. Nor before both
// sides were read: catching up lines up every group that is dirty.
func (l *Loop) enqueue(g *group) {
	switch {
	case g.queued > 0 || g.inFlight || !l.writable():
	case g.troubled():
		l.troubled.put(g)
	default:
		l.queue.put(g)
	}
}

// troubled says that more than one request in a row went unanswered. That changes with an answer only, so never in a queue.
func (g *group) troubled() bool { return g.fails > 1 }

// quiet says that nothing was sent for a group for a while.
func (l *Loop) quiet(g *group) bool {
	return g.sentAt == 0 || l.tick()-g.sentAt >= uint32(quietAfter/tickLength)
}

const quietAfter = time.Second

// flow plans queued groups and sends what is due, as long as there is room.
func (l *Loop) flow(ctx context.Context) {
	for l.inFlight < l.pace.room {
		if l.removalFirst() && l.removeNext(ctx) {
			continue
		}
		g := l.next()
		if g == nil {
			return
		}
		l.flowGroup(ctx, g)
	}
}

// next takes a group from its queue. The troubled ones have a part of the room, and leave the rest to the others.
func (l *Loop) next() *group {
	if l.inTrouble < l.pace.troubled() {
		if g := l.troubled.take(); g != nil {
			return g
		}
	}
	return l.queue.take()
}

func (l *Loop) flowGroup(ctx context.Context, g *group) {
	if !l.writable() {
		return // rows stay dirty; catching up lines every group up again
	}
	if l.removeOwed(ctx, g) {
		return // what it has to plan is lined up by the answer
	}
	if offsets, rows := l.due(g); len(offsets) > 0 {
		a, ok := l.admit(g, offsets, rows)
		if !ok {
			shut(rows)
			return
		}
		l.send(ctx, g, a)
		return
	}
	if offsets, rows := l.repairsOf(g); len(offsets) > 0 {
		if a, ok := l.admitRepair(g, offsets, rows); ok {
			l.send(ctx, g, a)
		}
	}
}

// shut holds what was planned, and refused by the gate. The plan knows all that the gate asks, but for who owns the group; as a
// hold the rows are looked at again by the sweep.
func shut(rows []*row) {
	for _, r := range rows {
		r.reason = NotOwner
	}
}

// due plans the dirty rows of a group and returns what is to be written.
func (l *Loop) due(g *group) (offsets []Offset, rows []*row) {
	dirty := g.dirty
	g.dirty = nil
	for i, r := range dirty {
		r.clear(rowDirty)
		e := l.planRow(r)
		if !e.Write || l.defers(r, e) {
			continue
		}
		if offsets == nil { // where one is due mostly all are
			offsets, rows = make([]Offset, 0, len(dirty)-i), make([]*row, 0, len(dirty)-i)
		}
		offsets = append(offsets, Offset{
			Key: e.Commit.Key, Topic: e.Topic, Partition: r.partition(), Offset: e.Position.Offset, Metadata: metadataFor(r, e),
			primary: e.Commit.Offset, turn: r.where.turn,
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
		topic := r.topic().name
		if m := l.opt.Mapper.Forward(r.topic().name, [16]byte{}, r.partition(), v.offset); m.Topic != "" {
			topic = m.Topic
		}
		offsets = append(offsets, Offset{Key: r.key(), Topic: topic, Partition: r.partition(), Offset: v.offset, Metadata: v.metadata})
		rows = append(rows, r)
	})
	return offsets, rows
}

func (l *Loop) send(ctx context.Context, g *group, a Admitted) {
	a.first = l.quiet(g)
	l.leaving.commits++
	g.inFlight, g.sentAt = true, l.tick()
	l.inFlight++
	if g.troubled() {
		l.inTrouble++
	}
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
