package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rawBatch encodes a batch with bounds of its own choice; offsets are those of the records it has.
func rawBatch(base, last int64, attributes int16, offsets ...int64) []byte {
	b := kmsg.RecordBatch{FirstOffset: base, PartitionLeaderEpoch: 7, Magic: 2, Attributes: attributes, LastOffsetDelta: int32(last - base),
		FirstTimestamp: 1000, MaxTimestamp: 1000 + last - base, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(offsets))}
	for _, o := range offsets {
		r := kmsg.Record{TimestampDelta64: o - base, OffsetDelta: int32(o - base), Key: []byte("k"), Value: []byte("v")}
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		b.Records = append(b.Records, r.AppendTo(nil)...)
	}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// script answers fetches of t/0 by offset, and empty ones (with the high watermark) after a short wait otherwise.
type script struct {
	mu   sync.Mutex
	high int64
	at   map[int64][]byte
	seen []int64
}

func (s *script) play(k *kfake.Cluster) {
	k.ControlKey(int16(kmsg.Fetch), func(q kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		req := q.(*kmsg.FetchRequest)
		res := req.ResponseKind().(*kmsg.FetchResponse)
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, t := range req.Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewFetchResponseTopicPartition()
				rp.Partition, rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = p.Partition, s.high, s.high, 0
				rp.RecordBatches = s.at[p.FetchOffset]
				s.seen = append(s.seen, p.FetchOffset)
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
}

func (s *script) asked() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func TestSaramaKeepsNextOffset(t *testing.T) {
	field, ok := reflect.TypeFor[sarama.FetchResponseBlock]().FieldByName("recordsNextOffset")
	if !ok || field.Type != reflect.TypeFor[*int64]() {
		t.Fatal("sarama no longer keeps recordsNextOffset *int64: empty batches can't be stepped over. See pastEmptyBatches")
	}
}

// A response that consists of empty batches moves the position; one without bytes does not, whatever the high watermark says.
func TestFetcherStepsOverEmptyBatches(t *testing.T) {
	k := fake(t, 1)
	tp := TopicPartition{"t", 0}
	s := &script{high: 2010, at: map[int64][]byte{
		0:    append(rawBatch(0, 4, 0, 0, 1, 2, 3, 4), rawBatch(5, 9, 0)...), // [full][empty]
		5:    rawBatch(5, 1999, 0),                                           // [empty]
		2000: append(rawBatch(2000, 2003, 0), rawBatch(2004, 2009, 0, 2006)...),
	}}
	s.play(k)
	f := open(t, k.ListenAddrs()).NewFetcher(FetchOptions{})
	defer f.Close()
	f.Assign(tp, 0)
	var offsets []int64
	next := int64(0)
	for next < 2010 {
		got, err := f.Poll(within(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range got {
			next = g.Next
			for _, b := range g.Batches {
				if b.LeaderEpoch != 7 {
					t.Errorf("leader epoch %d", b.LeaderEpoch)
				}
				for _, r := range b.Records {
					offsets = append(offsets, r.Offset)
				}
			}
		}
	}
	if want := []int64{0, 1, 2, 3, 4, 2006}; !reflect.DeepEqual(offsets, want) || next != 2010 {
		t.Fatalf("offsets %v, next %d", offsets, next)
	}
}

func TestFetcherStaysPutWithoutBytes(t *testing.T) {
	k := fake(t, 1)
	s := &script{high: 50}
	s.play(k)
	f := open(t, k.ListenAddrs()).NewFetcher(FetchOptions{})
	defer f.Close()
	f.Assign(TopicPartition{"t", 0}, 5)
	eventually(t, "fetches", func() error {
		if len(s.asked()) < 20 {
			return errLeftOut
		}
		return nil
	})
	for _, offset := range s.asked() {
		if offset != 5 {
			t.Fatalf("fetched at %d", offset)
		}
	}
}

// What a batch holds below the position is cut off, and batches below it altogether are dropped.
func TestFetcherCutsBelowThePosition(t *testing.T) {
	b := &sarama.FetchResponseBlock{HighWaterMarkOffset: 10, RecordsSet: []*sarama.Records{
		{RecordBatch: &sarama.RecordBatch{FirstOffset: 0, LastOffsetDelta: 2, Records: saramaRecords(3)}},
		{RecordBatch: &sarama.RecordBatch{FirstOffset: 3, LastOffsetDelta: 4, Records: saramaRecords(5)}},
	}}
	f := decodeBlock(TopicPartition{"t", 0}, b, 5)
	if len(f.Batches) != 1 || f.Batches[0].BaseOffset != 3 || f.Batches[0].Records[0].Offset != 5 || f.Records() != 3 || f.Next != 8 {
		t.Fatalf("%+v", f)
	}
}

// An empty batch before one that did not fit: go to the one that did not fit.
func TestPartialBatchBehindAnEmptyOne(t *testing.T) {
	b := &sarama.FetchResponseBlock{HighWaterMarkOffset: 100, RecordsSet: []*sarama.Records{
		{RecordBatch: &sarama.RecordBatch{FirstOffset: 40, PartialTrailingRecord: true}},
	}}
	f := decodeBlock(TopicPartition{"t", 0}, b, 5)
	if f.Next != 40 || !f.partial || len(f.Batches) != 0 {
		t.Fatalf("%+v", f)
	}
}

func TestMessageSetsOfOldBrokers(t *testing.T) {
	at := func(offset int64, version int8) *sarama.MessageBlock {
		return &sarama.MessageBlock{Offset: offset, Msg: &sarama.Message{Version: version, Key: []byte("k"), Timestamp: time.UnixMilli(offset)}}
	}
	wrapped := at(12, 1)
	wrapped.Msg.Set = &sarama.MessageSet{Messages: []*sarama.MessageBlock{at(0, 1), at(1, 1), at(2, 1)}}
	b := &sarama.FetchResponseBlock{HighWaterMarkOffset: 13, RecordsSet: []*sarama.Records{
		{MsgSet: &sarama.MessageSet{Messages: []*sarama.MessageBlock{at(8, 0), at(9, 1), wrapped}}},
	}}
	f := decodeBlock(TopicPartition{"t", 0}, b, 9)
	var offsets []int64
	for _, b := range f.Batches {
		for _, r := range b.Records {
			offsets = append(offsets, r.Offset)
		}
	}
	if want := []int64{9, 10, 11, 12}; !reflect.DeepEqual(offsets, want) || f.Next != 13 {
		t.Fatalf("%v, next %d", offsets, f.Next)
	}
}

// A batch with a broken checksum fails its own partition, and no other.
func TestFetcherIsolatesCorruptPartitions(t *testing.T) {
	k := fake(t, 3)
	bad := rawBatch(0, 0, 0, 0)
	bad[len(bad)-1] ^= 0xff
	k.ControlKey(int16(kmsg.Fetch), func(q kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		req := q.(*kmsg.FetchRequest)
		res := req.ResponseKind().(*kmsg.FetchResponse)
		for _, t := range req.Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewFetchResponseTopicPartition()
				rp.Partition, rp.HighWatermark = p.Partition, 1
				if p.FetchOffset == 0 {
					rp.RecordBatches = rawBatch(0, 0, 0, 0)
					if p.Partition == 1 {
						rp.RecordBatches = bad
					}
				}
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
	for _, tp := range tps("t", 3) {
		if err := k.MoveTopicPartition(tp.Topic, tp.Partition, 0); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, k.ListenAddrs()).NewFetcher(FetchOptions{})
	defer f.Close()
	for _, tp := range tps("t", 3) {
		f.Assign(tp, 0)
	}
	got := map[int32]Fetched{}
	for len(got) < 3 {
		some, err := f.Poll(within(t))
		if err != nil {
			t.Fatal(err, got)
		}
		for _, s := range some {
			if s.Err != nil || s.Records() > 0 {
				got[s.Partition] = s
			}
		}
	}
	for n, s := range got {
		if (s.Err != nil) != (n == 1) {
			t.Errorf("partition %d: %v", n, s.Err)
		}
	}
}

func saramaRecords(n int) []*sarama.Record {
	out := make([]*sarama.Record, n)
	for i := range out {
		out[i] = &sarama.Record{OffsetDelta: int64(i)}
	}
	return out
}
