package replicator

import (
	"context"
	"time"
)

// Policy tombstones: delete. An offset that the primary's log says was deleted is deleted on the secondary, where this link wrote
// it and nobody took the group over: the same gate as for a commit, asked just before the request leaves.
//
// Only a tombstone that was read counts, never that there is nothing: a primary that lost its log, or another one in its place, deletes
// nothing. An answer is believed until the secondary's own log confirms it, as a commit's is.

// noticeDeleted looks at a row whose primary holds nothing, and notes whether it is to be removed now. Whoever changes what the answer
// depends on makes the row dirty, which leads here.
func (l *Loop) noticeDeleted(r *row) {
	if l.opt.Policy.Tombstones != "delete" {
		return
	}
	if r.failed != NoReason && r.retryAt() <= l.now().UnixMilli() {
		r.failed = NoReason
		r.setDetail("")
	}
	if r.failed == NoReason && removable(r) {
		if l.removals == nil {
			l.removals = map[*row]struct{}{}
		}
		l.removals[r] = struct{}{}
		if r.group.removal == noRemoval {
			l.leaving.put(r.group)
		}
		return
	}
	delete(l.removals, r)
}

// removable says that what the secondary holds is leftoff's, of a group that is leftoff's to write, and that the primary's newest word on it is
// a tombstone.
func removable(r *row) bool {
	g := r.group
	return r.outlives() && !r.unreadable() && r.topic().selected && !g.filtered && !g.shared() && !g.live() && mayWrite(g.verdict.Kind)
}

// outlives: the secondary holds a value of ours, and of the primary's a tombstone was read.
func (r *row) outlives() bool { return r.primary.state == deleted && r.orphaned() }

// committedAgain is told of a commit before it takes its place in the row: what the secondary said to a removal says nothing of a commit.
func (r *row) committedAgain() {
	if r.primary.state == deleted && !r.unreadable() {
		r.failed = NoReason
	}
}

// noticed takes the rows of a group that are to be removed. What has changed while they waited for room counts.
func (l *Loop) noticed(g *group) (rows []*row) {
	g.each(func(r *row) {
		if _, ok := l.removals[r]; !ok {
			return
		}
		delete(l.removals, r)
		if removable(r) {
			rows = append(rows, r)
		}
	})
	return rows
}

// removeOf sends a removal, and says whether it did. Where it did not, what is to be planned of the group has to be lined up.
func (l *Loop) removeOf(ctx context.Context, g *group, rows []*row) bool {
	var offsets []Offset
	var named []*row
	g.inFlight = true // or what is put off would line it up
	for _, r := range rows {
		topic, why := l.secondaryTopic(r)
		if why != NoReason {
			l.backOff(r, why, nil, removeAgain)
			continue
		}
		offsets, named = append(offsets, Offset{Key: r.key(), Topic: topic, Partition: r.partition(), Offset: r.held.offset, primary: r.held.place}), append(named, r)
	}
	a, ok := l.admitRemoval(g, offsets, named)
	if !ok || len(named) == 0 {
		shut(named)
		g.inFlight = false
		return false
	}
	g.sentAt = l.tick()
	l.inFlight++
	l.leaving.out++
	if g.troubled() {
		l.inTrouble++
	}
	l.launch(ctx, g, a)
	return true
}

// removeAgain is how soon it is tried again where the topic is not known, or not there.
const removeAgain = time.Minute

// secondaryTopic is what a row's topic is called on the secondary, also where its mapping is gone with the topic; or why it has no name
// there. A topic that changed hands in a failover has none: what the primary deletes there means nothing any more.
func (l *Loop) secondaryTopic(r *row) (string, Reason) {
	name := r.topic().name
	m := l.opt.Mapper.Forward(name, [16]byte{}, r.partition(), r.held.offset)
	switch {
	case m.Reason == HandedOver:
		return "", HandedOver
	case m.Topic != "":
		return m.Topic, NoReason
	case l.opt.PrimaryTopic == nil:
		return name, NoReason
	}
	if back, ok := l.opt.PrimaryTopic(name); ok && back == name {
		return name, NoReason
	}
	return "", Unmapped
}

// removed takes the answer to a removal, as answered takes that to a commit.
func (l *Loop) removed(s sent) {
	g, answered := s.group, s.complete()
	if g.troubled() {
		l.inTrouble--
		l.pace.tried(answered)
	}
	l.inFlight--
	l.leaving.out--
	for i, r := range s.admitted.rows {
		l.removalOutcome(r, s, i)
	}
	g.inFlight = false
	g.fails++
	if answered {
		g.fails = 0
	}
	if g.hasTurn() {
		l.enqueue(g)
	}
}

func (l *Loop) removalOutcome(r *row, s sent, i int) {
	switch s.outcome(i) {
	case Written, WrittenBare:
		l.believeRemoved(r, s.admitted.offsets[i])
		return
	case RefusedLive:
		l.refusedLive(r.group)
	case RefusedShare:
		r.group.share[Secondary] = true
		l.dirtyGroup(r.group)
	case RefusedMissing:
		l.backOff(r, PartitionMissing, s.result.Err, removeAgain)
	case RefusedAccess:
		l.backOff(r, Unauthorized, s.result.Err, 5*time.Second)
	case Unanswered:
		l.backOff(r, Unreachable, s.result.Err, min(time.Second<<min(s.group.fails, 6), removeAgain))
	}
	l.counters.Failed++
}

// believeRemoved takes it that the offset is gone. Its place in the log stays that of the value, so that the tombstone, or a later
// value, is news. A value that came meanwhile, of whoever's, is gone as well where it came before the tombstone: the broker deletes whatever
// is there.
//
// Where the log was faster than the answer, it has the last word: it shows the tombstone, or what came after it, or will in a moment.
func (l *Loop) believeRemoved(r *row, o Offset) {
	l.counters.Removed++
	if r.held.place != o.primary {
		if r.held.state == present && !r.ours() {
			l.opt.Logger.Warn("a commit came on the secondary while one of leftoff's was deleted there, and may be gone with it",
				groupField(o.Key.Group), topicField(o.Topic), partitionField(o.Partition))
		}
		return
	}
	if r.held.state == present {
		l.countPair(Secondary, -1)
	}
	r.held.state = deleted
	r.setMetadata(Secondary, "")
	r.mark(false, false)
	r.clear(rowSending | rowAwaiting | rowRefresh | rowBasis | rowVoid)
}
