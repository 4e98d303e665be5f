package replicator

import (
	"sort"
)

// table is the ledger: the newest value of every key on both sides, and what is known of every group on the secondary.
// The loop owns it; nothing else reads or writes it.
//
//	group ── parts ──▶ rows (one a key)
//	topic ── partitions ──▶ the same rows, and those of them that wait for the frontier
type table struct {
	groups map[string]*group
	topics map[string]*topic
	pairs  [2]int // keys known, by side
}

func newTable() *table {
	return &table{groups: map[string]*group{}, topics: map[string]*topic{}}
}

// topic is one topic of the primary, by name.
type topic struct {
	name       string
	selected   bool
	partitions map[int32]*partition
}

// partition finds the rows that a mapping source's Advance concerns.
type partition struct {
	rows    []*row
	waiting waiting // rows whose offset is past the frontier
	turn    uint32  // how often what the mapping had answered before was called off
}

// group is one consumer group.
type group struct {
	name     string
	filtered bool
	parts    []part // few topics a group: searched in order
	secondary
	dispatch
}

type part struct {
	topic *topic
	rows  []*row // sorted by partition
}

// secondary is what the secondary's log says about the group, and what leftoff concluded.
type secondary struct {
	classicMembers int
	members        map[string]struct{} // KIP-848, streams
	share          bool
	record         Order // newest group or member record
	hasRecord      bool  // a group record is there: the group has had members
	started        bool  // there, since it was handed over
	verdict        Verdict
}

// live says members are on the secondary: the broker refuses our commits then, and we do not try.
func (s *secondary) live() bool { return s.classicMembers > 0 || len(s.members) > 0 }

// row is one key with both sides.
type row struct {
	group     *group
	topic     *topic
	partition int32

	primary value
	topicID [16]byte // of the primary's commit
	held    value    // the secondary's
	ours    bool     // held was written by this link
	stamped bool     // held carries our stamp

	reason Reason
	detail string

	failed  Reason // why the secondary refused it last time
	retryAt int64  // ms: not before
	sent    int64  // last value that went out
	sentAt  int64  // ms
	basis   int64  // the primary offset that the last write was made from
	flags   rowFlags
	heap    int32 // place in partition.waiting + 1; 0 when not there
}

type rowFlags uint8

const (
	rowDirty      rowFlags = 1 << iota
	rowSending             // a request with sent is in flight, and not yet seen in the secondary's log
	rowAwaiting            // sent was acknowledged, and not yet seen in the secondary's log
	rowBasis               // basis is set: held was made from it
	rowVoid                // and the mapping was corrected since: held is not proven any more
	rowNoMetadata          // the secondary refused the metadata; compare without
	rowRefresh             // write again although nothing changed: expiry
)

func (r *row) has(f rowFlags) bool { return r.flags&f != 0 }
func (r *row) set(f rowFlags)      { r.flags |= f }
func (r *row) clear(f rowFlags)    { r.flags &^= f }

// value is one side of a key.
type value struct {
	offset   int64
	metadata string
	at       int64 // ms, the broker's commit timestamp
	order    Order
	epoch    int32
	state    valueState
}

type valueState uint8

const (
	absent valueState = iota
	present
	deleted  // a tombstone
	opposite // on the primary: written by the opposite link, so not the group's own
)

func (t *table) group(name string) *group {
	g, ok := t.groups[name]
	if !ok {
		g = &group{name: name}
		t.groups[name] = g
	}
	return g
}

func (t *table) topic(name string, selects func(string) bool) *topic {
	tp, ok := t.topics[name]
	if !ok {
		tp = &topic{name: name, selected: selects(name), partitions: map[int32]*partition{}}
		t.topics[name] = tp
	}
	return tp
}

// row finds the row of a key, or makes it.
func (t *table) row(g *group, tp *topic, n int32) *row {
	p := g.part(tp)
	r, i := p.find(n)
	if r != nil {
		return r
	}
	r = &row{group: g, topic: tp, partition: n}
	r.primary.order, r.held.order = beforeAll, beforeAll
	p.rows = append(p.rows, nil)
	copy(p.rows[i+1:], p.rows[i:])
	p.rows[i] = r
	tp.at(n).rows = append(tp.at(n).rows, r)
	return r
}

// find returns the row of a partition, or nil and the place where it belongs.
func (p *part) find(n int32) (*row, int) {
	i := sort.Search(len(p.rows), func(i int) bool { return p.rows[i].partition >= n })
	if i < len(p.rows) && p.rows[i].partition == n {
		return p.rows[i], i
	}
	return nil, i
}

func (g *group) part(tp *topic) *part {
	for i := range g.parts {
		if g.parts[i].topic == tp {
			return &g.parts[i]
		}
	}
	g.parts = append(g.parts, part{topic: tp})
	return &g.parts[len(g.parts)-1]
}

func (g *group) each(f func(*row)) {
	for i := range g.parts {
		for _, r := range g.parts[i].rows {
			f(r)
		}
	}
}

func (tp *topic) at(n int32) *partition {
	p, ok := tp.partitions[n]
	if !ok {
		p = &partition{}
		tp.partitions[n] = p
	}
	return p
}
