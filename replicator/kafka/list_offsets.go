package kafka

import (
	"context"

	"github.com/IBM/sarama"
)

// ListOffsets asks every partition's leader for one offset. Every partition is in the results, with its own error: those
// that are answered wait three seconds for the others, no longer. The error returned says that the cluster could not be
// asked at all.
func (c *Cluster) ListOffsets(ctx context.Context, at When, tps []TopicPartition) (map[TopicPartition]OffsetResult, error) {
	a := ask{op: "list offsets", kind: aTopic, need: "Describe"}
	results := make(map[TopicPartition]OffsetResult, len(tps))
	found := make(chan map[TopicPartition]OffsetResult, 1)
	found <- results
	failed := c.eachLeader(ctx, a, tps, func(ctx context.Context, id int32, of []TopicPartition) map[TopicPartition]error {
		got, errs := c.listAt(ctx, a, id, at, of)
		all := <-found
		for tp, r := range got {
			all[tp] = r
		}
		found <- all
		return errs
	})
	for tp, err := range failed {
		results[tp] = OffsetResult{Offset: -1, LeaderEpoch: -1, Timestamp: -1, Err: err}
	}
	return results, unasked(tps, failed)
}

// listAt asks one leader.
func (c *Cluster) listAt(ctx context.Context, a ask, id int32, at When, tps []TopicPartition) (map[TopicPartition]OffsetResult, map[TopicPartition]error) {
	q := sarama.NewOffsetRequest(c.sarama.Version)
	if at.stable {
		q.IsolationLevel = sarama.ReadCommitted
	}
	for _, tp := range tps {
		q.AddBlock(tp.Topic, tp.Partition, at.timestamp, 1)
	}
	var r *sarama.OffsetResponse
	err := c.at(ctx, a, id, func(b *sarama.Broker) (err error) {
		r, err = b.GetAvailableOffsets(q)
		return err
	})
	got, errs := map[TopicPartition]OffsetResult{}, map[TopicPartition]error{}
	for _, tp := range tps {
		a.name = tp.Topic
		switch block := offsetBlock(r, tp); {
		case err != nil:
			errs[tp] = err
		case block == nil:
			errs[tp] = c.unanswered(a)
		case block.Err != sarama.ErrNoError:
			errs[tp] = c.answered(a, block.Err, "")
		default:
			got[tp] = offsetResult(r.Version, block)
		}
	}
	return got, errs
}

func offsetBlock(r *sarama.OffsetResponse, tp TopicPartition) *sarama.OffsetResponseBlock {
	if r == nil {
		return nil
	}
	return r.Blocks[tp.Topic][tp.Partition]
}

func offsetResult(version int16, b *sarama.OffsetResponseBlock) OffsetResult {
	r := OffsetResult{Offset: b.Offset, LeaderEpoch: b.LeaderEpoch, Timestamp: b.Timestamp}
	if version < 4 {
		r.LeaderEpoch = -1
	}
	return r
}

// unanswered: the broker left something out of its answer.
func (c *Cluster) unanswered(a ask) error {
	return &Error{Cluster: c.cfg.Name, Op: a.op, On: a.name, Class: Retry, Err: errLeftOut}
}
