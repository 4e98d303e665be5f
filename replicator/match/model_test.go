package match

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// sim is one partition on two clusters with the mirror between them, which may do anything that mirrors do. It knows which
// record went where, and so what T is.
type sim struct {
	mu     sync.Mutex
	seed   uint64
	rnd    *rand.Rand
	traits simTraits
	logs   [2]*simLog
	origin map[int64]int64 // secondary offset → primary offset
	read   int             // index into the primary's records of what the mirror copies next
	sent   []simRecord     // on their way, where the mirror lands batches out of order
	fails  [2]bool         // a side does not answer
}

// simTraits of a world. Zero is a plain topic and a mirror that does nothing wrong.
type simTraits struct {
	records      int
	base         int64   // first offset of the primary
	batch        int     // most records of a batch, of producers and mirror
	transactions bool    // markers on the primary, a tenth aborted
	committed    bool    // the mirror copies no aborted records
	holes        float64 // part of the primary that compaction removed
	filter       float64 // part that the mirror drops
	crashes      []simCrash
	reorder      bool // five batches of the mirror land in any order
	header       bool
	stamped      bool // LogAppendTime on the secondary
	transform    bool // values
	markers      int  // a transaction marker on the secondary after so many records
	cleaned      bool // compaction on the secondary: of copies made twice one stays
	head         int  // records deleted from the secondary's start
	primaryHead  int
	identical    int  // longest stretch of equal records
	period       int  // values come round
	sameTime     bool // all records of one time
}

// simCrash: after so many records were copied, drop some, then go back and copy again; steps < 0 means all of them.
type simCrash struct {
	after, drop, back, again int
}

type simRecord struct {
	kafka.Record
	txn     bool
	aborted bool
	control bool
	batch   int
}

type simLog struct {
	records []simRecord // control records included; offsets rise
	end     int64
	start   int64
	batches int
	stamped bool
}

func newSim(seed uint64, t simTraits) *sim {
	if t.batch == 0 {
		t.batch = 8
	}
	w := &sim{seed: seed, rnd: rand.New(rand.NewPCG(seed, 7)), traits: t, origin: map[int64]int64{}}
	w.logs[0], w.logs[1] = &simLog{end: t.base, start: t.base}, &simLog{stamped: t.stamped}
	w.produce(t.records)
	w.mirror()
	if t.cleaned {
		w.clean()
	}
	w.cutHead(w.logs[1], t.head)
	w.cutHead(w.logs[0], t.primaryHead)
	return w
}

func (w *sim) cutHead(l *simLog, n int) {
	for ; n > 0 && len(l.records) > 1; n-- {
		l.start = l.records[0].Offset + 1
		l.records = l.records[1:]
	}
}

// produce appends records to the primary.
func (w *sim) produce(n int) {
	l := w.logs[0]
	for n > 0 {
		size := min(n, 1+w.rnd.IntN(w.traits.batch))
		l.batches++
		aborted := w.traits.transactions && w.rnd.IntN(10) == 0
		for range size {
			i := l.end
			r := simRecord{Record: kafka.Record{Offset: i, Timestamp: 1_700_000_000_000 + i*3 - int64(w.rnd.IntN(20))}, txn: w.traits.transactions, aborted: aborted, batch: l.batches}
			if w.traits.sameTime {
				r.Timestamp = 1_700_000_000_000
			}
			number := i
			if w.traits.period > 0 {
				number = i % int64(w.traits.period)
			}
			r.Key, r.Value = fmt.Appendf(nil, "key %d", number%97), fmt.Appendf(nil, "value %d", number)
			if k := w.traits.identical; k > 0 && i/int64(k)%3 == 1 {
				r.Key, r.Value, r.Timestamp = []byte("key"), []byte("the same"), 1_700_000_000_000
			}
			l.end++
			if w.rnd.Float64() < w.traits.holes {
				continue
			}
			l.records = append(l.records, r)
		}
		if w.traits.transactions {
			l.records = append(l.records, simRecord{Record: kafka.Record{Offset: l.end}, control: true, aborted: aborted, txn: true, batch: l.batches + 1})
			l.batches++
			l.end++
		}
		n -= size
	}
}

// mirror copies what there is, with all that goes wrong.
func (w *sim) mirror() {
	done, fresh := 0, 0
	crashes := w.traits.crashes
	for w.read < len(w.logs[0].records) {
		if len(crashes) > 0 && done >= crashes[0].after {
			c := crashes[0]
			crashes = crashes[1:]
			w.land()
			if w.read >= fresh { // what was copied already is not left out when it is copied again
				w.read = min(w.read+c.drop, len(w.logs[0].records))
			}
			reached := w.read
			w.read = max(0, w.read-c.back)
			if c.again >= 0 {
				for stop := min(w.read+c.again, reached); w.read < stop; {
					w.copyOne()
				}
				if len(crashes) == 0 {
					w.land()
					return // dead in the middle of it
				}
				continue
			}
		}
		if w.read >= len(w.logs[0].records) {
			continue
		}
		done++
		w.copyOne()
		fresh = max(fresh, w.read)
	}
	w.land()
}

func (w *sim) copyOne() {
	r := w.logs[0].records[w.read]
	w.read++
	dropped := w.traits.filter > 0 && rand.New(rand.NewPCG(uint64(r.Offset), 3)).Float64() < w.traits.filter
	if r.control || r.aborted && w.traits.committed || dropped {
		return
	}
	if !w.traits.reorder {
		w.append(r)
		return
	}
	if w.sent = append(w.sent, r); len(w.sent) >= 5*w.traits.batch {
		w.land()
	}
}

// land writes what is on the way, batch by batch, in any order.
func (w *sim) land() {
	var batches [][]simRecord
	for len(w.sent) > 0 {
		n := min(len(w.sent), w.traits.batch)
		batches, w.sent = append(batches, w.sent[:n]), w.sent[n:]
	}
	w.rnd.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	for _, b := range batches {
		for _, r := range b {
			w.append(r)
		}
	}
	w.sent = nil
}

func (w *sim) append(r simRecord) {
	l := w.logs[1]
	copied := simRecord{Record: r.Record}
	if l.end%int64(w.traits.batch) == 0 {
		l.batches++
	}
	copied.Offset, copied.batch = l.end, l.batches
	if w.traits.header {
		copied.Headers = append([]kafka.Header{{Key: []byte("mirrored"), Value: []byte("yes")}}, copied.Headers...)
	}
	if w.traits.transform {
		copied.Value = append([]byte("new "), copied.Value...)
	}
	if w.traits.stamped {
		copied.Timestamp = 1_800_000_000_000 + l.end
	}
	w.origin[l.end] = r.Offset
	l.records = append(l.records, copied)
	l.end++
	if w.traits.markers > 0 && w.rnd.IntN(w.traits.markers) == 0 {
		l.batches++
		l.records = append(l.records, simRecord{Record: kafka.Record{Offset: l.end}, control: true, txn: true, batch: l.batches})
		l.batches++
		l.end++
	}
}

// clean removes earlier copies of what was copied again, but for those near the end.
func (w *sim) clean() {
	l := w.logs[1]
	last := map[int64]int64{}
	for _, r := range l.records {
		if o, ok := w.origin[r.Offset]; ok {
			last[o] = r.Offset
		}
	}
	kept := l.records[:0:0]
	for i, r := range l.records {
		o, ok := w.origin[r.Offset]
		if ok && last[o] != r.Offset && i < len(l.records)-20 && w.rnd.IntN(2) == 0 {
			continue
		}
		kept = append(kept, r)
	}
	l.records = kept
}

// T is the definition: the least last copy of the records at u and above that have one; else the end.
func (w *sim) T(u int64) int64 {
	last := map[int64]int64{}
	for _, r := range w.logs[1].records {
		if o, ok := w.origin[r.Offset]; ok {
			last[o] = r.Offset
		}
	}
	t := w.logs[1].end
	for o, d := range last {
		if o >= u {
			t = min(t, d)
		}
	}
	return t
}

// between counts the secondary's records in [d, t).
func (w *sim) between(d, t int64) (n int64) {
	for _, r := range w.logs[1].records {
		if r.Offset >= d && r.Offset < t && !r.control {
			n++
		}
	}
	return n
}

// simSide is a cluster of the world.
type simSide struct {
	*sim
	side replicator.Side
}

const simTopic = "t"

func (s simSide) log() *simLog { return s.logs[s.side] }

func (s simSide) Topics(_ context.Context, names []string) (map[string]kafka.TopicInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails[s.side] {
		return nil, errAway
	}
	return map[string]kafka.TopicInfo{simTopic: {Name: simTopic, ID: [16]byte{byte(s.side) + 1}, Partitions: []kafka.PartitionInfo{{ID: 0, LeaderEpoch: 1}}}}, nil
}

var errAway = errors.New("away")

func (s simSide) ListOffsets(_ context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails[s.side] {
		return nil, errAway
	}
	l := s.log()
	r := kafka.OffsetResult{Offset: l.end}
	if at == kafka.Earliest {
		r.Offset = l.start
	}
	if when, ok := at.Time(); ok {
		r.Offset = -1
		for _, x := range l.records {
			if !x.control && x.Timestamp >= when.UnixMilli() {
				r.Offset = x.Offset
				break
			}
		}
	}
	return map[kafka.TopicPartition]kafka.OffsetResult{tps[0]: r}, nil
}

func (s simSide) FetchOne(_ context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log()
	switch {
	case s.fails[s.side]:
		return kafka.Fetched{}, errAway
	case offset < l.start || offset > l.end:
		return kafka.Fetched{}, fmt.Errorf("offset %d of %d to %d: %w", offset, l.start, l.end, kafka.ErrOffsetOutOfRange)
	}
	f := kafka.Fetched{TopicPartition: tp, HighWatermark: l.end, LastStable: l.end, LogStart: l.start, Next: offset}
	bytes := 0
	for i := 0; i < len(l.records); {
		j := i
		for j < len(l.records) && l.records[j].batch == l.records[i].batch {
			j++
		}
		all := l.records[i:j]
		i = j
		last := l.end - 1
		if j < len(l.records) {
			last = l.records[j].Offset - 1
		}
		if last < offset {
			continue
		}
		if bytes > 0 && bytes >= int(maxBytes) {
			break
		}
		b := kafka.Batch{BaseOffset: all[0].Offset, LastOffset: last, ProducerID: int64(all[0].batch), Transactional: all[0].txn, Control: all[0].control, LogAppendTime: l.stamped}
		for _, r := range all {
			if r.Offset >= offset {
				b.Records = append(b.Records, r.Record)
				bytes += 70 + len(r.Key) + len(r.Value)
			}
		}
		bytes += 61
		f.Batches = append(f.Batches, b)
		f.Next = last + 1
	}
	if len(f.Batches) == 0 {
		f.Next = l.end
	}
	return f, nil
}

func (s simSide) FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error) {
	return s.FetchOne(ctx, tp, offset, maxBytes)
}
