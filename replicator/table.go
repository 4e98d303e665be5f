package replicator

import "sort"

// table is the ledger: the newest value of every key on both sides, and what is known of every group on the secondary.
// The loop owns it; nothing else reads or writes it.
//
//	group ── parts ──▶ rows (one a key)
//	topic ── partitions ──▶ the same rows, and those of them that wait for the frontier
type table struct {
	groups map[string]*group
	topics map[string]*topic
	pairs  [2]int // keys known, by side
	rows   int
	chunk  []row // not yet used
}

func newTable() *table {
	return &table{groups: map[string]*group{}, topics: map[string]*topic{}}
}

// topic is one topic of the primary, by name.
type topic struct {
	name       string
	selected   bool
	partitions map[int32]*partition
	ids        [][16]byte // that the primary's commits named, by number
}

// id gives a topic id its number, so that a row need not hold 16 bytes for it. 0 is none.
func (tp *topic) id(id [16]byte) uint32 {
	if id == ([16]byte{}) {
		return 0
	}
	for i := len(tp.ids) - 1; i >= 0; i-- { // mostly the newest
		if tp.ids[i] == id {
			return uint32(i + 1)
		}
	}
	tp.ids = append(tp.ids, id)
	return uint32(len(tp.ids))
}

// partition finds the rows that a mapping source's Advance concerns.
type partition struct {
	topic   *topic
	n       int32
	turn    uint32  // how often what the mapping had answered before was called off
	rows    *row    // the newest; row.next has the others
	waiting waiting // rows whose offset is past the frontier
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
	share          [2]bool             // a share group of this name is there, by side
	record         Order               // newest group or member record
	hasRecord      bool                // a group record is there: the group has had members
	verdict        Verdict
	started        bool     // there, since it was handed over
	forgiven       *Verdict // it was reclaimed, by a leftoff whose disk is lost: what is older is no take-over. Nil once the log was read
}

// shared says that a share group of this name is on either side.
func (s *secondary) shared() bool { return s.share[Primary] || s.share[Secondary] }

// live says members are on the secondary: the broker refuses our commits then, and we do not try.
func (s *secondary) live() bool { return s.classicMembers > 0 || len(s.members) > 0 }

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
	at := tp.at(n)
	r = t.make()
	*r = row{group: g, where: at, next: at.rows, primary: valueAt(beforeAll, absent), held: valueAt(beforeAll, absent)}
	at.rows = r
	p.rows = append(p.rows, nil)
	copy(p.rows[i+1:], p.rows[i:])
	p.rows[i] = r
	return r
}

// make takes a row from a chunk of them: rows stay for good, and a million objects cost the collector more than a thousand.
func (t *table) make() *row {
	if len(t.chunk) == 0 {
		t.chunk = make([]row, min(max(t.rows, 16), 1024))
	}
	r := &t.chunk[0]
	t.chunk = t.chunk[1:]
	t.rows++
	return r
}

// find returns the row of a partition, or nil and the place where it belongs.
func (p *part) find(n int32) (*row, int) {
	if i := int(n); i < len(p.rows) && p.rows[i].where.n == n { // mostly every partition has one
		return p.rows[i], i
	}
	i := sort.Search(len(p.rows), func(i int) bool { return p.rows[i].where.n >= n })
	if i < len(p.rows) && p.rows[i].where.n == n {
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
		p = &partition{topic: tp, n: n}
		tp.partitions[n] = p
	}
	return p
}
