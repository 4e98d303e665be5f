package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// ProducerID is what InitProducer hands out.
type ProducerID struct {
	ID    int64
	Epoch int16
}

// ProduceBatch is one batch to write, built from records of any number of fetched batches.
//
// Offsets are renumbered 0, 1, 2, …: holes are refused by brokers. Timestamps are written as create times.
// The transactional and control flags are never set.
type ProduceBatch struct {
	ProducerID
	FirstSequence int32
	Codec         Codec
	Records       []Record
}

// ProduceResult answers one Produce.
type ProduceResult struct {
	// BaseOffset is the offset of the first record. A batch that the broker has already (same producer, epoch and sequences,
	// among its newest five) is answered without an error and with its original offset.
	BaseOffset int64
	// LogAppendTime in ms, -1 when the topic keeps create times.
	LogAppendTime int64
	// LogStart of the partition.
	LogStart int64
	// Err is nil when the batch is written on all in-sync replicas. A temporary Class (Retry, Refind, Unreachable): it may be
	// written or not; send the same batch again. Sequence: the broker expects another sequence, epoch or producer.
	Err error
}

var errNoRecords = errors.New("a batch needs records")

// encodable is the last millisecond that sarama can write: it counts in nanoseconds.
var encodable = time.Unix(0, 1<<63-1).UnixMilli()

// size is roughly what the batch takes on the wire.
func (b *ProduceBatch) size() int {
	n := 70
	for i := range b.Records {
		n += b.Records[i].Size()
	}
	return n
}

// build makes what sarama sends: offsets without holes from 0, no transactional flag, a compression level (a decoded batch has level 0, which
// gzip takes for "store").
func (b *ProduceBatch) build() (*sarama.RecordBatch, error) {
	if len(b.Records) == 0 {
		return nil, errNoRecords
	}
	base, last := b.Records[0].Timestamp, b.Records[0].Timestamp
	slab := make([]sarama.Record, len(b.Records))
	records := make([]*sarama.Record, len(b.Records))
	for i := range b.Records {
		r := &b.Records[i]
		if r.Timestamp > encodable {
			return nil, fmt.Errorf("record %d: timestamp %d ms is after the year 2262", r.Offset, r.Timestamp)
		}
		last = max(last, r.Timestamp)
		slab[i] = sarama.Record{Key: r.Key, Value: r.Value, OffsetDelta: int64(i), Headers: saramaHeaders(r.Headers),
			TimestampDelta: time.Duration(max(r.Timestamp, -1)-max(base, -1)) * time.Millisecond}
		records[i] = &slab[i]
	}
	return &sarama.RecordBatch{
		Version: 2, PartitionLeaderEpoch: -1, Codec: sarama.CompressionCodec(b.Codec), CompressionLevel: sarama.CompressionLevelDefault,
		ProducerID: b.ID, ProducerEpoch: b.Epoch, FirstSequence: b.FirstSequence, LastOffsetDelta: int32(len(records) - 1),
		FirstTimestamp: saramaTime(base), MaxTimestamp: saramaTime(last), Records: records,
	}, nil
}

// saramaTime undoes millis: sarama writes the zero time as -1.
func saramaTime(ms int64) time.Time {
	if ms < 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func saramaHeaders(in []Header) []*sarama.RecordHeader {
	if len(in) == 0 {
		return nil
	}
	slab := make([]sarama.RecordHeader, len(in))
	out := make([]*sarama.RecordHeader, len(in))
	for i, h := range in {
		slab[i] = sarama.RecordHeader{Key: h.Key, Value: h.Value}
		out[i] = &slab[i]
	}
	return out
}
