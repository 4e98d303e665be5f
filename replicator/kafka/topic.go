package kafka

// TopicInfo describes a topic.
type TopicInfo struct {
	Name string
	// ID is zero where the broker knows no topic ids (before Kafka 2.8).
	ID       [16]byte
	Internal bool
	// Partitions by number, without holes.
	Partitions []PartitionInfo
	// Err is set when the broker won't tell (an ACL is missing): the other fields are then empty.
	Err error
}

// PartitionInfo describes a partition.
type PartitionInfo struct {
	ID          int32
	Leader      int32 // broker id, -1 while there is none
	LeaderEpoch int32 // -1 where unknown
	Replicas    []int32
	ISR         []int32
	Err         error // such as LEADER_NOT_AVAILABLE
}

// BrokerInfo is one broker of the cluster.
type BrokerInfo struct {
	ID   int32
	Addr string // host:port as the cluster advertises it
}

// TopicSpec is a topic to create.
type TopicSpec struct {
	Name       string
	Partitions int32
	// Replication is the replication factor; -1 leaves it to the cluster.
	Replication int16
	Configs     map[string]string
}

// TopicConfig is one setting of a topic.
type TopicConfig struct {
	Value string
	// Set says that it was set on the topic itself, rather than taken from the cluster's default.
	Set bool
}
