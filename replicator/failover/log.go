package failover

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// KafkaLog is the state topic on a cluster. It makes the topic when something is first written.
type KafkaLog struct {
	Cluster *kafka.Cluster

	mu   sync.Mutex
	made bool
}

var statePartition = kafka.TopicPartition{Topic: Topic}

// The log is never deleted nor compacted: it is the audit, and its order decides.
func spec(replicas int16) kafka.TopicSpec {
	return kafka.TopicSpec{Name: Topic, Partitions: 1, Replication: replicas, Configs: map[string]string{
		"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": "10485760",
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
	p := l.Cluster.NewProducer(kafka.ProducerOptions{MaxRequestBytes: 10 << 20})
	defer p.Close()
	sequence := int32(0)
	for _, batch := range batches(values) {
		if err := send(ctx, p, kafka.ProduceBatch{ProducerID: id, FirstSequence: sequence, Codec: kafka.GZIP, Records: batch}); err != nil {
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
func send(ctx context.Context, p *kafka.Producer, b kafka.ProduceBatch) error {
	for {
		done := make(chan kafka.ProduceResult, 1)
		p.Produce(statePartition, b, func(r kafka.ProduceResult) { done <- r })
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

// Read implements Log.
func (l *KafkaLog) Read(ctx context.Context, yield func(offset int64, value []byte)) error {
	topics, err := l.Cluster.Topics(ctx, []string{Topic})
	if err != nil {
		return err
	}
	info, there := topics[Topic]
	if !there {
		return nil
	}
	if info.Err != nil {
		return info.Err
	}
	ends, err := l.Cluster.ListOffsets(ctx, kafka.Stable, []kafka.TopicPartition{statePartition})
	if err != nil {
		return err
	}
	end := ends[statePartition]
	if end.Err != nil {
		return end.Err
	}
	for at := int64(0); at < end.Offset; {
		got, err := l.Cluster.FetchOne(ctx, statePartition, at, 1<<20)
		if err != nil {
			return err
		}
		was := at
		for i := range got.Batches {
			b := &got.Batches[i]
			for j := range b.Records {
				if r := &b.Records[j]; r.Offset >= at && r.Offset < end.Offset && !b.Control {
					yield(r.Offset, r.Value)
				}
			}
			at = max(at, b.LastOffset+1)
		}
		at = max(at, got.Next)
		if at == was {
			return fmt.Errorf("nothing at offset %d, and the log ends at %d", at, end.Offset)
		}
	}
	return nil
}
