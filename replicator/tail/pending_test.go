package tail

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/offsetlog"
)

// broker is what Kafka's OffsetMetadataManager does with the records of one offsets partition, word for word: replay() and
// replayEndTransactionMarker().
type broker struct {
	offsets map[replicator.Key]held
	pending map[int64]map[replicator.Key]held
}

type held struct{ recordOffset, offset int64 }

func newBroker() *broker {
	return &broker{offsets: map[replicator.Key]held{}, pending: map[int64]map[replicator.Key]held{}}
}

func (b *broker) replay(recordOffset, producer int64, k replicator.Key, offset int64, tombstone bool) {
	switch {
	case tombstone:
		delete(b.offsets, k)
		for _, p := range b.pending {
			delete(p, k)
		}
	case producer < 0:
		b.offsets[k] = held{recordOffset, offset}
	default:
		if b.pending[producer] == nil {
			b.pending[producer] = map[replicator.Key]held{}
		}
		b.pending[producer][k] = held{recordOffset, offset}
	}
}

func (b *broker) end(producer int64, commit bool) {
	p := b.pending[producer]
	delete(b.pending, producer)
	if !commit {
		return
	}
	for k, v := range p {
		if existing, ok := b.offsets[k]; !ok || existing.recordOffset < v.recordOffset {
			b.offsets[k] = v
		}
	}
}

// ledger is what the loop does with changes: the newest Order of each key wins.
type ledger map[replicator.Key]replicator.Change

func (l ledger) apply(c replicator.Change) {
	if was, ok := l[c.Commit.Key]; ok && !was.Commit.Order.Less(c.Commit.Order) {
		return
	}
	l[c.Commit.Key] = c
}

func (l ledger) offsets() map[replicator.Key]int64 {
	m := map[replicator.Key]int64{}
	for k, c := range l {
		if c.Kind == replicator.Committed {
			m[k] = c.Commit.Offset
		}
	}
	return m
}

func (b *broker) values() map[replicator.Key]int64 {
	m := map[replicator.Key]int64{}
	for k, v := range b.offsets {
		m[k] = v.offset
	}
	return m
}

func commitRecord(offset int64, k replicator.Key, v int64) kafka.Record {
	return kafka.Record{Offset: offset, Key: offsetlog.AppendKey(nil, offsetlog.CommitKey(k.Group, k.Topic, k.Partition)),
		Value: offsetlog.AppendCommit(nil, offsetlog.CommitValue{Version: 3, Offset: v, LeaderEpoch: -1})}
}

func tombstone(offset int64, k replicator.Key) kafka.Record {
	r := commitRecord(offset, k, 0)
	r.Value = nil
	return r
}

// The ledger fed by the tail holds after every batch what the broker holds, whatever the interleaving of plain commits,
// transactions of several producers across epochs, tombstones and markers, also those of transactions never seen.
func TestTransactionsAsTheBroker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model, seen, open := newBroker(), ledger{}, pending{}
		d := decoder{names: newNames(nil), emit: seen.apply}
		var offset int64
		epoch, producerEpoch := int32(0), int16(0)
		keys := rapid.Custom(func(t *rapid.T) replicator.Key {
			return replicator.Key{Group: "g", Topic: "t", Partition: int32(rapid.IntRange(0, 2).Draw(t, "p"))}
		})
		for range rapid.IntRange(1, 60).Draw(t, "batches") {
			b := kafka.Batch{BaseOffset: offset, LeaderEpoch: epoch, ProducerID: -1, ProducerEpoch: producerEpoch}
			switch op := rapid.SampledFrom([]string{"plain", "plain", "txn", "txn", "txn", "commit", "commit", "abort", "delete", "epoch", "hole"}).Draw(t, "op"); op {
			case "plain", "delete", "txn":
				if op == "txn" || op == "plain" && rapid.Bool().Draw(t, "idempotent") {
					b.ProducerID = int64(rapid.IntRange(0, 2).Draw(t, "producer"))
				}
				b.Transactional = op == "txn"
				for range rapid.IntRange(1, 3).Draw(t, "records") {
					k := keys.Draw(t, "key")
					if op == "delete" {
						b.Records = append(b.Records, tombstone(offset, k))
						model.replay(offset, -1, k, 0, true)
					} else {
						v := int64(rapid.IntRange(0, 9).Draw(t, "v"))
						b.Records = append(b.Records, commitRecord(offset, k, v))
						producer := int64(-1)
						if b.Transactional {
							producer = b.ProducerID
						}
						model.replay(offset, producer, k, v, false)
					}
					offset++
				}
			case "commit", "abort":
				b.ProducerID, b.Control, b.Transactional = int64(rapid.IntRange(0, 2).Draw(t, "producer")), true, true
				b.Records = []kafka.Record{{Offset: offset, Key: offsetlog.AppendMarker(nil, op == "commit"), Value: []byte{0, 0, 0, 0, 0, 0}}}
				model.end(b.ProducerID, op == "commit")
				offset++
			case "epoch":
				epoch++
				producerEpoch++
			case "hole":
				offset += 7
			}
			d.batch(&b, open)
			if got, want := seen.offsets(), model.values(); !maps.Equal(got, want) {
				t.Fatalf("after offset %d: the ledger holds %v, the broker %v", offset, got, want)
			}
		}
		if d.counts.Malformed+d.counts.Unreadable+d.counts.UnknownTypes != 0 {
			t.Fatalf("counts %+v", d.counts)
		}
	})
}

func TestTransactionalCommitKeepsItsOwnOrder(t *testing.T) {
	k := replicator.Key{Group: "g", Topic: "t"}
	var got []replicator.Change
	d := decoder{names: newNames(nil), emit: func(c replicator.Change) { got = append(got, c) }}
	open := pending{}
	d.batch(&kafka.Batch{LeaderEpoch: 3, ProducerID: 9, Transactional: true, Records: []kafka.Record{commitRecord(10, k, 5)}}, open)
	d.batch(&kafka.Batch{LeaderEpoch: 3, ProducerID: -1, Records: []kafka.Record{commitRecord(11, k, 7)}}, open)
	d.batch(&kafka.Batch{LeaderEpoch: 4, ProducerID: 9, ProducerEpoch: 1, Transactional: true, Control: true, Records: []kafka.Record{{Offset: 12, Key: offsetlog.AppendMarker(nil, true)}}}, open)
	if len(got) != 2 || len(open) != 0 {
		t.Fatalf("%d changes, %d open", len(got), len(open))
	}
	if c := got[1].Commit; !c.Transactional || c.Order != (replicator.Order{Epoch: 3, Offset: 10}) || c.Offset != 5 {
		t.Errorf("the transaction's commit is %+v", c)
	}
	if fmt.Sprint(got[0].Commit.Order) != "{3 11}" {
		t.Errorf("the plain commit is %+v", got[0].Commit)
	}
}
