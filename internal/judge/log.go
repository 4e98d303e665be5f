package judge

import (
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Write is one commit or tombstone, in the order in which it took effect: a transactional one with its marker.
type Write struct {
	Key
	Value         *Value // nil: a tombstone
	OffsetsPart   int32  // the partition of __consumer_offsets
	Record        int64  // its record there
	Effective     int64  // the record that made it count: itself, or its transaction's commit marker
	At            time.Time
	Seen          time.Time // when the judge had read what made it count
	Transactional bool
	// Live is how many members the group had in the log just then; Joined, whether it ever had one.
	Live   int
	Joined bool
	// Known says that the log held a record of the group itself, not only its commits.
	Known bool
}

// Log is what one side's `__consumer_offsets` said, from its start. Its methods may be called at any time.
type Log struct {
	mu      sync.Mutex
	writes  []Write
	ledger  map[Key]Write // what counts now; tombstones included
	groups  map[string]*group
	pending map[producer][]Write
	broken  []string // records it could not decode
	skipped map[int16]int
	aborted int
	history map[string][]Membership
}

// Membership is a change of a group's members.
type Membership struct {
	Record  int64
	At      time.Time
	Members int
}

type group struct {
	classic int             // members of the newest group metadata record
	members map[string]bool // of member records: KIP-848, share, streams
	joined  bool
	known   bool
}

func (g *group) live() int { return g.classic + len(g.members) }

type producer struct {
	partition int32
	id        int64
}

// NewLog returns an empty log.
func NewLog() *Log {
	return &Log{ledger: make(map[Key]Write), groups: make(map[string]*group), pending: make(map[producer][]Write),
		skipped: make(map[int16]int), history: make(map[string][]Membership)}
}

// Add takes the next record of an offsets partition, control records included, in offset order.
func (l *Log) Add(r *kgo.Record, seen time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Attrs.IsControl() {
		l.marker(r, seen)
		return
	}
	e, err := decodeEntry(r.Key, r.Value)
	switch {
	case err != nil:
		l.broken = append(l.broken, fmt.Sprintf("record %d/%d: %v", r.Partition, r.Offset, err))
	case e.skipped:
		l.skipped[e.kind]++
		if e.kind == typeConsumerGroup {
			l.knowConsumerGroup(r.Key, e.gone)
		}
	case e.kind == typeLegacyCommit || e.kind == typeCommit:
		l.commit(r, e, seen)
	default:
		l.membership(r, e)
	}
}

func (l *Log) commit(r *kgo.Record, e entry, seen time.Time) {
	w := Write{Key: e.key, Value: e.value, OffsetsPart: r.Partition, Record: r.Offset, Effective: r.Offset, At: r.Timestamp,
		Seen: seen, Transactional: r.Attrs.IsTransactional()}
	if w.Transactional {
		p := producer{r.Partition, r.ProducerID}
		l.pending[p] = append(l.pending[p], w)
		return
	}
	if w.Value == nil {
		l.forget(w)
	}
	l.apply(w)
}

// forget drops pending transactional commits of a tombstoned key, as the broker does.
func (l *Log) forget(w Write) {
	for p, writes := range l.pending {
		if p.partition != w.OffsetsPart {
			continue
		}
		kept := writes[:0]
		for _, pw := range writes {
			if pw.Key != w.Key {
				kept = append(kept, pw)
			}
		}
		l.pending[p] = kept
	}
}

// marker ends a transaction. A pending commit counts only if its record is newer than what the ledger holds: the broker's
// rule (OffsetMetadataManager).
func (l *Log) marker(r *kgo.Record, seen time.Time) {
	var key kmsg.ControlRecordKey
	if err := key.ReadFrom(r.Key); err != nil {
		l.broken = append(l.broken, fmt.Sprintf("marker %d/%d: %v", r.Partition, r.Offset, err))
		return
	}
	p := producer{r.Partition, r.ProducerID}
	writes := l.pending[p]
	delete(l.pending, p)
	if key.Type != kmsg.ControlRecordKeyTypeCommit {
		l.aborted += len(writes)
		return
	}
	for _, w := range writes {
		if now, ok := l.ledger[w.Key]; ok && now.Record > w.Record {
			continue
		}
		w.Effective, w.At, w.Seen = r.Offset, r.Timestamp, seen
		l.apply(w)
	}
}

func (l *Log) apply(w Write) {
	g := l.group(w.Group)
	w.Live, w.Joined, w.Known = g.live(), g.joined, g.known
	l.ledger[w.Key] = w
	l.writes = append(l.writes, w)
}

func (l *Log) membership(r *kgo.Record, e entry) {
	g := l.group(e.group)
	switch {
	case e.kind == typeGroup:
		g.classic, g.known = e.members, !e.gone
	case e.gone:
		delete(g.members, e.member)
	default:
		g.members[e.member], g.known = true, true
	}
	g.joined = g.joined || g.live() > 0
	l.history[e.group] = append(l.history[e.group], Membership{Record: r.Offset, At: r.Timestamp, Members: g.live()})
}

func (l *Log) knowConsumerGroup(key []byte, gone bool) {
	var k kmsg.GroupMetadataKey // the same layout: int16, STRING group
	if err := k.ReadFrom(key); err == nil {
		l.group(k.Group).known = !gone
	}
}

func (l *Log) group(name string) *group {
	g := l.groups[name]
	if g == nil {
		g = &group{members: make(map[string]bool)}
		l.groups[name] = g
	}
	return g
}
