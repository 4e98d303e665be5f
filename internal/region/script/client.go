package script

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Client sends raw requests. Errors of brokers are *kerr.Error inside.
type Client struct {
	old     *kgo.Client // transactions as before KIP-890, commits up to v8
	stamp   *kgo.Client // OffsetCommit v4, the last one with a retention time
	current *kgo.Client // commits by members of KIP-848 groups, transactions of KIP-890
}

// Dial connects lazily; opts are the seed brokers and what security wants.
func Dial(opts ...kgo.Opt) (*Client, error) {
	c := new(Client)
	for _, x := range []struct {
		to       **kgo.Client
		versions map[int16]int16
	}{
		{&c.old, map[int16]int16{int16(kmsg.OffsetCommit): 8, int16(kmsg.TxnOffsetCommit): 3, int16(kmsg.AddOffsetsToTxn): 3, int16(kmsg.EndTxn): 3}},
		{&c.stamp, map[int16]int16{int16(kmsg.OffsetCommit): 4}},
		{&c.current, map[int16]int16{int16(kmsg.OffsetCommit): 9, int16(kmsg.TxnOffsetCommit): 5, int16(kmsg.EndTxn): 5}},
	} {
		v := kversion.Tip()
		for key, highest := range x.versions {
			v.SetMaxKeyVersion(key, highest)
		}
		cl, err := kgo.NewClient(append([]kgo.Opt{kgo.ClientID("script"), kgo.MaxVersions(v), kgo.RetryTimeout(20 * time.Second),
			kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(time.Second)}, opts...)...)
		if err != nil {
			c.Close()
			return nil, err
		}
		*x.to = cl
	}
	return c, nil
}

// Close closes the connections.
func (c *Client) Close() {
	for _, cl := range []*kgo.Client{c.old, c.stamp, c.current} {
		if cl != nil {
			cl.Close()
		}
	}
}

// Offset is what is committed for one partition.
type Offset struct {
	Topic     string
	Partition int32
	Offset    int64
	Metadata  string
}

// Commit commits from outside the group. With a retention it is an OffsetCommit v4, which brokers store as value v1.
func (c *Client) Commit(ctx context.Context, group string, retention time.Duration, offsets ...Offset) error {
	return c.commit(ctx, commitAs{group: group, generation: -1, retention: retention}, offsets)
}

// commitAs is who commits, and how.
type commitAs struct {
	group      string
	member     string
	generation int32
	consumer   bool // KIP-848
	retention  time.Duration
}

func (c *Client) commit(ctx context.Context, as commitAs, offsets []Offset) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation, req.MemberID, req.RetentionTimeMillis = as.group, as.generation, as.member, -1
	cl := c.old
	if as.consumer {
		cl = c.current
	}
	if as.retention > 0 {
		cl, req.RetentionTimeMillis = c.stamp, as.retention.Milliseconds()
	}
	for _, o := range offsets {
		t := kmsg.NewOffsetCommitRequestTopic()
		t.Topic = o.Topic
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = o.Partition, o.Offset, -1, kmsg.StringPtr(o.Metadata)
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("commit %s: %w", as.group, err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("commit %s: %s/%d: %w", as.group, t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}

// DeleteOffset is OffsetDelete of one partition.
func (c *Client) DeleteOffset(ctx context.Context, group, topic string, partition int32) error {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = group
	t := kmsg.NewOffsetDeleteRequestTopic()
	t.Topic = topic
	t.Partitions = append(t.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: partition})
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.old)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("delete offset %s %s/%d: %w", group, topic, partition, err)
	}
	return nil
}

// DeleteGroup is DeleteGroups of one group.
func (c *Client) DeleteGroup(ctx context.Context, group string) error {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(ctx, c.old)
	if err == nil {
		err = kerr.ErrorForCode(resp.Groups[0].ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("delete group %s: %w", group, err)
	}
	return nil
}

// CreateTopic creates a topic with one replica and waits until its partitions have leaders.
func (c *Client) CreateTopic(ctx context.Context, name string, partitions int32) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.old)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	return again(ctx, func() error { return c.hasLeaders(ctx, name, partitions) })
}

func (c *Client) hasLeaders(ctx context.Context, name string, partitions int32) error {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &name
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.old)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return err
	}
	for _, p := range resp.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return err
		}
	}
	if len(resp.Topics[0].Partitions) != int(partitions) {
		return kerr.UnknownTopicOrPartition
	}
	return nil
}

// DeleteTopic deletes a topic.
func (c *Client) DeleteTopic(ctx context.Context, name string) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = 10_000
	req.TopicNames = []string{name}
	t := kmsg.NewDeleteTopicsRequestTopic()
	t.Topic = &name
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.old)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("delete topic %s: %w", name, err)
	}
	return nil
}

// again tries until it works, for errors that brokers call retriable, and while the last transaction is still ending.
func again(ctx context.Context, try func() error) error {
	for {
		err := try()
		var ke *kerr.Error
		if err == nil || !errors.As(err, &ke) || !ke.Retriable && ke != kerr.ConcurrentTransactions {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w, last: %w", ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
