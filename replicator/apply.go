package replicator

import (
	"fmt"
	"time"
)

// applyPrimary takes one record of the primary's `__consumer_offsets` into the table.
func (l *Loop) applyPrimary(c *Change) {
	switch c.Kind {
	case Committed:
		l.counters.Commits++
		l.primaryCommit(&c.Commit)
	case Deleted:
		if r := l.buried(c.Commit.Key); r != nil && r.primary.order().Less(c.Commit.Order) {
			if r.primary.state == present {
				l.countPair(Primary, -1)
			}
			r.primary = valueAt(c.Commit.Order, deleted)
			r.setMetadata(Primary, "")
			r.unwait()
			l.dirtyRow(r)
		}
	case Unreadable:
		l.unreadable(&c.Commit)
	case GroupState, GroupGone, MemberSeen:
		l.shareGroup(Primary, c)
	}
}

// shareGroup follows whether a group is a share group: from the first record that says so, until that group is deleted.
func (l *Loop) shareGroup(s Side, c *Change) {
	if c.Group == nil || c.Group.Type != ShareGroup || c.Kind == MemberGone {
		return
	}
	g := l.group(c.Commit.Group)
	if is := c.Kind != GroupGone; is != g.share[s] {
		g.share[s] = is
		l.dirtyGroup(g)
	}
}

func (l *Loop) primaryCommit(c *Commit) {
	r := l.row(c.Key)
	if r == nil || !newer(&r.primary, c.Order) {
		return
	}
	l.commitComes(r, c)
	was := r.primary
	r.primary, r.topicID = newValue(c), r.topic().id(c.TopicID)
	if r.heap > 0 {
		r.wait() // in its new place at once: out of place it would hide those that the frontier reaches
	}
	if r.failed == SourceDegraded {
		r.failed = NoReason
	}
	if c.Metadata != r.metadata(Primary) {
		r.setMetadata(Primary, c.Metadata)
		r.clear(rowNoMetadata) // the new one may fit
	}
	if stamp, ok := ReadStamp(c.Retention); ok && stamp.Link == l.oppositeMark && stamp.Writer != returnedWriter {
		r.primary.state = opposite
	}
	l.countChange(Primary, was.state, r.primary.state)
	if was.state == present && c.Offset < was.offset {
		l.counters.Rewinds++
	}
	if r.has(rowDirty) && was.state == present {
		l.counters.Coalesced++
	}
	l.dirtyRow(r)
}

// unreadable marks a commit whose value this program does not understand: the row keeps its last value, but says so.
func (l *Loop) unreadable(c *Commit) {
	l.counters.Unreadable++
	r := l.row(c.Key)
	if r == nil || !newer(&r.primary, c.Order) {
		return
	}
	r.primary.setOrder(c.Order)
	r.failed = SourceDegraded
	r.setRetryAt(forever)
	r.setDetail("the primary wrote an offset commit of a version this leftoff does not know. Try: a newer leftoff")
	l.dirtyRow(r)
}

// applySecondary takes one record of the secondary's `__consumer_offsets` into the table.
func (l *Loop) applySecondary(c *Change) {
	switch c.Kind {
	case Committed:
		l.named(&c.Commit)
		l.secondaryCommit(&c.Commit)
	case Deleted:
		l.named(&c.Commit)
		l.secondaryDeleted(&c.Commit)
	case GroupState, GroupGone, MemberSeen, MemberGone:
		l.secondaryGroup(c)
	case Unreadable:
		l.named(&c.Commit)
		l.secondaryUnreadable(&c.Commit)
	}
}

// named puts the primary's name in the place of the secondary's. Topics that are no copies keep a row of their own, under a
// name that no topic can have: what the group commits there still says that it lives on the secondary.
func (l *Loop) named(c *Commit) {
	if l.opt.PrimaryTopic == nil {
		return
	}
	name, ok := l.opt.PrimaryTopic(c.Topic)
	if !ok {
		name = "secondary:" + c.Topic
	}
	c.Topic = name
}

// secondaryUnreadable: leftoff writes no value that it can't read, so somebody else did.
func (l *Loop) secondaryUnreadable(c *Commit) {
	l.counters.Unreadable++
	r := l.row(c.Key)
	if r == nil || !newer(&r.held, c.Order) {
		return
	}
	l.countChange(Secondary, r.held.state, present)
	r.held = valueAt(c.Order, present)
	r.setMetadata(Secondary, "")
	r.mark(false, false)
	r.clear(rowAwaiting | rowSending | rowRefresh | rowBasis)
	delete(l.repairs, r)
	l.takenOver(r.group, c.Order, forever, fmt.Sprintf("%s/%d holds a commit of a version this leftoff does not know. Try: a newer leftoff", r.topic().name, r.partition()))
	l.dirtyRow(r)
}

func (l *Loop) secondaryDeleted(c *Commit) {
	r := l.known(c.Key)
	if r == nil || !newer(&r.held, c.Order) {
		return
	}
	if r.held.state == present {
		l.countPair(Secondary, -1)
	}
	r.held = valueAt(c.Order, deleted)
	r.setMetadata(Secondary, "")
	r.mark(false, false)
	r.clear(rowAwaiting)
	l.dirtyRow(r)
}

func (l *Loop) secondaryCommit(c *Commit) {
	r := l.row(c.Key)
	if r == nil || !newer(&r.held, c.Order) {
		return
	}
	ours, stamped := l.recognise(r, c)
	returned := stamped && !ours && l.isReturned(c)
	if ours && r.has(rowAwaiting) && c.Offset != r.sent {
		r.held.setOrder(c.Order) // an earlier write of ours, already superseded by an acknowledged one
		if c.Offset == r.held.offset {
			r.clear(rowAwaiting) // or the acknowledged one itself, while the next is on its way
		}
		return
	}
	confirmed := ours && r.confirms(c, stamped)
	l.countChange(Secondary, r.held.state, present)
	l.noticeClobber(r, c, ours || returned, returned)
	if !ours || !r.ours() || r.held.state != present || r.held.offset != c.Offset {
		r.clear(rowBasis) // it was another value's
	}
	hadOurs := r.ours() && (r.stamped() || l.caughtUp[Secondary]) // read again from the start, unstamped values prove nothing
	r.held = newValue(c)
	r.setMetadata(Secondary, c.Metadata)
	r.mark(ours, stamped)
	r.clear(rowAwaiting | rowRefresh)
	if !ours || c.Offset == r.sent {
		r.clear(rowSending)
	}
	if !ours {
		l.foreignCommit(r, hadOurs)
	}
	if !confirmed {
		l.dirtyRow(r)
	}
}

// confirms says that a write of ours in the log is the one that was acknowledged and believed, or the one in flight, whose answer
// says what is to be done: either way there is nothing to plan.
func (r *row) confirms(c *Commit, stamped bool) bool {
	switch {
	case r.has(rowSending):
		return c.Offset == r.sent
	case r.has(rowAwaiting):
		return r.held.state == present && r.held.offset == c.Offset && r.metadata(Secondary) == c.Metadata && r.ours() && r.stamped() == stamped
	}
	return false
}

// noticeClobber finds the residual race of rules 2 and 3 after the fact: the log has somebody else's commit right before a
// write of ours that was decided without knowing it. The value is put back while the group is empty.
//
// A write of ours long after it was no race: a person had reclaimed the group, and the disk that knew was lost since.
func (l *Loop) noticeClobber(r *row, c *Commit, fromHere, returned bool) {
	was := r.held
	lost, pending := l.repairs[r]
	switch {
	case !fromHere:
		delete(l.repairs, r)
	case was.state == present && !r.ours() && was.offset != c.Offset && r.group.verdict.Kind == VerdictTakenOver &&
		!was.order().Less(r.group.verdict.Order) && c.CommittedAt-was.at() <= raceWindow.Milliseconds():
		l.repairs[r] = lostValue{was, r.metadata(Secondary)}
	case returned, pending && c.CommittedAt-lost.at() > raceWindow.Milliseconds():
		delete(l.repairs, r)
	}
}

// raceWindow is how long after somebody's commit a write of ours may still have been decided without knowing it: the gate's
// answer expires after seconds, the rest is for tails that hang and clocks that differ.
const raceWindow = 10 * time.Minute

// isReturned recognises a value of somebody else that leftoff put back: it is not ours, but it was leftoff's write.
func (l *Loop) isReturned(c *Commit) bool {
	stamp, ok := ReadStamp(c.Retention)
	return ok && stamp == Stamp{Link: l.stamp.Link, Writer: returnedWriter}
}

// recognise says whether a value on the secondary was written by this link.
func (l *Loop) recognise(r *row, c *Commit) (ours, stamped bool) {
	if stamp, ok := ReadStamp(c.Retention); ok {
		if r.has(rowAwaiting|rowSending) && c.Offset == r.sent && stamp == l.stamp {
			l.stampSeen(true)
		}
		return stamp.Link == l.stamp.Link && stamp.Writer != returnedWriter, true
	}
	if c.LeaderEpoch < 0 && l.unmarked.seen(r, c.Offset) {
		l.stampSeen(false)
		return true, false
	}
	intended, ok := l.intents[c.Key]
	return ok && intended == c.Offset && c.LeaderEpoch < 0, false
}

// foreignCommit concludes from a value that this link did not write.
func (l *Loop) foreignCommit(r *row, overOurs bool) {
	g := r.group
	switch {
	case l.others(r): // held as such, and no take-over
	case overOurs:
		l.takenOver(g, r.held.order(), r.held.at(), fmt.Sprintf("%s/%d was committed to %d on the secondary by someone else", r.topic().name, r.partition(), r.held.offset))
	case r.held.epoch >= 0 || g.hasRecord:
		l.takenOver(g, r.held.order(), r.held.at(), fmt.Sprintf("%s/%d holds a consumer's commit at %d on the secondary", r.topic().name, r.partition(), r.held.offset))
	}
}

// secondaryGroup follows the members of a group on the secondary.
func (l *Loop) secondaryGroup(c *Change) {
	g := l.group(c.Commit.Group)
	if g.hasRecord && c.Commit.Order.Less(g.record) {
		return
	}
	g.record = c.Commit.Order
	was := g.live()
	switch c.Kind {
	case GroupGone:
		g.hasRecord, g.classicMembers = false, 0
	case GroupState:
		g.hasRecord, g.classicMembers = true, c.Group.Members
	case MemberSeen:
		g.hasRecord = true
		if c.Group.Member != "" {
			if g.members == nil {
				g.members = map[string]struct{}{}
			}
			g.members[c.Group.Member] = struct{}{}
		}
	case MemberGone:
		delete(g.members, c.Group.Member)
	}
	l.shareGroup(Secondary, c)
	if g.hasRecord && !g.share[Secondary] {
		l.takenOver(g, c.Commit.Order, c.Commit.CommittedAt, "a consumer joined the group on the secondary")
	}
	if was != g.live() {
		l.dirtyGroup(g)
	}
}

// newer says a record at order o supersedes what is held: a replay is not a rewind.
func newer(v *value, o Order) bool { return v.order().Less(o) }

// row finds or makes the row of a key; nil for groups that are never replicated.
func (l *Loop) row(k Key) *row {
	g := l.group(k.Group)
	if g.filtered {
		return nil
	}
	return l.table.row(g, l.table.topic(k.Topic, l.opt.SelectTopic), k.Partition)
}

// group finds or makes a group.
func (l *Loop) group(name string) *group {
	g, ok := l.table.groups[name]
	if !ok {
		g = l.table.group(name)
		if g.filtered = !l.opt.SelectGroup(name); g.filtered {
			l.filtered++
		}
	}
	return g
}

// known finds the row of a key without making one.
func (l *Loop) known(k Key) *row {
	g, ok := l.table.groups[k.Group]
	if !ok {
		return nil
	}
	for i := range g.parts {
		if g.parts[i].topic.name == k.Topic {
			r, _ := g.parts[i].find(k.Partition)
			return r
		}
	}
	return nil
}

func (l *Loop) countPair(s Side, n int) { l.table.pairs[s] += n }

func (l *Loop) countChange(s Side, from, to valueState) {
	if from == present {
		l.countPair(s, -1)
	}
	if to == present {
		l.countPair(s, 1)
	}
}

// buried finds the row of a tombstone on the primary. Where the secondary's value has to go with it, the row is made: the value may not have
// been read yet, and of what was compacted the log has the tombstone alone.
func (l *Loop) buried(k Key) *row {
	if l.opt.Policy.Tombstones != "delete" || l.caughtUp[Secondary] {
		return l.known(k)
	}
	return l.row(k)
}
