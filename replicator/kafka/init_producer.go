package kafka

import (
	"context"

	"github.com/IBM/sarama"
)

// InitProducer takes a producer id from the cluster. An answer of -1, which brokers give beside error 14 and which would leave
// batches unprotected, is an error.
func (c *Cluster) InitProducer(ctx context.Context) (ProducerID, error) {
	a := ask{op: "take a producer id", kind: aCluster, need: "IdempotentWrite"}
	id := ProducerID{ID: -1}
	err := c.persist(ctx, func(ctx context.Context) error {
		return c.anyone(ctx, a, func(b *sarama.Broker) error {
			r, err := b.InitProducerID(&sarama.InitProducerIDRequest{Version: 4, ProducerID: -1, ProducerEpoch: -1})
			if err != nil {
				return err
			}
			if err := c.answered(a, r.Err, ""); err != nil {
				return err
			}
			if r.ProducerID < 0 {
				return c.unanswered(a)
			}
			id = ProducerID{ID: r.ProducerID, Epoch: r.ProducerEpoch}
			return nil
		})
	})
	return id, err
}

// ProducerState is what a partition's leader remembers of an idempotent producer.
type ProducerState struct {
	ProducerID
	LastSequence  int32
	LastTimestamp int64
	OpenTxnStart  int64 // -1: none
}

// DescribeProducers asks a partition's leader for its active producers.
func (c *Cluster) DescribeProducers(ctx context.Context, tp TopicPartition) ([]ProducerState, error) {
	a := ask{op: "describe producers", kind: aTopic, name: tp.Topic, need: "Read"}
	var out []ProducerState
	failed := c.eachLeader(ctx, a, []TopicPartition{tp}, func(ctx context.Context, id int32, _ []TopicPartition) map[TopicPartition]error {
		var err error
		out, err = c.describeProducersAt(ctx, a, id, tp)
		return map[TopicPartition]error{tp: err}
	})
	return out, failed[tp]
}

func (c *Cluster) describeProducersAt(ctx context.Context, a ask, id int32, tp TopicPartition) ([]ProducerState, error) {
	q := &sarama.DescribeProducersRequest{Topics: []sarama.DescribeProducersRequestTopic{{Name: tp.Topic, PartitionIndexes: []int32{tp.Partition}}}}
	var r *sarama.DescribeProducersResponse
	err := c.at(ctx, a, id, func(b *sarama.Broker) (err error) {
		r, err = b.DescribeProducers(q)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 {
		return nil, c.unanswered(a)
	}
	p := r.Topics[0].Partitions[0]
	out := make([]ProducerState, 0, len(p.ActiveProducers))
	for _, s := range p.ActiveProducers {
		out = append(out, ProducerState{ProducerID: ProducerID{s.ProducerID, int16(s.ProducerEpoch)}, LastSequence: s.LastSequence,
			LastTimestamp: s.LastTimestamp, OpenTxnStart: s.CurrentTxnStartOffset})
	}
	return out, c.answered(a, p.ErrorCode, text(p.ErrorMessage))
}
