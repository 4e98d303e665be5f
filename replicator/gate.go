package replicator

import "time"

// Admitted is a request that may be written to the secondary. Only the gate makes one: whoever holds it knows that the
// group was free a moment ago, and until when that answer counts.
type Admitted struct {
	group    string
	offsets  []Offset
	stamp    time.Duration
	deadline time.Time
	rows     []*row
	repair   bool
	removal  bool
	first    bool
}

// Offset is one entry of a request. Topic is the secondary's name; the leader epoch is always −1.
type Offset struct {
	Key       Key // the primary's
	Topic     string
	Partition int32
	Offset    int64
	Metadata  string
	primary   int64
	turn      uint32 // of the partition, when the position was decided
}

func (a Admitted) Group() string     { return a.group }
func (a Admitted) Offsets() []Offset { return a.offsets }

// Retention is what to send as RetentionTime; 0 sends none.
func (a Admitted) Retention() time.Duration { return a.stamp }

// First says that the group was quiet before: its request goes ahead of those of groups that commit all the time.
func (a Admitted) First() bool { return a.first }

// Removes says that the offsets are to be deleted, not written.
func (a Admitted) Removes() bool { return a.removal }

// Deadline is when the gate's answer expires. The request must have left by then.
func (a Admitted) Deadline() time.Time { return a.deadline }

// admitFor is how long the gate's answer counts.
const admitFor = 2 * time.Second

// admit is the one place that asks "may I write this?", just before the request leaves.
func (l *Loop) admit(g *group, offsets []Offset, rows []*row) (Admitted, bool) {
	if !l.writable() || g.filtered || g.shared() || g.live() || !mayWrite(g.verdict.Kind) || !l.opt.Owner(g.name) {
		return Admitted{}, false
	}
	return Admitted{group: g.name, offsets: offsets, rows: rows, stamp: l.retention(), deadline: l.now().Add(admitFor)}, true
}

// admitRemoval lets offsets of ours be deleted: whoever may be written may lose what leftoff wrote.
func (l *Loop) admitRemoval(g *group, offsets []Offset, rows []*row) (Admitted, bool) {
	a, ok := l.admit(g, offsets, rows)
	a.removal, a.stamp = true, 0
	return a, ok
}

// admitRepair lets a clobbered value of somebody else be put back, marked as such, while its group is empty.
func (l *Loop) admitRepair(g *group, offsets []Offset, rows []*row) (Admitted, bool) {
	if !l.writable() || g.live() || g.verdict.Kind != VerdictTakenOver || !l.opt.Owner(g.name) {
		return Admitted{}, false
	}
	a := Admitted{group: g.name, offsets: offsets, rows: rows, deadline: l.now().Add(admitFor), repair: true}
	if l.stampState != stampDropped {
		a.stamp = Stamp{Link: l.stamp.Link, Writer: returnedWriter}.Retention()
	}
	return a, true
}

func mayWrite(v VerdictKind) bool { return v == NoVerdict || v == VerdictReclaimed }

// writable: nothing is written before both tails have reached the ends recorded when they started, nor with the gate
// closed (`leftoff plan` without a daemon).
func (l *Loop) writable() bool {
	return !l.opt.Closed && l.ready()
}

// ready: both tails have reached the ends recorded when they started.
func (l *Loop) ready() bool { return l.caughtUp[Primary] && l.caughtUp[Secondary] }
