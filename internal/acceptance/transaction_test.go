package acceptance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/internal/rig"
)

// openCommit commits an offset in a transaction and leaves it open; the returned function aborts it.
func openCommit(t *testing.T, c *rig.Cluster, group, topic string, offset int64) (abort func()) {
	t.Helper()
	client, ctx, id := c.Client(t), context.Background(), "open-"+group
	retry := func(what string, ask func() (int16, error)) {
		t.Helper()
		var code int16
		var err error
		if !eventually(20*time.Second, func() bool { code, err = ask(); return err == nil && code == 0 }) {
			t.Fatalf("%s: %v %v", what, kerr.ErrorForCode(code), err)
		}
	}
	var producer *kmsg.InitProducerIDResponse
	retry("init producer id", func() (int16, error) {
		r := kmsg.NewPtrInitProducerIDRequest()
		r.TransactionalID, r.TransactionTimeoutMillis = &id, 120_000
		var err error
		if producer, err = r.RequestWith(ctx, client); err != nil {
			return 0, err
		}
		return producer.ErrorCode, nil
	})
	retry("add offsets", func() (int16, error) {
		r := kmsg.NewPtrAddOffsetsToTxnRequest()
		r.TransactionalID, r.ProducerID, r.ProducerEpoch, r.Group = id, producer.ProducerID, producer.ProducerEpoch, group
		resp, err := r.RequestWith(ctx, client)
		if err != nil {
			return 0, err
		}
		return resp.ErrorCode, nil
	})
	retry("transactional commit", func() (int16, error) {
		r := kmsg.NewPtrTxnOffsetCommitRequest()
		r.TransactionalID, r.ProducerID, r.ProducerEpoch, r.Group, r.Generation = id, producer.ProducerID, producer.ProducerEpoch, group, -1
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Offset, p.LeaderEpoch = offset, -1
		topics := kmsg.NewTxnOffsetCommitRequestTopic()
		topics.Topic, topics.Partitions = topic, []kmsg.TxnOffsetCommitRequestTopicPartition{p}
		r.Topics = []kmsg.TxnOffsetCommitRequestTopic{topics}
		resp, err := r.RequestWith(ctx, client)
		if err != nil {
			return 0, err
		}
		return resp.Topics[0].Partitions[0].ErrorCode, nil
	})
	return func() {
		r := kmsg.NewPtrEndTxnRequest()
		r.TransactionalID, r.ProducerID, r.ProducerEpoch = id, producer.ProducerID, producer.ProducerEpoch
		if _, err := r.RequestWith(ctx, client); err != nil {
			t.Errorf("abort: %v", err)
		}
	}
}

// neighbour is a group whose commits go to the same offsets partition as another's.
func neighbour(prefix, group string) string {
	const partitions = 8
	for i := 0; ; i++ {
		name := fmt.Sprintf("%sneighbour-%d", prefix, i)
		if rig.GroupPartition(name, partitions) == rig.GroupPartition(group, partitions) {
			return name
		}
	}
}
