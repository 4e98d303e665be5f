package kafka

import (
	"context"

	"github.com/IBM/sarama"
)

// FetchOne reads once at an offset, without waiting for data: a probe. It returns at least one whole batch where there is
// one, however small maxBytes is, read uncommitted, empty batches stepped over. Err of the partition is also the error returned.
func (c *Cluster) FetchOne(ctx context.Context, tp TopicPartition, offset int64, maxBytes int32) (Fetched, error) {
	return c.fetchOne(ctx, ReadUncommitted, tp, offset, maxBytes)
}

// FetchCommitted is FetchOne up to the last stable offset; Fetched.Readable leaves out what was aborted.
func (c *Cluster) FetchCommitted(ctx context.Context, tp TopicPartition, offset int64, maxBytes int32) (Fetched, error) {
	return c.fetchOne(ctx, ReadCommitted, tp, offset, maxBytes)
}

func (c *Cluster) fetchOne(ctx context.Context, i Isolation, tp TopicPartition, offset int64, maxBytes int32) (Fetched, error) {
	a := fetchAsk
	a.name = tp.String()
	var got Fetched
	failed := c.eachLeader(ctx, a, []TopicPartition{tp}, func(ctx context.Context, id int32, _ []TopicPartition) map[TopicPartition]error {
		var err error
		got, err = c.fetchAt(ctx, a, i, id, tp, offset, maxBytes)
		for err == nil && len(got.Batches) == 0 && got.Next > offset && got.Next < got.HighWatermark {
			offset = got.Next
			got, err = c.fetchAt(ctx, a, i, id, tp, offset, maxBytes)
		}
		return map[TopicPartition]error{tp: err}
	})
	if err := failed[tp]; err != nil {
		return Fetched{TopicPartition: tp, HighWatermark: -1, LastStable: -1, LogStart: -1, Next: offset, Err: err}, err
	}
	return got, nil
}

func (c *Cluster) fetchAt(ctx context.Context, a ask, i Isolation, id int32, tp TopicPartition, offset int64, maxBytes int32) (Fetched, error) {
	q := &sarama.FetchRequest{Version: 12, MaxBytes: max(1, maxBytes), SessionEpoch: -1, Isolation: sarama.IsolationLevel(i)}
	q.AddBlock(tp.Topic, tp.Partition, offset, max(1, maxBytes), -1)
	var r *sarama.FetchResponse
	err := c.at(ctx, a, id, func(b *sarama.Broker) (err error) {
		r, err = b.Fetch(q)
		return err
	})
	if err != nil {
		return Fetched{}, err
	}
	b := r.GetBlock(tp.Topic, tp.Partition)
	switch {
	case r.ErrorCode != 0:
		return Fetched{}, c.answered(a, sarama.KError(r.ErrorCode), "")
	case b == nil:
		return Fetched{}, c.unanswered(a)
	case b.Err != sarama.ErrNoError:
		a.name = tp.Topic
		return Fetched{}, c.answered(a, b.Err, "")
	}
	return decodeBlock(tp, b, offset), nil
}
