package judge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Key names what is committed.
type Key struct {
	Group, Topic string
	Partition    int32
}

func (k Key) String() string { return fmt.Sprintf("%s: %s/%d", k.Group, k.Topic, k.Partition) }

// Value is a committed offset as stored.
type Value struct {
	Offset      int64
	LeaderEpoch int32 // −1 where the version has none
	Metadata    string
	Committed   time.Time // the broker's commit timestamp
	// Retention is expireTimestamp − commitTimestamp of a v1 value; −1 otherwise.
	Retention time.Duration
	TopicID   [16]byte
	Version   int16
}

// Record types of `__consumer_offsets` (facts/kafka.md §3.1).
const (
	typeLegacyCommit    = 0
	typeCommit          = 1
	typeGroup           = 2
	typeConsumerGroup   = 3
	typeConsumerMember  = 5
	typeShareMember     = 10
	typeStreamsMember   = 19
	newestCommitVersion = 4
	newestGroupVersion  = 4
)

var errShort = errors.New("short record")

// entry is one decoded record of `__consumer_offsets`.
type entry struct {
	kind    int16
	key     Key    // commits
	value   *Value // commits; nil is a tombstone
	group   string
	member  string // member records
	gone    bool   // the value is null
	members int    // group metadata
	skipped bool   // a type the judge has no use for
}

func decodeEntry(key, value []byte) (entry, error) {
	if len(key) < 2 {
		return entry{}, errShort
	}
	e := entry{kind: int16(binary.BigEndian.Uint16(key)), gone: value == nil}
	switch e.kind {
	case typeLegacyCommit, typeCommit:
		return decodeCommit(e, key, value)
	case typeGroup:
		return decodeGroup(e, key, value)
	case typeConsumerMember, typeShareMember, typeStreamsMember:
		b := kbin.Reader{Src: key[2:]}
		e.group, e.member = b.String(), b.String()
		return e, b.Complete()
	default:
		e.skipped = true
		return e, nil
	}
}

func decodeCommit(e entry, key, value []byte) (entry, error) {
	var k kmsg.OffsetCommitKey
	if err := k.ReadFrom(key); err != nil {
		return e, fmt.Errorf("commit key: %w", err)
	}
	e.key = Key{Group: k.Group, Topic: k.Topic, Partition: k.Partition}
	e.group = k.Group
	if value == nil {
		return e, nil
	}
	if len(value) < 2 {
		return e, errShort
	}
	// kmsg decodes whatever version as the newest it knows: look first.
	if v := int16(binary.BigEndian.Uint16(value)); v < 0 || v > newestCommitVersion {
		return e, fmt.Errorf("commit value of version %d: the judge knows 0 to %d", v, newestCommitVersion)
	}
	var v kmsg.OffsetCommitValue
	if err := v.ReadFrom(value); err != nil {
		return e, fmt.Errorf("commit value: %w", err)
	}
	e.value = &Value{Offset: v.Offset, LeaderEpoch: -1, Metadata: v.Metadata, Committed: time.UnixMilli(v.CommitTimestamp),
		Retention: -1, TopicID: v.TopicID, Version: v.Version}
	if v.Version >= 3 {
		e.value.LeaderEpoch = v.LeaderEpoch
	}
	if v.Version == 1 {
		e.value.Retention = time.Duration(v.ExpireTimestamp-v.CommitTimestamp) * time.Millisecond
	}
	return e, nil
}

func decodeGroup(e entry, key, value []byte) (entry, error) {
	var k kmsg.GroupMetadataKey
	if err := k.ReadFrom(key); err != nil {
		return e, fmt.Errorf("group key: %w", err)
	}
	e.group = k.Group
	if value == nil {
		return e, nil
	}
	if len(value) < 2 {
		return e, errShort
	}
	if v := int16(binary.BigEndian.Uint16(value)); v < 0 || v > newestGroupVersion {
		return e, fmt.Errorf("group value of version %d: the judge knows 0 to %d", v, newestGroupVersion)
	}
	var v kmsg.GroupMetadataValue
	if err := v.ReadFrom(value); err != nil {
		return e, fmt.Errorf("group value: %w", err)
	}
	e.members = len(v.Members)
	return e, nil
}
