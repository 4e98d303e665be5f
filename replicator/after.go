package replicator

import (
	"time"

	"github.com/leftoff/leftoff/translate"
)

// Outputs is what policy `after` needs of the world: which commits wait, and for what. Its methods are called by the loop; they
// answer from memory and never block.
type Outputs interface {
	// Waits says whether a commit of a group must not be seen on the secondary before what was written ahead of it is there.
	Waits(group string, transactional bool) bool
	// Ask wants a sample of the primary's ends: Loop.SampleBegins, then the ends, then Loop.Sampled. Asking twice is harmless.
	Ask()
	// Reached says whether everything below an end is on the secondary, or never will be; if not, why, in a sentence for people.
	Reached(End) (ok bool, why string)
}

// End is the end of a partition of the primary: its high watermark, below which is everything that was acknowledged.
type End struct {
	Topic     string
	Partition int32
	End       int64
}

// outputs are the rows whose commits wait. A row is here only while it waits.
//
// Why nothing is missing behind a position that went through: the sample that serves a commit begins after the commit was seen, so
// that its ends are above everything written before the commit; and a barrier opens only when the mapping says of each of these
// ends that what lies below is on the secondary.
//
//	commit seen ─▶ fresh ──SampleBegins──▶ asked ──Sampled──▶ a barrier of the line ──oldest first──▶ open: written
//
// Ends only grow, so that the barriers of the line open in order, and the oldest one is the only one to look at. Those of a topic that
// is deleted, made again or cut on the primary do not: a barrier that is old goes by the newest sample where that wants less.
type outputs struct {
	waits  map[*row]*barrier
	kept   map[*row]kept
	fresh  *barrier // of those that the next sample serves
	asked  *barrier // of those that the sample under way serves
	line   []*barrier
	failed string    // why there are no ends
	again  time.Time // when the ends were asked for although nobody new waits
}

// maxLine bounds the memory of a mirror that stands still: past it, later commits join the newest barrier, which is raised. That
// stops as soon as the oldest one opens, so that nobody waits for ever.
const maxLine = 16

// barrier is what the rows that were seen before one sample wait for. left is looked at from its end.
type barrier struct {
	since time.Time // when the first of them began to wait
	left  []End
	why   string
	rows  []*row // of them, those whose outputs.waits says so: what stopped waiting is passed over
}

// kept are commits older than the row's: first is what the barrier is for, if it is not the newest; open went through, and is
// written until a newer one does. At most two commits of a key wait, whatever comes: so an older one goes through while newer
// ones come all the time.
type kept struct{ first, open *past }

// past is a commit that has a newer one.
type past struct {
	value
	metadata string
	topicID  uint32
}

func (r *row) past() *past { return &past{r.primary, r.metadata(Primary), r.topicID} }

func (p *past) id(of *topic) (id [16]byte) {
	if p.topicID > 0 {
		id = of.ids[p.topicID-1]
	}
	return id
}

// commitComes is told of each commit of a row before it takes the place of the last one.
func (l *Loop) commitComes(r *row, c *Commit) {
	r.committedAgain()
	if l.opt.Outputs == nil {
		return
	}
	if l.opt.Outputs.Waits(r.group.name, c.Transactional) {
		r.set(rowOutputs) // stays for plain commits that follow: they stand behind the same outputs
	}
	o := &l.outputs
	b, ok := o.waits[r]
	if !ok {
		return
	}
	k := o.kept[r]
	if k.open != nil && c.Offset < k.open.offset {
		k.open = nil // the group went back: what is higher must not be written any more
	}
	if b != o.fresh { // its sample may have begun before this commit
		if k.first == nil && r.primary.state == present {
			k.first = r.past()
		}
		if k.first == nil || c.Offset < k.first.offset {
			k.first = nil
			l.awaitSample(r)
		}
	}
	o.keep(r, k)
}

func (o *outputs) keep(r *row, k kept) {
	if k == (kept{}) {
		delete(o.kept, r)
		return
	}
	if o.kept == nil {
		o.kept = map[*row]kept{}
	}
	o.kept[r] = k
}

// awaitSample lines a row up for the next sample.
func (l *Loop) awaitSample(r *row) {
	o := &l.outputs
	if o.fresh == nil {
		o.fresh = &barrier{since: l.now()}
	}
	if o.waits == nil {
		o.waits = map[*row]*barrier{}
	}
	o.waits[r] = o.fresh
	o.fresh.rows = append(o.fresh.rows, r)
	l.opt.Outputs.Ask()
}

// afterOutputs holds a plan back until the outputs of its commit are on the secondary, and returns what can be written meanwhile: the
// plan of an older commit of which they are. Only what raises a position waits: reading again is safe.
func (l *Loop) afterOutputs(r *row, e Entry) Entry {
	if !r.has(rowOutputs) {
		return e
	}
	switch {
	case r.failed != NoReason && e.Reason == r.failed:
		return e // tried again in a moment, and what went through by then is written
	case !raises(e):
		l.stopWaiting(r)
		return e
	}
	if _, ok := l.outputs.waits[r]; !ok {
		l.awaitSample(r)
	}
	if older, ok := l.planOpen(r); ok {
		return older
	}
	return l.waits(r, e)
}

// raises says that a plan lets the group read less than the secondary's value does.
func raises(e Entry) bool {
	return e.Write && e.Position.Confidence != translate.Unmapped && (!e.HasWritten || e.Position.Offset > e.Written)
}

// planOpen plans for the commit that went through last, if it is not written yet.
func (l *Loop) planOpen(r *row) (Entry, bool) {
	p := l.outputs.kept[r].open
	if p == nil {
		return Entry{}, false
	}
	v := l.view(r)
	v.Commit.Offset, v.Commit.Metadata, v.Commit.LeaderEpoch = p.offset, p.metadata, p.epoch
	v.Commit.CommittedAt, v.Commit.Order, v.Commit.TopicID = p.at(), p.order(), p.id(r.topic())
	m := l.opt.Mapper.Forward(r.topic().name, v.Commit.TopicID, r.partition(), p.offset)
	e := Decide(v, m, l.opt.Policy)
	e.Pending = false // when a better answer comes, only the newest commit is planned again: what is known now counts
	return e, raises(e)
}

// waits is a plan that is held back.
func (l *Loop) waits(r *row, e Entry) Entry {
	e.Write, e.Reason, e.Detail = false, WaitingForOutputs, l.outputs.waitsOn(r)
	return e
}

// showOutputs is afterOutputs for a reader: it changes nothing.
func (l *Loop) showOutputs(r *row, e Entry) Entry {
	if !r.has(rowOutputs) || !raises(e) {
		return e
	}
	return l.waits(r, e)
}

// stopWaiting forgets that a row waits.
func (l *Loop) stopWaiting(r *row) {
	o := &l.outputs
	delete(o.kept, r)
	delete(o.waits, r)
	if len(o.waits) == 0 {
		o.waits = nil // a map keeps its largest size
	}
}
