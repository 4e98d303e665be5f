package mirror

import (
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// What the filter lets through is what a read-committed consumer sees, whatever the fetch boundaries: transactions of
// several producers interleave, and a fetch may begin and end inside one.
func TestReadable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type open struct {
			first   int64
			batches []int64
		}
		var batches []kafka.Batch
		visible := map[int64]bool{}
		var aborted []kafka.AbortedTxn
		spans := map[kafka.AbortedTxn]int64{} // → offset of its marker
		opened := map[int64]*open{}
		offset := int64(0)
		for range rapid.IntRange(1, 40).Draw(t, "batches") {
			pid := rapid.Int64Range(1, 3).Draw(t, "producer")
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				batches = append(batches, kafka.Batch{BaseOffset: offset, LastOffset: offset, ProducerID: pid, Records: []kafka.Record{{Offset: offset}}})
				visible[offset] = true
			case 1, 2:
				if opened[pid] == nil {
					opened[pid] = &open{first: offset}
				}
				opened[pid].batches = append(opened[pid].batches, offset)
				batches = append(batches, kafka.Batch{BaseOffset: offset, LastOffset: offset, ProducerID: pid, Transactional: true, Records: []kafka.Record{{Offset: offset}}})
			default:
				commit := rapid.Bool().Draw(t, "commit")
				key := []byte{0, 0, 0, 0}
				if commit {
					key[3] = 1
				}
				batches = append(batches, kafka.Batch{BaseOffset: offset, LastOffset: offset, ProducerID: pid, Transactional: true, Control: true,
					Records: []kafka.Record{{Offset: offset, Key: key}}})
				if tx := opened[pid]; tx != nil {
					if commit {
						for _, b := range tx.batches {
							visible[b] = true
						}
					} else {
						a := kafka.AbortedTxn{ProducerID: pid, FirstOffset: tx.first}
						aborted = append(aborted, a)
						spans[a] = offset
					}
					delete(opened, pid)
				}
			}
			offset++
		}
		stable := offset
		for _, tx := range opened {
			stable = min(stable, tx.first)
		}
		for at := int64(0); at < stable; {
			to := min(stable, at+rapid.Int64Range(1, 8).Draw(t, "fetch"))
			f := &kafka.Fetched{Batches: batches[at:to], Next: to}
			for _, a := range aborted {
				if a.FirstOffset < to && spans[a] >= at {
					f.Aborted = append(f.Aborted, a)
				}
			}
			var got, want []int64
			f.Readable(true, func(b *kafka.Batch) { got = append(got, b.BaseOffset) })
			for o := at; o < to; o++ {
				if visible[o] {
					want = append(want, o)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("[%d, %d): got %v, want %v", at, to, got, want)
			}
			at = to
		}
	})
}

// Whatever is put in comes out once, in order, in batches within the limit; each says how far the primary is covered.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var want, got []int64
		var sent []load
		limit := rapid.IntRange(30, 300).Draw(t, "limit")
		next := int64(0)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "put") {
				b := &kafka.Batch{BaseOffset: next}
				for range rapid.IntRange(1, 8).Draw(t, "records") {
					next += rapid.Int64Range(1, 3).Draw(t, "step")
					b.Records = append(b.Records, kafka.Record{Offset: next - 1, Value: make([]byte, rapid.IntRange(0, 60).Draw(t, "size"))})
					want = append(want, next-1)
				}
				next += rapid.Int64Range(0, 2).Draw(t, "tail")
				b.LastOffset = next - 1
				q.put(b)
			} else if !q.empty() {
				sent = append(sent, q.cut(limit))
			}
		}
		for !q.empty() {
			sent = append(sent, q.cut(limit))
		}
		for i, l := range sent {
			size := 0
			for j := range l.records {
				got = append(got, l.records[j].Offset)
				size += sizeOf(&l.records[j])
			}
			if size != l.bytes || size > limit && len(l.records) > 1 {
				t.Fatalf("batch %d: %d bytes, said %d, limit %d", i, size, l.bytes, limit)
			}
			if l.through <= got[len(got)-1] || len(got) < len(want) && l.through > want[len(got)] {
				t.Fatalf("batch %d ends at %d but covers up to %d", i, got[len(got)-1], l.through)
			}
			checkRuns(t, &l)
		}
		if !slices.Equal(got, want) || q.bytes != 0 {
			t.Fatalf("got %v, want %v, %d bytes left", got, want, q.bytes)
		}
	})
}

func checkRuns(t *rapid.T, l *load) {
	i := 0
	for _, r := range l.runs(1000) {
		for k := range r.Length {
			if r.Secondary+k != 1000+int64(i) || r.Primary+k != l.records[i].Offset {
				t.Fatalf("run %+v, record %d is at %d", r, i, l.records[i].Offset)
			}
			i++
		}
	}
	if i != len(l.records) {
		t.Fatalf("runs hold %d of %d records", i, len(l.records))
	}
}

func TestCursor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cursor{known: rapid.Bool().Draw(t, "known"), leaders: [2]int32{rapid.Int32Min(-1).Draw(t, "leader"), -1}}
		for i := range rapid.IntRange(0, maxIDs).Draw(t, "ids") {
			c.ids = append(c.ids, kafka.ProducerID{ID: int64(i), Epoch: rapid.Int16Min(0).Draw(t, "epoch")})
		}
		got, err := decodeCursor(c.encode())
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("got %+v, %v, want %+v", got, err, c)
		}
	})
	c := cursor{known: true}
	if c.bump() {
		t.Error("bumped nothing")
	}
	for i := range int64(maxIDs + 1) {
		c.use(kafka.ProducerID{ID: i})
	}
	if c.known || c.owns(0) || !c.owns(maxIDs) || c.owns(-1) {
		t.Errorf("after too many ids: %+v", c)
	}
	c.use(kafka.ProducerID{ID: 3, Epoch: math.MaxInt16})
	if c.bump() || c.current().ID != 3 {
		t.Errorf("the epochs of %+v are used up", c.current())
	}
	for _, bad := range [][]byte{{2, 0, 0}, {1, 0, 1}, {1}} {
		if _, err := decodeCursor(bad); err == nil {
			t.Errorf("decoded %v", bad)
		}
	}
}

// A caller gets the result of a call that began after it asked.
func TestShared(t *testing.T) {
	var mu sync.Mutex
	begun := 0
	s := shared[int]{do: func() (int, error) {
		mu.Lock()
		defer mu.Unlock()
		begun++
		return begun, nil
	}}
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			mu.Lock()
			before := begun
			mu.Unlock()
			if got, _ := s.get(); got <= before {
				t.Errorf("got call %d, and %d had begun before", got, before)
			}
		})
	}
	wg.Wait()
}

func TestSpec(t *testing.T) {
	got := spec("orders", 3, map[string]kafka.TopicConfig{
		"cleanup.policy":         {Value: "compact", Set: true},
		"retention.ms":           {Value: "1000"},
		"segment.ms":             {Value: "9"},
		"segment.bytes":          {Value: "14", Set: true},
		"min.insync.replicas":    {Value: "2", Set: true},
		"message.timestamp.type": {Value: "LogAppendTime", Set: true},
	})
	want := map[string]string{"cleanup.policy": "compact", "retention.ms": "1000", "segment.bytes": "1048576", "message.timestamp.type": "CreateTime"}
	if got.Name != "orders" || got.Partitions != 3 || got.Replication != -1 || !reflect.DeepEqual(got.Configs, want) {
		t.Errorf("got %+v, want %v", got, want)
	}
	s := readSettings(nil, map[string]kafka.TopicConfig{"max.message.bytes": {Value: "5000"}, "cleanup.policy": {Value: "delete,compact"}, "message.timestamp.type": {Value: "LogAppendTime"}})
	if s.batch >= 5000 || !s.compacted || s.timestamp {
		t.Errorf("%+v", s)
	}
}

// The prints tell null from empty, and fields from their neighbours.
func TestFingerprint(t *testing.T) {
	records := []kafka.Record{
		{}, {Key: []byte{}}, {Value: []byte{}}, {Key: []byte("ab")}, {Key: []byte("a"), Value: []byte("b")}, {Timestamp: 1},
		{Headers: []kafka.Header{{}}}, {Headers: []kafka.Header{{Key: []byte("a")}}}, {Headers: []kafka.Header{{Value: []byte{}}}},
		{Headers: []kafka.Header{{Key: []byte("a"), Value: []byte("b")}, {}}}, {Headers: []kafka.Header{{}, {Key: []byte("a"), Value: []byte("b")}}},
	}
	seen := map[uint64]int{}
	for i := range records {
		p := fingerprint(&records[i], true)
		if j, ok := seen[p]; ok {
			t.Errorf("%+v and %+v look the same", records[i], records[j])
		}
		seen[p] = i
	}
	if fingerprint(&records[0], false) != fingerprint(&records[5], false) {
		t.Error("the timestamp counts although it is not kept")
	}
}
