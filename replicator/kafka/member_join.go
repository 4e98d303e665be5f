package kafka

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/IBM/sarama"
)

// assignor is the name under which members agree on how partitions are shared out. It is leftoff's own, so that no other
// consumer is ever taken into a group of it.
const assignor = "leftoff"

// join joins and syncs until both succeed in one generation.
func (m *Member) join(ctx context.Context) error {
	var b backoff
	for {
		err := m.once(ctx)
		var e *Error
		if err == nil || !errors.As(err, &e) || e.Class != Live || ctx.Err() != nil {
			return err
		}
		if e.Code == int16(sarama.ErrUnknownMemberId) || e.Code == int16(sarama.ErrIllegalGeneration) {
			m.id = ""
		}
		if !b.wait(ctx) {
			return err
		}
	}
}

// once goes through the protocol: a member id first (KIP-394), then the members, and from the leader the assignment.
func (m *Member) once(ctx context.Context) error {
	var joined *sarama.JoinGroupResponse
	err := m.ask(ctx, "join group", func(b *sarama.Broker) (code sarama.KError, err error) {
		for range 2 {
			q, err := m.joining()
			if err != nil {
				return 0, err
			}
			if joined, err = b.JoinGroup(q); err != nil {
				return 0, err
			}
			if joined.Err != sarama.ErrMemberIdRequired {
				break
			}
			m.id = joined.MemberId
		}
		return joined.Err, nil
	})
	if err != nil {
		return err
	}
	m.id, m.generation = joined.MemberId, joined.GenerationId
	q, err := m.syncing(ctx, joined)
	if err != nil {
		return err
	}
	var synced *sarama.SyncGroupResponse
	err = m.ask(ctx, "sync group", func(b *sarama.Broker) (code sarama.KError, err error) {
		if synced, err = b.SyncGroup(q); err != nil {
			return 0, err
		}
		return synced.Err, nil
	})
	if err != nil {
		return err
	}
	return m.take(synced)
}

func (m *Member) joining() (*sarama.JoinGroupRequest, error) {
	q := &sarama.JoinGroupRequest{
		Version: 5, GroupId: m.group, MemberId: m.id, ProtocolType: "consumer",
		SessionTimeout: int32(m.session.Milliseconds()), RebalanceTimeout: int32(m.rebalance().Milliseconds()),
	}
	return q, q.AddGroupProtocolMetadata(assignor, &sarama.ConsumerGroupMemberMetadata{Topics: m.topics})
}

// syncing is the request that ends a rebalance. The leader's has everybody's partitions.
func (m *Member) syncing(ctx context.Context, joined *sarama.JoinGroupResponse) (*sarama.SyncGroupRequest, error) {
	q := &sarama.SyncGroupRequest{Version: 3, GroupId: m.group, GenerationId: m.generation, MemberId: m.id}
	if joined.LeaderId != joined.MemberId {
		return q, nil
	}
	members, err := joined.GetMembers()
	if err != nil {
		return nil, m.c.failed(ask{op: "join group", kind: aGroup, name: m.group}, "", err)
	}
	interested := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(members)) {
		for _, topic := range members[id].Topics {
			interested[topic] = append(interested[topic], id)
		}
	}
	counts, err := m.counts(ctx, slices.Sorted(maps.Keys(interested)))
	if err != nil {
		return nil, err
	}
	plan := share(interested, counts)
	for id := range members {
		if err := q.AddGroupAssignmentMember(id, &sarama.ConsumerGroupMemberAssignment{Topics: plan[id]}); err != nil {
			return nil, m.c.failed(ask{op: "sync group", kind: aGroup, name: m.group}, "", err)
		}
	}
	return q, nil
}

// counts are the numbers of partitions.
func (m *Member) counts(ctx context.Context, topics []string) (map[string]int, error) {
	n := map[string]int{}
	if len(topics) == 0 {
		return n, nil
	}
	known, err := m.c.Topics(ctx, topics)
	for _, t := range known {
		n[t.Name] = len(t.Partitions)
	}
	return n, err
}

// share deals every topic's partitions out among those who want them.
func share(interested map[string][]string, counts map[string]int) map[string]map[string][]int32 {
	plan := map[string]map[string][]int32{}
	for topic, ids := range interested {
		for p := range counts[topic] {
			id := ids[p%len(ids)]
			if plan[id] == nil {
				plan[id] = map[string][]int32{}
			}
			plan[id][topic] = append(plan[id][topic], int32(p))
		}
	}
	return plan
}

func (m *Member) take(synced *sarama.SyncGroupResponse) error {
	m.assigned = nil
	if len(synced.MemberAssignment) == 0 {
		return nil
	}
	mine, err := synced.GetMemberAssignment()
	if err != nil {
		return m.c.failed(ask{op: "sync group", kind: aGroup, name: m.group}, "", err)
	}
	for topic, partitions := range mine.Topics {
		for _, p := range partitions {
			m.assigned = append(m.assigned, TopicPartition{topic, p})
		}
	}
	slices.SortFunc(m.assigned, func(a, b TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return nil
}
