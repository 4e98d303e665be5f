package replicator

// Commit is one (group, topic, partition) → offset as read from a cluster's `__consumer_offsets`.
type Commit struct {
	Key
	// Offset is the next record to read. 0 is an offset.
	Offset   int64
	Metadata string
	// LeaderEpoch of the last record read, -1 where there is none.
	LeaderEpoch int32
	// TopicID is zero where the broker did not store one (before Kafka 4.1, or value v1).
	TopicID [16]byte
	// CommittedAt is the broker's commit timestamp, ms since the epoch.
	CommittedAt int64
	// Retention is expireTimestamp − commitTimestamp in ms; 0 where the value has no expiry of its own (all but v1).
	Retention int64
	// Transactional says it was written by TxnOffsetCommit and its transaction committed.
	Transactional bool
	Order         Order
}

// ChangeKind says what a record of `__consumer_offsets` means.
type ChangeKind uint8

const (
	// Committed: Commit holds the new value.
	Committed ChangeKind = iota
	// Deleted: a tombstone of a key; Commit.Key and Commit.Order are set.
	Deleted
	// Unreadable: a value of a version this program does not know; Commit.Key and Commit.Order are set.
	Unreadable
	// GroupState: the group record of a classic group; Group is set, Members is their number.
	GroupState
	// GroupGone: the group record was tombstoned. Not a deletion of offsets (facts: also written when a group converts).
	GroupGone
	// MemberSeen, MemberGone: a member record of a KIP-848, share or streams group was written or tombstoned.
	MemberSeen
	MemberGone
)

// GroupType is the kind of group that a group or member record speaks of.
type GroupType uint8

const (
	SimpleGroup GroupType = iota // only offsets, no group record
	ClassicGroup
	ConsumerGroup // KIP-848
	ShareGroup    // KIP-932
	StreamsGroup  // KIP-1071
)

// GroupChange is the group half of a Change.
type GroupChange struct {
	Type         GroupType
	ProtocolType string // classic: "consumer", "connect", …
	Generation   int32  // generation or group epoch
	Members      int    // GroupState of a classic group: how many members
	Member       string // MemberSeen, MemberGone: the member id
}

// Change is one record of `__consumer_offsets`, in log order, with transactions already resolved: commits of an open
// transaction appear when its marker does, those of an aborted one never.
type Change struct {
	Kind   ChangeKind
	Commit Commit       // Committed, Deleted, Unreadable; for the group kinds only Key.Group and Order
	Group  *GroupChange // the group kinds
}

// Batch is what a tail hands on at a time. CaughtUp is true from the first batch at or past the ends recorded when the
// tail started (possibly one without changes) and stays true until the tail had to start again.
type Batch struct {
	Side     Side
	Changes  []Change
	CaughtUp bool
}
