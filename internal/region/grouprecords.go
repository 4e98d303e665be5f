package region

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Record types of groups (facts/kafka.md §3.1, as a 4.3.1 broker writes them).
const (
	typeGroup         = 2
	typeConsumerGroup = 3
	typeMember        = 5
	typeTarget        = 6
	typeTargetMember  = 7
	typeCurrent       = 8
)

func groupKey(kind int16, group string) []byte {
	return kbin.AppendString(binary.BigEndian.AppendUint16(nil, uint16(kind)), group)
}

func memberKey(kind int16, group, member string) []byte {
	return kbin.AppendString(groupKey(kind, group), member)
}

// classicValue is a GroupMetadataValue v3, which 3.9 and 4.x brokers write.
func (g *group) classicValue(info *kfake.GroupInfo) []byte {
	v := kmsg.NewGroupMetadataValue()
	v.Version, v.ProtocolType, v.Generation, v.CurrentStateTimestamp = 3, g.protocolType, info.Epoch, time.Now().UnixMilli()
	for _, m := range info.Members {
		x := kmsg.NewGroupMetadataValueMember()
		x.MemberID, x.InstanceID, x.ClientID, x.ClientHost = m.MemberID, m.InstanceID, m.ClientID, m.ClientHost
		x.RebalanceTimeoutMillis, x.SessionTimeoutMillis = g.rebalance, g.session
		subscription := kmsg.NewConsumerMemberMetadata()
		subscription.Topics = m.SubscribedTopics
		x.Subscription = subscription.AppendTo(nil)
		assignment := kmsg.NewConsumerMemberAssignment()
		for _, topic := range slices.Sorted(maps.Keys(m.Assignment)) {
			t := kmsg.NewConsumerMemberAssignmentTopic()
			t.Topic, t.Partitions = topic, m.Assignment[topic]
			assignment.Topics = append(assignment.Topics, t)
		}
		x.Assignment = assignment.AppendTo(nil)
		v.Members = append(v.Members, x)
	}
	if len(v.Members) > 0 {
		v.Leader, v.Protocol = kmsg.StringPtr(v.Members[0].MemberID), kmsg.StringPtr("range")
	}
	return v.AppendTo(nil)
}

// The KIP-848 values are flexible, version 0. kmsg has none of them.

// epochValue is ConsumerGroupMetadataValue and ConsumerGroupTargetAssignmentMetadataValue: an epoch.
func epochValue(epoch int32) []byte {
	b := kbin.AppendInt32([]byte{0, 0}, epoch)
	return append(b, 0) // no tags
}

// memberValue is ConsumerGroupMemberMetadataValue.
func (g *group) memberValue(m kfake.GroupMember) []byte {
	b := kbin.AppendCompactNullableString([]byte{0, 0}, m.InstanceID)
	b = kbin.AppendCompactNullableString(b, nil) // rack
	b = kbin.AppendCompactString(b, m.ClientID)
	b = kbin.AppendCompactString(b, m.ClientHost)
	b = kbin.AppendCompactArrayLen(b, len(m.SubscribedTopics))
	for _, t := range m.SubscribedTopics {
		b = kbin.AppendCompactString(b, t)
	}
	b = kbin.AppendCompactNullableString(b, nil) // regex
	b = kbin.AppendInt32(b, g.rebalance)
	b = kbin.AppendCompactNullableString(b, nil) // assignor
	return append(b, 0)
}

// assigned is an assignment by topic id, in a stable order.
type assigned struct {
	id         [16]byte
	partitions []int32
}

func (r *Region) byID(byName map[string][]int32) []assigned {
	var all []assigned
	for _, topic := range slices.Sorted(maps.Keys(byName)) {
		if info := r.cluster.TopicInfo(topic); info != nil {
			all = append(all, assigned{info.TopicID, byName[topic]})
		}
	}
	return all
}

func appendAssigned(b []byte, all []assigned) []byte {
	b = kbin.AppendCompactArrayLen(b, len(all))
	for _, a := range all {
		b = append(b, a.id[:]...)
		b = kbin.AppendCompactArrayLen(b, len(a.partitions))
		for _, p := range a.partitions {
			b = kbin.AppendInt32(b, p)
		}
		b = append(b, 0)
	}
	return b
}

// targetValue is ConsumerGroupTargetAssignmentMemberValue.
func targetValue(all []assigned) []byte { return append(appendAssigned([]byte{0, 0}, all), 0) }

// currentValue is ConsumerGroupCurrentMemberAssignmentValue, in state STABLE.
func currentValue(epoch, previous int32, all []assigned) []byte {
	b := kbin.AppendInt32([]byte{0, 0}, epoch)
	b = kbin.AppendInt32(b, previous)
	b = append(b, 0) // STABLE
	b = appendAssigned(b, all)
	b = kbin.AppendCompactArrayLen(b, 0) // pending revocation
	return append(b, 0)
}
