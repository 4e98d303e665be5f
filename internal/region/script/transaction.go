package script

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Transaction is a transactional producer that only commits offsets. No client library commits offsets in a transaction
// that it then aborts (they hold them back until they commit): hence raw requests.
type Transaction struct {
	c     *Client
	id    string
	next  bool // KIP-890: no AddOffsetsToTxn, and the epoch rises with every end
	pid   int64
	epoch int16
}

// Producer initialises a transactional id. With next it speaks KIP-890's protocol, which 4.x brokers have.
func (c *Client) Producer(ctx context.Context, id string, timeout time.Duration, next bool) (*Transaction, error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &id, int32(timeout.Milliseconds())
	req.ProducerID, req.ProducerEpoch = -1, -1
	t := &Transaction{c: c, id: id, next: next}
	err := again(ctx, func() error {
		resp, err := req.RequestWith(ctx, t.client())
		if err != nil {
			return err
		}
		t.pid, t.epoch = resp.ProducerID, resp.ProducerEpoch
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return nil, fmt.Errorf("transactional id %s: %w", id, err)
	}
	return t, nil
}

// ID is the producer id that the records and markers carry.
func (t *Transaction) ID() int64 { return t.pid }

func (t *Transaction) client() *kgo.Client {
	if t.next {
		return t.c.current
	}
	return t.c.old
}

// Commit commits offsets in the transaction, which begins with it.
func (t *Transaction) Commit(ctx context.Context, group string, offsets ...Offset) error {
	err := again(ctx, func() error { return t.enlist(ctx, group) })
	if err == nil {
		err = again(ctx, func() error { return t.commit(ctx, group, offsets) })
	}
	if err != nil {
		return fmt.Errorf("transactional commit %s: %w", group, err)
	}
	return nil
}

func (t *Transaction) enlist(ctx context.Context, group string) error {
	if t.next {
		return nil
	}
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = t.id, t.pid, t.epoch, group
	resp, err := req.RequestWith(ctx, t.client())
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

func (t *Transaction) commit(ctx context.Context, group string, offsets []Offset) error {
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group, req.Generation = t.id, t.pid, t.epoch, group, -1
	for _, o := range offsets {
		rt := kmsg.NewTxnOffsetCommitRequestTopic()
		rt.Topic = o.Topic
		rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = o.Partition, o.Offset, -1, kmsg.StringPtr(o.Metadata)
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, t.client())
	if err != nil {
		return err
	}
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// End commits or aborts. The next Commit begins a new transaction.
func (t *Transaction) End(ctx context.Context, commit bool) error {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = t.id, t.pid, t.epoch, commit
	err := again(ctx, func() error {
		resp, err := req.RequestWith(ctx, t.client())
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return err
		}
		if t.next && resp.Version >= 5 {
			t.pid, t.epoch = resp.ProducerID, resp.ProducerEpoch
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("end transaction of %s: %w", t.id, err)
	}
	return nil
}
