package drill

import "time"

// Result of a drill.
type Result string

const (
	// Passed: every group resumed where it should, and the targets are met.
	Passed Result = "passed"
	// Failed: some group would skip records, would not resume, or a target is missed. See Report.Findings.
	Failed Result = "failed"
	// Incomplete: nothing bad was seen, and not everything could be looked at. See Report.Problems.
	Incomplete Result = "incomplete"
)

// Report is what a drill found. Its JSON keys are stable.
type Report struct {
	Schema    int       `json:"schema"` // 1
	ID        string    `json:"id"`
	Version   string    `json:"version"` // of leftoff
	Link      string    `json:"link"`
	Mapping   string    `json:"mapping"`
	Began     time.Time `json:"began"`
	Ended     time.Time `json:"ended"`
	Primary   Side      `json:"primary"`
	Secondary Side      `json:"secondary"`
	Asked     Asked     `json:"asked"`
	Result    Result    `json:"result"`
	Findings  []string  `json:"findings"` // why it is not passed
	Problems  []string  `json:"problems"` // what could not be looked at
	Notes     []string  `json:"notes"`
	Summary   Summary   `json:"summary"`
	Groups    []Group   `json:"groups"`
	// Partitions are those that the positions lie in, with what would be lost of each.
	Partitions []Loss  `json:"partitions"`
	Cleanup    Cleanup `json:"cleanup"`
	// Checksum is sha256: and the SHA-256, in hex, of this report without this field and the next one, as compact JSON with sorted keys.
	Checksum string `json:"checksum"`
	// Signature is over the checksum; absent where there is no key.
	Signature *Signature `json:"signature,omitempty"`
}

// Side is one cluster.
type Side struct {
	Name      string `json:"name"`
	ClusterID string `json:"cluster_id"`
	Error     string `json:"error,omitempty"` // it could not be asked
}

// Asked is what the drill was to do.
type Asked struct {
	Group  string `json:"group,omitempty"`
	Topic  string `json:"topic,omitempty"`
	Sample int    `json:"sample,omitempty"` // positions; absent: all
	Seed   string `json:"seed,omitempty"`   // of the sample
	Below  int    `json:"below"`            // records compared below each position, at the most
	Above  int    `json:"above"`            // and read above it
	// RPOSeconds and RTOSeconds are the targets; absent where there is none.
	RPOSeconds float64 `json:"rpo_seconds,omitempty"`
	RTOSeconds float64 `json:"rto_seconds,omitempty"`
	// ConfidenceFrom says who was asked how sure positions are: daemon, or once (the clusters were read for it); empty: nobody.
	ConfidenceFrom string `json:"confidence_from"`
}

// Summary adds up.
type Summary struct {
	Groups         int `json:"groups"`          // resumed, or tried
	GroupsLeftOut  int `json:"groups_left_out"` // that live on the secondary
	Positions      int `json:"positions"`       // checked
	PositionsKnown int `json:"positions_known"` // before a sample was taken
	Resumed        int `json:"resumed"`
	Compared       int `json:"compared"`
	// Confidence counts positions by exact, behind, floor, unmapped, and unknown.
	Confidence map[string]int `json:"confidence"`
	// Verdicts counts positions by what their records show.
	Verdicts       map[string]int `json:"verdicts"`
	SkippedRecords int64          `json:"skipped_records"`
	SkippedAtLeast bool           `json:"skipped_at_least,omitempty"`
	RPO            RPO            `json:"rpo"`
	RTO            RTO            `json:"rto"`
}

// RPO is what would be lost, had the region died when the drill looked.
type RPO struct {
	Known   bool    `json:"known"`
	Records int64   `json:"records"` // on the primary, not on the secondary, of all partitions
	Seconds float64 `json:"seconds"` // age of the oldest of them
	AtLeast bool    `json:"at_least,omitempty"`
}

// RTO is what resuming takes.
type RTO struct {
	RereadRecords int64   `json:"reread_records"` // of all groups
	RereadAtLeast bool    `json:"reread_at_least,omitempty"`
	MaxSeconds    float64 `json:"max_seconds"` // from joining to the first record of the last partition, of the slowest group
	MedianSeconds float64 `json:"median_seconds"`
	JoinSeconds   float64 `json:"join_seconds"` // of it, the longest time to be assigned partitions
}

// Group is one consumer group.
type Group struct {
	Group         string     `json:"group"`
	Shadow        string     `json:"shadow,omitempty"`
	LeftOut       string     `json:"left_out,omitempty"` // why it was not resumed
	Confidence    string     `json:"confidence,omitempty"`
	JoinSeconds   float64    `json:"join_seconds"`
	ResumeSeconds float64    `json:"resume_seconds"`
	Positions     []Position `json:"positions"`
}

// Position is one (group, topic, partition).
type Position struct {
	Topic     string `json:"topic"`
	There     string `json:"there"` // the topic's name on the secondary
	Partition int32  `json:"partition"`
	Primary   *int64 `json:"primary_offset"`   // null where it is not known
	Secondary *int64 `json:"secondary_offset"` // null where there is none
	// Confidence is leftoff's own opinion, and RereadBound its bound; the rest is what was seen.
	Confidence  string `json:"confidence"`
	RereadBound *int64 `json:"reread_bound,omitempty"`

	Resumed       bool    `json:"resumed"`
	ResumeSeconds float64 `json:"resume_seconds"`
	Failure       string  `json:"failure,omitempty"` // why it did not resume

	Read Read `json:"read"`
	// Verdict is what the records around the two offsets show: one of leftoff verify's, or not_compared.
	Verdict string   `json:"verdict"`
	Records int64    `json:"records"` // skipped or read again
	AtLeast bool     `json:"at_least,omitempty"`
	Why     string   `json:"why,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Bad says whether the group would not continue where it left off, as far as can be seen.
func (p *Position) Bad() bool { return p.Failure != "" || badVerdict(p.Verdict) || !p.Resumed }

// Read is what the consumer got, beside what the group would get on the primary.
type Read struct {
	Above     int `json:"above"`      // records at the position and above
	AboveSame int `json:"above_same"` // of them, those that the group would read next on the primary, in that order
	Below     int `json:"below"`      // records below the position
	BelowSame int `json:"below_same"` // of them, those that it has read last on the primary
	// First is the first record above, and PrimaryFirst the primary's.
	First        *Sighting `json:"first,omitempty"`
	PrimaryFirst *Sighting `json:"primary_first,omitempty"`
}

// Sighting is a record, without what it says.
type Sighting struct {
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
	SHA256    string    `json:"sha256"` // of key and value, the first 16 hex digits
}

// Loss is what the primary has of a partition and the secondary has not.
type Loss struct {
	Topic      string  `json:"topic"`
	There      string  `json:"there"`
	Partition  int32   `json:"partition"`
	PrimaryEnd *int64  `json:"primary_end"`
	MirroredTo *int64  `json:"mirrored_to"` // primary offset: everything below is on the secondary; null where it is not known
	Known      bool    `json:"known"`
	Records    int64   `json:"records"`
	AtLeast    bool    `json:"at_least,omitempty"`
	Seconds    float64 `json:"seconds"` // age of the oldest of them
	Why        string  `json:"why,omitempty"`
}

// Cleanup says what became of the shadow groups.
type Cleanup struct {
	Deleted int      `json:"deleted"` // of this drill
	Earlier []string `json:"earlier"` // ids of drills that were killed, whose groups were deleted
	Running []string `json:"running"` // ids of drills that seem to be running
	Left    []string `json:"left"`    // groups that could not be deleted
}
