package kafka

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// decodeBlock reads what a fetch at position brought of one partition.
func decodeBlock(tp TopicPartition, b *sarama.FetchResponseBlock, position int64) Fetched {
	f := Fetched{TopicPartition: tp, HighWatermark: b.HighWaterMarkOffset, LastStable: b.LastStableOffset, LogStart: b.LogStartOffset, Next: position, partial: b.Partial}
	for _, t := range b.AbortedTransactions {
		f.Aborted = append(f.Aborted, AbortedTxn{ProducerID: t.ProducerID, FirstOffset: t.FirstOffset})
	}
	slices.SortFunc(f.Aborted, func(a, b AbortedTxn) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	slab := make([]Record, 0, countRecords(b))
	if len(b.RecordsSet) > 0 {
		f.Batches = make([]Batch, 0, len(b.RecordsSet))
	}
	f.bytes = sizeOfFetched
	for _, set := range b.RecordsSet {
		switch {
		case set.RecordBatch != nil && set.RecordBatch.PartialTrailingRecord:
			f.partial = true
			f.Next = max(f.Next, set.RecordBatch.FirstOffset) // only empty batches before it
		case set.RecordBatch != nil:
			slab = f.addBatch(set.RecordBatch, position, slab)
		case set.MsgSet != nil:
			slab = f.addMessages(set.MsgSet, position, slab)
		}
	}
	if len(b.RecordsSet) == 0 {
		f.Next = max(f.Next, pastEmptyBatches(b))
	}
	return f
}

// What records, batches and answers take in memory beside their bytes, roughly.
const (
	sizeOfRecord  = 72
	sizeOfBatch   = 128
	sizeOfFetched = 256
)

func countRecords(b *sarama.FetchResponseBlock) int {
	n := 0
	for _, set := range b.RecordsSet {
		if set.RecordBatch != nil {
			n += len(set.RecordBatch.Records)
		}
	}
	return n
}

// pastEmptyBatches returns the offset after the empty batches that a response consisted of, 0 where it had none. sarama drops such
// batches (the log cleaner leaves them behind) and keeps the offset to itself, and without it they look like a response with no
// bytes, which brokers send whenever MaxBytes was used up by other partitions: stepping on by one would lose records.
// TestSaramaKeepsNextOffset holds the field's name.
func pastEmptyBatches(b *sarama.FetchResponseBlock) int64 {
	next := reflect.ValueOf(b).Elem().FieldByName("recordsNextOffset")
	if next.Kind() != reflect.Pointer || next.IsNil() || next.Elem().Kind() != reflect.Int64 {
		return 0
	}
	return next.Elem().Int()
}

func (f *Fetched) addBatch(b *sarama.RecordBatch, position int64, slab []Record) []Record {
	last := b.LastOffset()
	if last < position {
		return slab
	}
	from := len(slab)
	for _, r := range b.Records {
		if offset := b.FirstOffset + r.OffsetDelta; offset >= position {
			slab = append(slab, Record{Offset: offset, Timestamp: recordTime(b, r), Key: r.Key, Value: r.Value, Headers: headers(r.Headers)})
			f.bytes += sizeOfRecord + slab[len(slab)-1].Size()
		}
	}
	f.bytes += sizeOfBatch
	f.Batches = append(f.Batches, Batch{
		BaseOffset: b.FirstOffset, LastOffset: last, LeaderEpoch: b.PartitionLeaderEpoch,
		ProducerID: b.ProducerID, ProducerEpoch: b.ProducerEpoch, FirstSequence: b.FirstSequence,
		Transactional: b.IsTransactional, Control: b.Control, LogAppendTime: b.LogAppendTime, Codec: Codec(b.Codec),
		MaxTimestamp: millis(b.MaxTimestamp), Records: slab[from:len(slab):len(slab)],
	})
	f.Next = last + 1
	return slab
}

func recordTime(b *sarama.RecordBatch, r *sarama.Record) int64 {
	if b.LogAppendTime {
		return millis(b.MaxTimestamp)
	}
	return millis(b.FirstTimestamp) + r.TimestampDelta.Milliseconds()
}

// millis undoes sarama's conversion: -1 comes as the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}

func headers(in []*sarama.RecordHeader) []Header {
	if len(in) == 0 {
		return nil
	}
	out := make([]Header, len(in))
	for i, h := range in {
		out[i] = Header{Key: h.Key, Value: h.Value}
	}
	return out
}

// addMessages reads a message set from before Kafka 0.11. Offsets inside a compressed one count back from its end.
func (f *Fetched) addMessages(set *sarama.MessageSet, position int64, slab []Record) []Record {
	for _, block := range set.Messages {
		inner := block.Messages()
		if len(inner) == 0 || block.Offset < position {
			continue
		}
		var base int64
		if block.Msg.Set != nil && inner[0].Msg.Version >= 1 {
			base = block.Offset - inner[len(inner)-1].Offset
		}
		b := Batch{BaseOffset: inner[0].Offset + base, LastOffset: block.Offset, LeaderEpoch: -1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
			LogAppendTime: block.Msg.LogAppendTime, Codec: Codec(block.Msg.Codec), MaxTimestamp: millis(block.Msg.Timestamp)}
		for _, m := range inner {
			at := m.Msg.Timestamp
			if block.Msg.LogAppendTime {
				at = block.Msg.Timestamp
			}
			if offset := m.Offset + base; offset >= position {
				b.Records = append(b.Records, Record{Offset: offset, Timestamp: millis(at), Key: m.Msg.Key, Value: m.Msg.Value})
				f.bytes += sizeOfRecord + len(m.Msg.Key) + len(m.Msg.Value)
			}
		}
		f.Batches = append(f.Batches, b)
		f.Next = block.Offset + 1
	}
	return slab
}
