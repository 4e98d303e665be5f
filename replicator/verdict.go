package replicator

// VerdictKind says who a group belongs to on the secondary. Verdicts are durable (package checkpoint).
type VerdictKind uint8

const (
	NoVerdict VerdictKind = iota
	// VerdictTakenOver: a member joined or a commit that is not ours was seen on the secondary. Never written until reclaimed.
	VerdictTakenOver
	// VerdictHandedOver: leftoff let go of the group at a failover.
	VerdictHandedOver
	// VerdictReclaimed: a person gave the group back. What the secondary's log says up to Order no longer counts.
	VerdictReclaimed
)

var verdictNames = [...]string{"", "taken_over", "handed_over", "reclaimed"}

func (v VerdictKind) String() string { return verdictNames[v] }

// Verdict is the conclusion about one group.
type Verdict struct {
	Kind  VerdictKind
	At    int64 // ms since the epoch
	Why   string
	Order Order // where in the group's partition of the secondary's `__consumer_offsets` it was concluded
}
