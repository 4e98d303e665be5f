package replicator

import (
	"context"
	"slices"
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
	}
	g := r.group
	if r.primary.state == deleted && r.orphaned() && r.failed == NoReason && r.topic().selected && !g.filtered && !g.share && !g.live() && mayWrite(g.verdict.Kind) {
		if l.removals == nil {
			l.removals = map[*row]struct{}{}
		}
		l.removals[r] = struct{}{}
		return
	}
	delete(l.removals, r)
}

// remove sends what is to be removed, one request a group, as long as there is room. A group that has a request in flight, or
// something to plan, comes first with that.
func (l *Loop) remove(ctx context.Context) {
	if len(l.removals) == 0 || !l.writable() {
		return // what was noticed is kept until both sides have been read again
	}
	byGroup := map[*group][]*row{}
	for r := range l.removals {
		if g := r.group; !g.inFlight && len(g.dirty) == 0 && (!g.troubled() || l.inTrouble < l.pace.troubled()) {
			byGroup[g] = append(byGroup[g], r)
		}
	}
	for g, rows := range byGroup {
		if l.inFlight >= l.pace.room {
			return
		}
		slices.SortFunc(rows, func(a, b *row) int { return int(a.partition() - b.partition()) })
		l.removeOf(ctx, g, rows)
	}
}

func (l *Loop) removeOf(ctx context.Context, g *group, rows []*row) {
	var offsets []Offset
	var named []*row
	for _, r := range rows {
		delete(l.removals, r)
		topic, ok := l.secondaryTopic(r)
		if !ok {
			l.backOff(r, Unmapped, nil, removeAgain)
			continue
		}
		offsets, named = append(offsets, Offset{Key: r.key(), Topic: topic, Partition: r.partition(), Offset: r.held.offset}), append(named, r)
	}
	if len(named) == 0 {
		return
	}
	a, ok := l.admitRemoval(g, offsets, named)
	if !ok {
		return // what closed the gate makes its rows dirty when it opens
	}
	g.inFlight, g.sentAt = true, l.tick()
	l.inFlight++
	if g.troubled() {
		l.inTrouble++
	}
	l.launch(ctx, g, a)
}

// removeAgain is how soon it is tried again where the topic is not known, or not there.
const removeAgain = time.Minute

// secondaryTopic is what a row's topic is called on the secondary, also where its mapping is gone with the topic. A topic that
// changed hands in a failover has none: what the primary deletes there means nothing any more.
func (l *Loop) secondaryTopic(r *row) (string, bool) {
	name := r.topic().name
	m := l.opt.Mapper.Forward(name, [16]byte{}, r.partition(), r.held.offset)
	switch {
	case m.Reason == HandedOver:
		return "", false
	case m.Topic != "":
		return m.Topic, true
	case l.opt.PrimaryTopic == nil:
		return name, true
	}
	back, ok := l.opt.PrimaryTopic(name)
	return name, ok && back == name
}

// removed takes the answer to a removal, as answered takes that to a commit.
func (l *Loop) removed(s sent) {
	g, answered := s.group, s.complete()
	if g.troubled() {
		l.inTrouble--
		l.pace.tried(answered)
	}
	l.inFlight--
	for i, r := range s.admitted.rows {
		l.removalOutcome(r, s, i)
	}
	g.inFlight = false
	g.fails++
	if answered {
		g.fails = 0
	}
	if len(g.dirty) > 0 {
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
		r.group.share = true
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
// value, is news. A value that came meanwhile, of whoever's, is gone as well: the broker deletes whatever is there.
func (l *Loop) believeRemoved(r *row, o Offset) {
	l.counters.Removed++
	if r.held.state == present {
		l.countPair(Secondary, -1)
	}
	if r.held.state == present && !r.ours() {
		l.opt.Logger.Warn("a commit on the secondary was deleted with one of leftoff's", groupField(o.Key.Group), topicField(o.Topic), partitionField(o.Partition))
	}
	r.held.state = deleted
	r.setMetadata(Secondary, "")
	r.mark(false, false)
	r.clear(rowSending | rowAwaiting | rowRefresh | rowBasis | rowVoid)
}
