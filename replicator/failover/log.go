package failover

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// KafkaLog is the state topic on a cluster. It makes the topic when something is first written.
type KafkaLog struct {
	Cluster *kafka.Cluster

	mu   sync.Mutex
	made bool

	reading sync.Mutex
	id      [16]byte // of the topic that was read
	next    int64    // where reading goes on
	values  []kept   // all that was read: it is never deleted, and read again every few seconds
}

type kept struct {
	offset int64
	value  []byte
}

var statePartition = kafka.TopicPartition{Topic: Topic}

// maxBytes of one state, which lists all groups and partitions; compressed it is a tenth. Hosted clusters allow no more.
const maxBytes = 8 << 20

// The log is never deleted nor compacted: it is the audit, and its order decides.
func spec(replicas int16) kafka.TopicSpec {
	return kafka.TopicSpec{Name: Topic, Partitions: 1, Replication: replicas, Configs: map[string]string{
		"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": strconv.Itoa(maxBytes),
	}}
}

// make creates the topic where it is missing: three replicas, or as many as there are brokers.
func (l *KafkaLog) make(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made {
		return nil
	}
	topics, err := l.Cluster.Topics(ctx, []string{Topic})
	if err != nil {
		return err
	}
	if info, there := topics[Topic]; there {
		l.made = info.Err == nil
		return info.Err
	}
	brokers, err := l.Cluster.Brokers(ctx)
	if err != nil {
		return err
	}
	err = l.Cluster.CreateTopic(ctx, spec(int16(min(3, max(1, len(brokers))))))
	l.made = err == nil || errors.Is(err, kafka.ErrTopicExists)
	if l.made {
		return nil
	}
	return err
}

// Append implements Log.
func (l *KafkaLog) Append(ctx context.Context, values [][]byte) error {
	if err := l.make(ctx); err != nil {
		return err
	}
	id, err := l.Cluster.InitProducer(ctx)
	if err != nil {
		return err
	}
	p := l.Cluster.NewProducer(kafka.ProducerOptions{MaxRequestBytes: maxBytes})
	defer p.Close()
	sequence := int32(0)
	for _, batch := range batches(values) {
		if err := send(ctx, p, statePartition, kafka.ProduceBatch{ProducerID: id, FirstSequence: sequence, Codec: kafka.GZIP, Records: batch}); err != nil {
			return err
		}
		sequence += int32(len(batch))
	}
	return nil
}

const batchBytes = 1 << 20

// batches makes records of values, about a megabyte together.
func batches(values [][]byte) (all [][]kafka.Record) {
	var open []kafka.Record
	size := 0
	for _, v := range values {
		if size > 0 && size+len(v) > batchBytes {
			all, open, size = append(all, open), nil, 0
		}
		open = append(open, kafka.Record{Timestamp: stamp(), Value: v})
		size += len(v)
	}
	if len(open) > 0 {
		all = append(all, open)
	}
	return all
}

// send tries a batch again while it may have been written or not: the broker knows it by its sequence.
func send(ctx context.Context, p *kafka.Producer, tp kafka.TopicPartition, b kafka.ProduceBatch) error {
	for {
		done := make(chan kafka.ProduceResult, 1)
		p.Produce(tp, b, func(r kafka.ProduceResult) { done <- r })
		select {
		case r := <-done:
			if r.Err == nil || !kafka.Classify(r.Err).Temporary() {
				return r.Err
			}
			if err := pause(ctx); err != nil {
				return errors.Join(err, r.Err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Read implements Log. What was read before is not fetched again, as long as it is the same topic.
func (l *KafkaLog) Read(ctx context.Context, yield func(offset int64, value []byte)) error {
	l.reading.Lock()
	defer l.reading.Unlock()
	if err := l.goOn(ctx); err != nil {
		return err
	}
	for _, k := range l.values {
		yield(k.offset, k.value)
	}
	return nil
}

// goOn reads what is new.
func (l *KafkaLog) goOn(ctx context.Context) error {
	topics, err := l.Cluster.Topics(ctx, []string{Topic})
	if err != nil {
		return err
	}
	info, there := topics[Topic]
	if !there {
		l.id, l.next, l.values = [16]byte{}, 0, nil
		l.mu.Lock()
		l.made = false // a person deleted it: who writes next makes it again
		l.mu.Unlock()
		return nil
	}
	if info.Err != nil {
		return info.Err
	}
	end, err := l.bound(ctx, kafka.Stable)
	if err != nil {
		return err
	}
	if l.id != info.ID || end < l.next {
		// Another topic than the one that was read. It is never deleted by itself, but a person may have.
		start, err := l.bound(ctx, kafka.Earliest)
		if err != nil {
			return err
		}
		l.id, l.next, l.values = info.ID, start, nil
	}
	for l.next < end {
		if err := l.fetch(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

func (l *KafkaLog) bound(ctx context.Context, at kafka.When) (int64, error) {
	got, err := l.Cluster.ListOffsets(ctx, at, []kafka.TopicPartition{statePartition})
	if err == nil {
		err = got[statePartition].Err
	}
	return got[statePartition].Offset, err
}

func (l *KafkaLog) fetch(ctx context.Context, end int64) error {
	got, err := l.Cluster.FetchOne(ctx, statePartition, l.next, 1<<20)
	if err != nil {
		return err
	}
	was := l.next
	for i := range got.Batches {
		b := &got.Batches[i]
		for j := range b.Records {
			if r := &b.Records[j]; r.Offset >= was && r.Offset < end && !b.Control {
				l.values = append(l.values, kept{r.Offset, r.Value})
			}
		}
		l.next = max(l.next, b.LastOffset+1)
	}
	l.next = min(end, max(l.next, got.Next))
	if l.next == was {
		return fmt.Errorf("nothing at offset %d, and the log ends at %d", was, end)
	}
	return nil
}
