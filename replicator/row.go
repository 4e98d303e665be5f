package replicator

import "math"

// row is one key with both sides. There may be millions: it is kept small, 128 bytes, and what few rows need is in rare.
type row struct {
	group *group
	where *partition
	next  *row // of the same partition
	rare  *rare

	primary value
	held    value // the secondary's
	sent    int64 // last value that went out
	basis   int64 // the primary offset that the last write was made from

	sentAt  uint32 // Loop.tick; 0: never
	topicID uint32 // of the primary's commit, by topic.id
	heap    int32  // place in partition.waiting + 1; 0 when not there
	flags   rowFlags
	reason  Reason
	failed  Reason // why the secondary refused it last time
}

// rare is what most rows do without.
type rare struct {
	metadata [2]string // by side
	detail   string
	retryAt  int64 // ms: not before
}

func (r *row) topic() *topic    { return r.where.topic }
func (r *row) partition() int32 { return r.where.n }
func (r *row) key() Key         { return Key{r.group.name, r.where.topic.name, r.where.n} }

// id is the topic id that the primary's commit named; zero for none.
func (r *row) id() (id [16]byte) {
	if r.topicID > 0 {
		id = r.topic().ids[r.topicID-1]
	}
	return id
}

func (r *row) metadata(s Side) string {
	if r.rare == nil {
		return ""
	}
	return r.rare.metadata[s]
}

func (r *row) detail() string {
	if r.rare == nil {
		return ""
	}
	return r.rare.detail
}

func (r *row) retryAt() int64 {
	if r.rare == nil {
		return 0
	}
	return r.rare.retryAt
}

func (r *row) setMetadata(s Side, m string) {
	if m != r.metadata(s) {
		r.change(func(x *rare) { x.metadata[s] = m })
	}
}

func (r *row) setDetail(d string) {
	if d != r.detail() {
		r.change(func(x *rare) { x.detail = d })
	}
}

func (r *row) setRetryAt(at int64) {
	if at != r.retryAt() {
		r.change(func(x *rare) { x.retryAt = at })
	}
}

// change edits rare, and drops it where nothing is left in it.
func (r *row) change(f func(*rare)) {
	if r.rare == nil {
		r.rare = &rare{}
	}
	if f(r.rare); *r.rare == (rare{}) {
		r.rare = nil
	}
}

type rowFlags uint16

const (
	rowDirty      rowFlags = 1 << iota
	rowSending             // a request with sent is in flight, and not yet seen in the secondary's log
	rowAwaiting            // sent was acknowledged, and not yet seen in the secondary's log
	rowBasis               // basis is set: held was made from it
	rowVoid                // and the mapping was corrected since: held is not proven any more
	rowNoMetadata          // the secondary refused the metadata; compare without
	rowRefresh             // write again although nothing changed: expiry
	rowOurs                // held was written by this link
	rowStamped             // held carries our stamp
	rowOutputs             // the primary's value waits until the outputs written before it are on the secondary
)

func (r *row) has(f rowFlags) bool { return r.flags&f != 0 }
func (r *row) set(f rowFlags)      { r.flags |= f }
func (r *row) clear(f rowFlags)    { r.flags &^= f }

func (r *row) ours() bool    { return r.has(rowOurs) }
func (r *row) stamped() bool { return r.has(rowStamped) }

func (r *row) mark(ours, stamped bool) {
	r.clear(rowOurs | rowStamped)
	if ours {
		r.set(rowOurs)
	}
	if stamped {
		r.set(rowStamped)
	}
}

// value is one side of a key, but for its metadata. Its order and its time are packed.
type value struct {
	offset  int64
	place   int64  // order.Offset
	term    int32  // order.Epoch
	epoch   int32  // leader epoch of the last record read
	seconds uint32 // the broker's commit timestamp
	millis  uint16
	state   valueState
}

func (v *value) order() Order { return Order{Epoch: v.term, Offset: v.place} }

func (v *value) setOrder(o Order) { v.term, v.place = o.Epoch, o.Offset }

// at is the broker's commit timestamp in ms, from 1970 to 2106.
func (v *value) at() int64 { return int64(v.seconds)*1000 + int64(v.millis) }

func (v *value) setAt(ms int64) {
	ms = min(max(ms, 0), math.MaxUint32*1000)
	v.seconds, v.millis = uint32(ms/1000), uint16(ms%1000)
}

// lostValue is somebody else's value that was overwritten.
type lostValue struct {
	value
	metadata string
}

// valueAt is a value without anything but its place in the log.
func valueAt(o Order, s valueState) value { return value{place: o.Offset, term: o.Epoch, state: s} }

// newValue is the value of a commit.
func newValue(c *Commit) value {
	v := value{offset: c.Offset, place: c.Order.Offset, term: c.Order.Epoch, epoch: c.LeaderEpoch, state: present}
	v.setAt(c.CommittedAt)
	return v
}

type valueState uint8

const (
	absent valueState = iota
	present
	deleted  // a tombstone
	opposite // on the primary: written by the opposite link, so not the group's own
)
