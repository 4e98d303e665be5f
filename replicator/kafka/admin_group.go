package kafka

import (
	"context"
	"errors"
	"sort"

	"github.com/IBM/sarama"
)

// ListGroups lists the groups of all brokers. Where a broker can't be asked, the groups of the others come with the error.
func (c *Cluster) ListGroups(ctx context.Context) ([]GroupInfo, error) {
	brokers, err := c.Brokers(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range brokers {
		c.meta.learnBroker(b.ID, b.Addr)
	}
	groups := map[string]GroupInfo{}
	var failed error
	for _, b := range brokers {
		err := c.persist(ctx, func(ctx context.Context) error { return c.listGroupsAt(ctx, b.ID, groups) })
		failed = errors.Join(failed, err)
	}
	out := make([]GroupInfo, 0, len(groups))
	for _, g := range groups {
		out = append(out, g)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Group < out[j].Group })
	return out, failed
}

func (c *Cluster) listGroupsAt(ctx context.Context, broker int32, into map[string]GroupInfo) error {
	a := ask{op: "list groups", kind: aCluster, need: "Describe"}
	var r *sarama.ListGroupsResponse
	err := c.at(ctx, a, broker, func(b *sarama.Broker) (err error) {
		r, err = b.ListGroups(&sarama.ListGroupsRequest{Version: 5})
		return err
	})
	if err != nil {
		return err
	}
	if err := c.answered(a, r.Err, ""); err != nil {
		return err
	}
	for name, protocol := range r.Groups {
		d := r.GroupsData[name]
		into[name] = GroupInfo{Group: name, ProtocolType: protocol, State: d.GroupState, Type: d.GroupType}
	}
	return nil
}

// atCoordinator asks the coordinator of a group; f returns an error made by answered, or a transport error.
func (c *Cluster) atCoordinator(ctx context.Context, a ask, group string, f func(*sarama.Broker) error) error {
	misses := 0
	return c.persist(ctx, func(ctx context.Context) error {
		id, guess, err := c.coordinators.find(ctx, group)
		if err != nil {
			return err
		}
		err = c.at(ctx, a, id, f)
		if class := Classify(err); err != nil && (class == Refind || class == Unreachable) {
			misses++
			c.coordinators.missed(ctx, group, id, guess, misses)
		}
		return err
	})
}

// DescribeGroup describes a group of either protocol. An unknown group is answered as a "Dead" one without members.
func (c *Cluster) DescribeGroup(ctx context.Context, group string) (GroupDescription, error) {
	g, err := c.describeClassic(ctx, group)
	if err != nil || len(g.Members) > 0 {
		return g, err
	}
	// Brokers call KIP-848 groups dead here, or show them without their members.
	modern, err := c.describeConsumer(ctx, group)
	if err == nil && modern.State == dead {
		return g, nil
	}
	return modern, err
}

const dead = "Dead"

func (c *Cluster) describeClassic(ctx context.Context, group string) (GroupDescription, error) {
	a := ask{op: "describe group", kind: aGroup, name: group, need: "Describe"}
	out := GroupDescription{GroupInfo: GroupInfo{Group: group, State: dead}}
	err := c.atCoordinator(ctx, a, group, func(b *sarama.Broker) error {
		r, err := b.DescribeGroups(&sarama.DescribeGroupsRequest{Version: 5, Groups: []string{group}})
		if err != nil {
			return err
		}
		if len(r.Groups) != 1 {
			return c.unanswered(a)
		}
		g := r.Groups[0]
		if g.Err == sarama.ErrGroupIDNotFound {
			return nil
		}
		out.State, out.ProtocolType, out.Members = g.State, g.ProtocolType, nil
		if g.State != dead {
			out.Type = "classic"
		}
		for _, m := range g.Members {
			out.Members = append(out.Members, GroupMember{ID: m.MemberId, InstanceID: text(m.GroupInstanceId), ClientID: m.ClientId, ClientHost: m.ClientHost})
		}
		return c.answered(a, g.Err, "")
	})
	return out, err
}

// describeConsumer asks for a KIP-848 group, which older requests call dead.
func (c *Cluster) describeConsumer(ctx context.Context, group string) (GroupDescription, error) {
	a := ask{op: "describe group", kind: aGroup, name: group, need: "Describe"}
	out := GroupDescription{GroupInfo: GroupInfo{Group: group, State: dead}}
	err := c.atCoordinator(ctx, a, group, func(b *sarama.Broker) error {
		r, err := b.ConsumerGroupDescribe(&sarama.ConsumerGroupDescribeRequest{Version: 1, GroupIDs: []string{group}})
		if errors.Is(err, sarama.ErrUnsupportedVersion) {
			return nil // before Kafka 4.0: no such groups
		}
		if err != nil {
			return err
		}
		if len(r.Groups) != 1 {
			return c.unanswered(a)
		}
		g := r.Groups[0]
		if g.ErrorCode == sarama.ErrGroupIDNotFound || g.ErrorCode == sarama.ErrUnsupportedVersion {
			return nil
		}
		out.State, out.Type, out.ProtocolType, out.Members = g.GroupState, "consumer", "consumer", nil
		for _, m := range g.Members {
			out.Members = append(out.Members, GroupMember{ID: m.MemberID, InstanceID: text(m.InstanceID), ClientID: m.ClientID, ClientHost: m.ClientHost})
		}
		return c.answered(a, g.ErrorCode, text(g.ErrorMessage))
	})
	return out, err
}

// DeleteGroup deletes a group without members, and its offsets. A group that is not there is no error.
func (c *Cluster) DeleteGroup(ctx context.Context, group string) error {
	a := ask{op: "delete group", kind: aGroup, name: group, need: "Delete"}
	return c.atCoordinator(ctx, a, group, func(b *sarama.Broker) error {
		r, err := b.DeleteGroups(&sarama.DeleteGroupsRequest{Version: 2, Groups: []string{group}})
		if err != nil {
			return err
		}
		code, ok := r.GroupErrorCodes[group]
		switch {
		case !ok:
			return c.unanswered(a)
		case code == sarama.ErrGroupIDNotFound:
			return nil
		}
		return c.answered(a, code, "")
	})
}

// DeleteOffsets deletes committed offsets of a group; one error per partition, nil where it went well. Partitions that
// members are subscribed to are refused (Class Live).
func (c *Cluster) DeleteOffsets(ctx context.Context, group string, tps []TopicPartition) ([]error, error) {
	a := ask{op: "delete offsets", kind: aGroup, name: group, need: "Delete"}
	results := make([]error, len(tps))
	err := c.atCoordinator(ctx, a, group, func(b *sarama.Broker) error {
		q := &sarama.DeleteOffsetsRequest{Group: group}
		for _, tp := range tps {
			q.AddPartition(tp.Topic, tp.Partition)
		}
		r, err := b.DeleteOffsets(q)
		if err != nil {
			return err
		}
		if r.ErrorCode == sarama.ErrGroupIDNotFound {
			return nil
		}
		if err := c.answered(a, r.ErrorCode, ""); err != nil {
			return err
		}
		for i, tp := range tps {
			of := ask{op: a.op, kind: aTopic, name: tp.Topic, need: "Read"}
			if code, ok := r.Errors[tp.Topic][tp.Partition]; ok {
				results[i] = c.answered(of, code, "")
			} else {
				results[i] = c.unanswered(of)
			}
		}
		return nil
	})
	return results, err
}
