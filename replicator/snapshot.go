package replicator

import (
	"time"

	"github.com/leftoff/leftoff/translate"
)

// Snapshot is a link's state at one moment, for status, plan, metrics and the HTTP API. It shares nothing with the loop.
type Snapshot struct {
	At       time.Time
	Link     string
	Writable bool // both tails caught up, both clusters known
	Sides    [2]SideState
	Groups   []GroupSnapshot // sorted by group
	// Deleted are offsets that stay on the secondary although the primary has them no more (policy tombstones); with detail only.
	Deleted []DeletedGroup
	// Removals are those of them that leftoff deletes on the secondary (policy tombstones: delete); with detail only.
	Removals []Removal
	// Problems are sentences about the mapping source and the index: what does not work, and what to do.
	Problems []string
	Source   SourceState
	Drill    *DrillState // nil where the link makes none by itself
	Filtered int         // groups that the configuration leaves out
	Stamp    string      // untried | kept | dropped: whether the secondary keeps leftoff's mark
	InFlight int         // groups with a request under way
	// OutputsSince is since when the commit waits that waits longest for outputs (policy `after`); zero when none does.
	OutputsSince time.Time
	Counters     Counters
	// Failover is where the newest failover, or way home, stands; nil where none was begun, and where nothing of it is so any more.
	Failover *FailoverState
}

// SourceState is what the mapping source says of its own work. Mappings that compare no records leave all but Mapping zero.
type SourceState struct {
	Mapping string // as configured
	// Chosen counts topics by the mapping that auto took for them; nil for other mappings.
	Chosen     map[string]int
	Partitions int   // on both sides
	Ready      int   // of them: looked at
	Wanted     int   // offsets that are being looked for
	Probes     int64 // offsets looked for since the start
	Conflicts  int64 // how often what was compared contradicted what was known, and was compared anew
	Fetches    [2]int64
	Bytes      [2]int64 // read to compare, by side
	// Recognised says by what records are recognised where not whole records are the same on both sides.
	Recognised string
}

// FailoverState is where a failover stands.
type FailoverState struct {
	ID      string
	Kind    string    // planned | unplanned | failback
	Step    string    // the first that is not finished; done
	Who     string    // took it forward last
	Changed time.Time // when it came to this step
	To      string    // the cluster that groups go to
	Topics  int       // that are written on the secondary, whichever failover switched them
	Groups  int       // of this one that are still let go of
}

// SideState is what the link knows of one cluster.
type SideState struct {
	ClusterID string
	CaughtUp  bool
	Error     string // last error, empty when reachable
	Since     time.Time
	Pairs     int // committed (group, topic, partition) keys known
}

// GroupSnapshot is one consumer group with its planned commits.
type GroupSnapshot struct {
	Group   string
	Live    bool   // members on the secondary
	Started bool   // it had members, or committed, there since it was handed over
	Verdict string // taken_over, handed_over, reclaimed or empty
	Why     string
	Since   time.Time // of the verdict
	Entries []Entry   // sorted by topic and partition
	// Uncommitted lists the mirrored partitions of this group's topics for which the primary has no commit of the group: a
	// consumer with auto.offset.reset=latest would start at their end (safety rule 8).
	Uncommitted []Key
}

// Entry is the plan for one key: what would be written, or why it is not.
type Entry struct {
	Commit   Commit
	Topic    string // the secondary's name
	Position translate.Position
	// Written is the secondary's value, as its own log has it.
	Written    int64
	HasWritten bool
	Ours       bool // the secondary's value carries a stamp
	// Write says this entry is due: Position differs from Written and Reason is NoReason.
	Write  bool
	Reason Reason
	Detail string // of the hold; without one, Floor
	// Floor says of a position that is no more than safe what would make it exact.
	Floor string
	// Pending says that the mapping source is looking for a better position.
	Pending bool
}

// Counters are totals since the process started.
type Counters struct {
	Commits      int64 // changes read from the primary
	Written      int64 // offsets acknowledged by the secondary
	Coalesced    int64 // commits superseded before they were sent
	Failed       int64 // offsets refused
	Rewinds      int64
	Raised       int64 // positions raised because the secondary's log start passed them
	Refreshed    int64 // idle offsets committed again
	Removed      int64 // offsets deleted because the primary's were (policy tombstones)
	Unreadable   int64
	UnknownTypes int64
}
