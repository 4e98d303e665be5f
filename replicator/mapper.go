package replicator

import "github.com/leftoff/leftoff/translate"

// Mapping is a Mapper's answer for one committed offset.
type Mapping struct {
	Position translate.Position
	// Topic is the secondary's name of the topic.
	Topic string
	// Secondary is what the secondary serves of the partition, as last seen by the source.
	Secondary translate.Bounds
	// Reason is set when there is no position to write: Position.Confidence is then Unmapped.
	// Unmapped itself means "nothing provable" and leaves the choice to the policy `unmapped`.
	Reason Reason
	// Detail is a sentence for people, where the reason alone does not say what to do; of a floor, what would make it exact.
	Detail string
	// Pending says that the source is looking for a better answer and expects to have it within seconds. Position is safe
	// meanwhile. It says so with an Advance.
	Pending bool
	// Improves says that Position may become better known, without saying when: the key is planned again when it does.
	Improves bool
}

// Mapper translates offsets. Answers come from memory and are safe for concurrent use; they never block on the network.
type Mapper interface {
	// Forward maps a committed offset of the primary. topicID is the commit's own, zero where unknown; a commit made for
	// another incarnation of the topic is answered TopicRecreated.
	Forward(topic string, topicID [16]byte, partition int32, offset int64) Mapping
	// Mirrored lists the primary topics this mapper answers for, with their partition counts (safety rule 8).
	Mirrored() map[string]int32
	// Want tells the source which offset of a partition somebody is waiting for. Cheap; it may be forgotten.
	Want(topic string, partition int32, offset int64)
}

// Advance is what a mapping source says to the loop: something about a partition's mapping is new.
type Advance struct {
	Topic     string
	Partition int32
	// All asks for every key of the partition to be planned again (log start moved, runs dropped, topic recreated), not
	// only those that wait for the frontier. Partition -1 means every partition of the topic.
	All bool
	// Refined says that positions which were not exact may be better known now: keys that wait are planned again. What was
	// answered before stays right.
	Refined bool
}
