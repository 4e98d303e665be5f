package script

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Member is a member of a group, of the classic protocol or KIP-848. It sends no heartbeats: use it quickly.
type Member struct {
	c        *Client
	group    string
	id       string
	epoch    int32
	consumer bool
}

// JoinClassic joins and syncs as the group's only member.
func (c *Client) JoinClassic(ctx context.Context, group, topic string) (*Member, error) {
	m := &Member{c: c, group: group}
	err := again(ctx, func() error { return m.join(ctx, topic) })
	if err == nil {
		err = again(ctx, func() error { return m.sync(ctx, topic) })
	}
	if err != nil {
		return nil, fmt.Errorf("join %s: %w", group, err)
	}
	return m, nil
}

func (m *Member) join(ctx context.Context, topic string) error {
	subscription := kmsg.NewConsumerMemberMetadata()
	subscription.Topics = []string{topic}
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = m.group, m.id, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 30_000, 30_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = "range", subscription.AppendTo(nil)
	req.Protocols = append(req.Protocols, p)
	resp, err := req.RequestWith(ctx, m.c.old)
	if err != nil {
		return err
	}
	m.id, m.epoch = resp.MemberID, resp.Generation
	err = kerr.ErrorForCode(resp.ErrorCode)
	if errors.Is(err, kerr.MemberIDRequired) {
		return m.join(ctx, topic)
	}
	return err
}

func (m *Member) sync(ctx context.Context, topic string) error {
	assignment := kmsg.NewConsumerMemberAssignment()
	t := kmsg.NewConsumerMemberAssignmentTopic()
	t.Topic, t.Partitions = topic, []int32{0}
	assignment.Topics = append(assignment.Topics, t)
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = m.group, m.id, m.epoch
	req.ProtocolType, req.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("range")
	a := kmsg.NewSyncGroupRequestGroupAssignment()
	a.MemberID, a.MemberAssignment = m.id, assignment.AppendTo(nil)
	req.GroupAssignment = append(req.GroupAssignment, a)
	resp, err := req.RequestWith(ctx, m.c.old)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

// JoinConsumer joins by KIP-848.
func (c *Client) JoinConsumer(ctx context.Context, group, topic, memberID string) (*Member, error) {
	m := &Member{c: c, group: group, id: memberID, consumer: true}
	if err := again(ctx, func() error { return m.beat(ctx, 0, topic) }); err != nil {
		return nil, fmt.Errorf("join %s: %w", group, err)
	}
	return m, nil
}

func (m *Member) beat(ctx context.Context, epoch int32, topics ...string) error {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = m.group, m.id, epoch
	if epoch == 0 {
		req.RebalanceTimeoutMillis = 30_000
		req.SubscribedTopicNames = topics
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	resp, err := req.RequestWith(ctx, m.c.current)
	if err != nil {
		return err
	}
	if resp.MemberID != nil {
		m.id = *resp.MemberID
	}
	m.epoch = resp.MemberEpoch
	return kerr.ErrorForCode(resp.ErrorCode)
}

// Commit commits as the member.
func (m *Member) Commit(ctx context.Context, offsets ...Offset) error {
	return m.c.commit(ctx, commitAs{group: m.group, member: m.id, generation: m.epoch, consumer: m.consumer}, offsets)
}

// Leave leaves the group.
func (m *Member) Leave(ctx context.Context) error {
	if err := again(ctx, func() error { return m.leave(ctx) }); err != nil {
		return fmt.Errorf("leave %s: %w", m.group, err)
	}
	return nil
}

func (m *Member) leave(ctx context.Context) error {
	if m.consumer {
		return m.beat(ctx, -1)
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = m.group, m.id
	x := kmsg.NewLeaveGroupRequestMember()
	x.MemberID = m.id
	req.Members = append(req.Members, x)
	resp, err := req.RequestWith(ctx, m.c.old)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}
