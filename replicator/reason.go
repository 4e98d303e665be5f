package replicator

import "fmt"

// Reason says why leftoff does not write a commit. The set is closed (docs/reasons.md): metrics are labelled with it.
type Reason uint8

const (
	NoReason Reason = iota // written, or nothing to write
	GroupLive
	TakenOver
	HandedOver
	ForeignValue
	OtherReplicator
	AheadOnSecondary
	RewindNever
	Unmapped
	TopicMissing
	PartitionMissing
	PartitionMismatch
	TopicRecreated
	ShareGroupID
	Filtered
	Unauthorized
	MetadataTooLarge
	CatchingUp
	WaitingForOutputs
	SourceDegraded
	Unreachable
	NotOwner
	reasonCount
)

var reasonNames = [reasonCount]string{
	"", "group_live", "taken_over", "handed_over", "foreign_value", "other_replicator", "ahead_on_secondary", "rewind_never",
	"unmapped", "topic_missing", "partition_missing", "partition_mismatch", "topic_recreated", "share_group", "filtered",
	"unauthorized", "metadata_too_large", "catching_up", "waiting_for_outputs", "source_degraded", "unreachable", "not_owner",
}

func (r Reason) String() string { return reasonNames[r] }

// Reasons lists the closed set, without NoReason.
func Reasons() []Reason {
	all := make([]Reason, 0, reasonCount-1)
	for r := GroupLive; r < reasonCount; r++ {
		all = append(all, r)
	}
	return all
}

// MarshalText and UnmarshalText keep the names in JSON.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r *Reason) UnmarshalText(text []byte) error {
	for i, name := range reasonNames {
		if name == string(text) {
			*r = Reason(i)
			return nil
		}
	}
	return fmt.Errorf("unknown reason %q", text)
}
