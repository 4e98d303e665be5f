package checkpoint

import (
	"time"

	"go.uber.org/zap"
)

// Link names the pair of clusters an index belongs to. An empty cluster id means "not known yet" (the cluster is down):
// it matches anything, and Identify fills it in later.
type Link struct {
	Name               string `json:"name"`
	PrimaryClusterID   string `json:"primary_cluster_id"`
	SecondaryClusterID string `json:"secondary_cluster_id"`
}

// Options of Open.
type Options struct {
	Link        Link
	ReadOnly    bool
	LockTimeout time.Duration // 0 = 2 s
	Logger      *zap.Logger   // nil = none
}

// Side names one of the two clusters of a link.
type Side uint8

const (
	Primary Side = iota
	Secondary
)

// Topic is a topic's name and id on one cluster.
type Topic struct {
	Name string
	ID   [16]byte
}

// Topics is what Pair pairs: a primary topic and its mirrored one.
type Topics struct {
	Primary    Topic
	Secondary  Topic
	Partitions int32
	Source     string // the mapping source: mirror, identity, …
}

// PairInfo is a pair as the index holds it. Numbers are never used again.
type PairInfo struct {
	Number uint32
	Topics
	Retired bool
}

// EpochStart is a leader epoch and the first offset seen written under it.
type EpochStart struct {
	Epoch int32
	Start int64
}

// VerdictKind says why a group is, or is not, ours to write.
type VerdictKind uint8

const (
	NoVerdict VerdictKind = iota
	TakenOver
	Foreign
	HandedOver
	Reclaimed
)

var verdictNames = [...]string{"", "taken_over", "foreign", "handed_over", "reclaimed"}

func (k VerdictKind) String() string {
	if int(k) < len(verdictNames) {
		return verdictNames[k]
	}
	return "unknown"
}

// Verdict is a durable judgement on a group of the secondary.
type Verdict struct {
	Kind VerdictKind `json:"kind"`
	At   time.Time   `json:"at"`
	Why  string      `json:"why"`
	// LogEpoch and LogOffset say where in the secondary's `__consumer_offsets` partition it was seen.
	LogEpoch  int32 `json:"log_epoch"`
	LogOffset int64 `json:"log_offset"`
}

// OffsetKey is one committed offset's place. Topic is the primary's name.
type OffsetKey struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// Intent is the last value leftoff wrote, or was about to write, for a key: for brokers that drop the stamp.
type Intent struct {
	OffsetKey
	Offset int64     `json:"offset"`
	At     time.Time `json:"at"`
}

// Held is a commit of the primary that is not written yet, kept for the day the primary is gone.
type Held struct {
	OffsetKey
	Offset      int64  `json:"offset"`
	Metadata    string `json:"metadata,omitempty"`
	CommittedAt int64  `json:"committed_at"` // ms since the epoch
	TopicID     [16]byte
	LogEpoch    int32 `json:"log_epoch"` // where it stood in the primary's `__consumer_offsets`
	LogOffset   int64 `json:"log_offset"`
}

// Stats counts.
type Stats struct {
	Runs        int64 `json:"runs"`       // of the main line
	Superseded  int64 `json:"superseded"` // copies that were made again later
	Blocks      int64 `json:"blocks"`
	BlockBytes  int64 `json:"block_bytes"`
	FileBytes   int64 `json:"file_bytes"` // 0 for one partition
	Foreign     int64 `json:"foreign"`    // unaccepted foreign spans
	CachedRuns  int64 `json:"cached_runs"`
	BytesPerRun float64
}
