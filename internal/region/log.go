package region

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetsLog appends to `__consumer_offsets`.
type offsetsLog struct {
	r     *Region
	wires []*wire // by broker

	mu        sync.Mutex
	sequences map[sequenceKey]sequence
	failed    []error
}

// entry is a record to be; a nil value is a tombstone.
type entry struct{ key, value []byte }

// transaction is whose transactional commit an entry is; nil for plain ones.
type transaction struct {
	id    string
	pid   int64
	epoch int16
}

type sequenceKey struct {
	pid       int64
	partition int32
}

type sequence struct {
	epoch int16
	next  int32
}

func newOffsetsLog(r *Region) *offsetsLog {
	l := &offsetsLog{r: r, sequences: make(map[sequenceKey]sequence)}
	for range r.gates {
		l.wires = append(l.wires, newWire())
	}
	return l
}

func (l *offsetsLog) close() {
	for _, w := range l.wires {
		w.close()
	}
}

func (l *offsetsLog) failures() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.failed)
}

func (l *offsetsLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, err)
}

// append writes one batch to the group's partition, as the coordinator does.
func (l *offsetsLog) append(group string, entries []entry) { l.appendIn(nil, group, entries) }

// appendIn writes it as a part of a client's own transaction: kfake then writes the marker, and aborts it when it times
// out, as for any partition of the transaction.
func (l *offsetsLog) appendIn(tx *transaction, group string, entries []entry) {
	if len(entries) == 0 {
		return
	}
	partition := PartitionFor(group, l.r.o.OffsetsPartitions)
	var err error
	if tx != nil {
		err = l.enlist(tx, partition)
	}
	if err == nil {
		err = l.produce(tx, partition, entries)
	}
	if err != nil {
		l.fail(fmt.Errorf("append to %s/%d for group %s: %w", offsetsTopic, partition, group, err))
	}
}

// PartitionFor is the partition of `__consumer_offsets` that holds a group: Kafka's Utils.abs(hashCode) % n, over UTF-16.
func PartitionFor(group string, partitions int32) int32 {
	var h int32
	for _, c := range utf16.Encode([]rune(group)) {
		h = 31*h + int32(c)
	}
	if h == -1<<31 {
		return 0
	}
	return max(h, -h) % partitions
}

func (l *offsetsLog) produce(tx *transaction, partition int32, entries []entry) error {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 7, -1, 5000
	producer, epoch, first := int64(-1), int16(-1), int32(-1)
	if tx != nil {
		req.TransactionID = &tx.id
		producer, epoch, first = tx.pid, tx.epoch, l.sequence(tx, partition, int32(len(entries)))
	}
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = offsetsTopic
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = partition, batch(entries, producer, epoch, first)
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return l.retry(func() error {
		resp, err := l.ask(l.r.cluster.LeaderFor(offsetsTopic, partition), req)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
	})
}

// enlist adds the partition to the transaction, for clients and brokers that do not do it implicitly.
func (l *offsetsLog) enlist(tx *transaction, partition int32) error {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = 1, tx.id, tx.pid, tx.epoch
	rt := kmsg.NewAddPartitionsToTxnRequestTopic()
	rt.Topic, rt.Partitions = offsetsTopic, []int32{partition}
	req.Topics = append(req.Topics, rt)
	return l.retry(func() error {
		resp, err := l.ask(l.r.cluster.CoordinatorFor(tx.id), req)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.(*kmsg.AddPartitionsToTxnResponse).Topics[0].Partitions[0].ErrorCode)
	})
}

func (l *offsetsLog) ask(broker int32, req kmsg.Request) (kmsg.Response, error) {
	if broker < 0 || int(broker) >= len(l.wires) {
		return nil, kerr.LeaderNotAvailable
	}
	return l.wires[broker].ask(l.r, broker, req)
}

// retry goes on for a while after what a broker says in passing, or what a test injected.
func (l *offsetsLog) retry(try func() error) error {
	for end := time.Now().Add(5 * time.Second); ; {
		err := try()
		var ke *kerr.Error
		if err == nil || !errors.As(err, &ke) || !ke.Retriable || time.Now().After(end) {
			return err
		}
		select {
		case <-l.r.closing:
			return err
		case <-time.After(time.Millisecond):
		}
	}
}

// sequence counts a producer's records in one of our partitions, from 0 for each epoch: no client produces there.
func (l *offsetsLog) sequence(tx *transaction, partition, n int32) int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := sequenceKey{tx.pid, partition}
	s := l.sequences[k]
	if s.epoch != tx.epoch {
		s = sequence{epoch: tx.epoch}
	}
	first := s.next
	s.next += n
	l.sequences[k] = s
	return first
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func batch(entries []entry, producer int64, epoch int16, first int32) []byte {
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1,
		Magic:                2,
		LastOffsetDelta:      int32(len(entries) - 1),
		FirstTimestamp:       now,
		MaxTimestamp:         now,
		ProducerID:           producer,
		ProducerEpoch:        epoch,
		FirstSequence:        first,
		NumRecords:           int32(len(entries)),
	}
	if producer >= 0 {
		b.Attributes = 1 << 4 // transactional
	}
	for i, e := range entries {
		r := kmsg.Record{OffsetDelta: int32(i), Key: e.key, Value: e.value}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of 0 takes one byte
		b.Records = r.AppendTo(b.Records)
	}
	raw := b.AppendTo(nil)
	b.Length = int32(len(raw) - 12)
	b.CRC = int32(crc32.Checksum(raw[21:], castagnoli))
	return b.AppendTo(raw[:0])
}
