package mirror

import (
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// queue holds fetched records that were not sent yet, in order.
type queue struct {
	chunks []chunk
	bytes  int
	// next is the primary's position after everything that was put in: holes at the end included.
	next int64
}

// chunk is what is left of one fetched batch.
type chunk struct {
	records []kafka.Record
	bytes   int
	codec   kafka.Codec
}

// recordOverhead is what a record costs on the wire beside its fields, at most, with a few headers.
const recordOverhead = 24

func sizeOf(r *kafka.Record) int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Key) + len(r.Headers[i].Value) + 6
	}
	return n
}

// put takes the records of a batch at or above the position reached, and moves the position past the batch.
func (q *queue) put(b *kafka.Batch) {
	records := b.Records
	for len(records) > 0 && records[0].Offset < q.next {
		records = records[1:]
	}
	if len(records) > 0 {
		c := chunk{records: records, codec: b.Codec}
		for i := range records {
			c.bytes += sizeOf(&records[i])
		}
		q.chunks = append(q.chunks, c)
		q.bytes += c.bytes
	}
	q.next = max(q.next, b.LastOffset+1)
}

func (q *queue) empty() bool { return len(q.chunks) == 0 }

// load is a batch to produce, and what it means.
type load struct {
	records []kafka.Record
	codec   kafka.Codec
	bytes   int
	through int64 // every primary offset below is in this load or an earlier one, or is a hole
}

// cut merges records from the front up to limit bytes, but at least one record. A chunk taken whole and alone is passed on
// as it is.
func (q *queue) cut(limit int) load {
	l := load{codec: q.chunks[0].codec}
	taken := 0
	for taken < len(q.chunks) && (l.bytes == 0 || l.bytes+q.chunks[taken].bytes <= limit) {
		if l.bytes == 0 && q.chunks[taken].bytes > limit {
			break
		}
		l.bytes += q.chunks[taken].bytes
		taken++
	}
	switch {
	case taken == 0:
		q.split(&l, limit)
	case taken == 1:
		l.records = q.chunks[0].records
	default:
		n := 0
		for i := range q.chunks[:taken] {
			n += len(q.chunks[i].records)
		}
		l.records = make([]kafka.Record, 0, n)
		for i := range q.chunks[:taken] {
			l.records = append(l.records, q.chunks[i].records...)
		}
	}
	q.drop(taken)
	q.bytes -= l.bytes
	l.through = q.next
	if !q.empty() {
		l.through = q.chunks[0].records[0].Offset
	}
	return l
}

// split takes the head of a chunk that is larger than the limit.
func (q *queue) split(l *load, limit int) {
	c := &q.chunks[0]
	n := 0
	for n < len(c.records) {
		size := sizeOf(&c.records[n])
		if n > 0 && l.bytes+size > limit {
			break
		}
		l.bytes += size
		n++
	}
	l.records = c.records[:n:n]
	c.records, c.bytes = c.records[n:], c.bytes-l.bytes
	if len(c.records) == 0 {
		q.drop(1)
	}
}

func (q *queue) drop(n int) {
	clear(q.chunks[:n])
	q.chunks = q.chunks[n:]
}

// runs says where the records of a load ended up, given the offset of its first copy.
func (l *load) runs(base int64) []translate.Run {
	var all []translate.Run
	for i := range l.records {
		offset := l.records[i].Offset
		if n := len(all); n > 0 && all[n-1].PrimaryEnd() == offset {
			all[n-1].Length++
			continue
		}
		all = append(all, translate.Run{Primary: offset, Secondary: base + int64(i), Length: 1, Closed: true})
	}
	return all
}
