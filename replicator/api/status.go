package api

import "time"

// Status is GET /status.
type Status struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Links   []Link    `json:"links"`
}

// Link is one link's state.
type Link struct {
	Name      string    `json:"name"`
	At        time.Time `json:"at"`
	Ready     bool      `json:"ready"`    // both offsets topics are read up to where they ended at start
	Writable  bool      `json:"writable"` // ready, and the gate is open
	Primary   Side      `json:"primary"`
	Secondary Side      `json:"secondary"`
	Stamp     string    `json:"stamp"` // untried | kept | dropped by the secondary
	Totals    Totals    `json:"totals"`
	Holds     []Hold    `json:"holds"`  // what is not written, worst first
	Floors    []Floor   `json:"floors"` // what is not exact, the largest bounds first
	// Source is what the mapping does to know; absent where it compares no records.
	Source *Compare `json:"source,omitempty"`
	// Drill is what is known of the drills that the link makes by itself; absent where it makes none.
	Drill *Drill `json:"drill,omitempty"`
	// Failover is where a failover, or the way home, stands; absent where none was begun, or all of it is undone.
	Failover *LinkFailover `json:"failover,omitempty"`
	// Problems of the mapping source and the index, in sentences.
	Problems []string `json:"problems"`
	// Deleted are groups with offsets that the primary has no more, and that stay on the secondary; absent where there are none.
	Deleted  []Deleted `json:"deleted_on_primary,omitempty"`
	Counters Counters  `json:"counters"`
	Groups   []Group   `json:"groups"`
}

// LinkFailover is where a failover stands.
type LinkFailover struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"` // planned | unplanned | failback
	Step    string    `json:"step"` // the first that is not finished; done
	Who     string    `json:"who"`  // took it forward last
	Changed time.Time `json:"changed"`
	To      string    `json:"to"`              // the cluster that groups go to
	Topics  int       `json:"switched_topics"` // written on the secondary
	Groups  int       `json:"groups"`          // let go of by it
}

// Deleted counts offsets of a group.
type Deleted struct {
	Group   string `json:"group"`
	Offsets int    `json:"offsets"`
	Reason  string `json:"reason,omitempty"` // with tombstones: delete, why the secondary refused to delete one
}

// Side is one cluster of a link.
type Side struct {
	ClusterID string     `json:"cluster_id"`
	CaughtUp  bool       `json:"caught_up"`
	Error     string     `json:"error,omitempty"` // empty where the cluster is reachable
	Since     *time.Time `json:"since,omitempty"`
	Offsets   int        `json:"offsets"` // committed (group, topic, partition) known
}

// Totals counts over a link. Offsets counts committed (group, topic, partition) of chosen topics.
type Totals struct {
	Groups         int   `json:"groups"`
	GroupsFiltered int   `json:"groups_filtered"`
	GroupsLive     int   `json:"groups_live"`
	GroupsInFlight int   `json:"groups_in_flight"`
	Offsets        int   `json:"offsets"`
	Exact          int   `json:"exact"`
	Floor          int   `json:"floor"`
	Behind         int   `json:"behind"`
	Unmapped       int   `json:"unmapped"`
	Pending        int   `json:"pending"` // a better position is being looked for
	Held           int   `json:"held"`
	Due            int   `json:"due"`
	Missing        int   `json:"missing"`
	LagRecords     int64 `json:"lag_records"`
	RereadRecords  int64 `json:"reread_records"` // sum of the known bounds
	SkipRecords    int64 `json:"skip_records"`
	Uncommitted    int   `json:"uncommitted"`
}

// Hold is one reason with how many offsets it keeps back.
type Hold struct {
	Reason  string `json:"reason"`
	Rank    int    `json:"rank"` // 0 records would be skipped, 1 a person has to act, 2 look by day, 3 passes, 4 as wished
	Offsets int    `json:"offsets"`
	Groups  int    `json:"groups"`
	Meaning string `json:"meaning"`
	Do      string `json:"do"`               // what a person can do
	Detail  string `json:"detail,omitempty"` // of one of them
}

// State says in a word how a group stands.
type State string

const (
	InStep     State = "in_step"     // the secondary holds what it should
	Writing    State = "writing"     // something is due, or waits for the mirror
	Held       State = "held"        // something is not written; see reasons
	Live       State = "live"        // consumers run on the secondary
	TakenOver  State = "taken_over"  // consumers ran there; leftoff waits for a reclaim
	HandedOver State = "handed_over" // leftoff let go of it at a failover
)

// Group is one consumer group.
type Group struct {
	Group   string     `json:"group"`
	State   State      `json:"state"`
	Live    bool       `json:"live"`              // members on the secondary
	Verdict string     `json:"verdict,omitempty"` // taken_over, handed_over, reclaimed
	Why     string     `json:"why,omitempty"`
	Since   *time.Time `json:"since,omitempty"` // of the verdict
	Offsets int        `json:"offsets"`         // partitions committed, of chosen topics
	// Confidence is the least of all its positions: exact, behind, floor or unmapped.
	Confidence string `json:"confidence"`
	// Pending positions are those of which a better one is being looked for.
	Pending int `json:"pending"`
	// LagRecords would be read again now because the secondary does not hold the newest position yet.
	LagRecords int64 `json:"lag_records"`
	// RereadRecords bounds what is read again beyond that because a position is not exact; null where no bound is known.
	RereadRecords *int64 `json:"reread_records"`
	// SkipRecords lie between where the group should resume and a higher value that stands on the secondary.
	SkipRecords int64 `json:"skip_records"`
	// Missing partitions have no offset on the secondary: auto.offset.reset would decide.
	Missing int      `json:"missing"`
	Held    int      `json:"held"`
	Due     int      `json:"due"`
	Reasons []string `json:"reasons"` // of the held ones, worst first
	// Uncommitted partitions are mirrored, but the group has no commit for them on the primary either.
	Uncommitted []Partition `json:"uncommitted,omitempty"`
	// Entries is in /groups only.
	Entries []Entry `json:"entries,omitempty"`
}

// Partition names one.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// Key names a committed offset that is not there.
type Key struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// Entry is the plan for one committed offset.
type Entry struct {
	Group          string     `json:"group"`
	Topic          string     `json:"topic"`
	Partition      int32      `json:"partition"`
	Offset         int64      `json:"offset"` // committed on the primary
	CommittedAt    *time.Time `json:"committed_at,omitempty"`
	SecondaryTopic string     `json:"secondary_topic,omitempty"`
	Position       *int64     `json:"position"` // on the secondary; null where there is none
	Confidence     string     `json:"confidence"`
	RereadRecords  *int64     `json:"reread_records"` // null where no bound is known
	Written        *int64     `json:"written"`        // what the secondary holds; null: nothing
	Ours           bool       `json:"ours"`           // leftoff wrote it
	Write          bool       `json:"write"`          // would be written now
	Pending        bool       `json:"pending"`        // a better position is being looked for
	Reason         string     `json:"reason,omitempty"`
	Detail         string     `json:"detail,omitempty"` // of the reason
	Floor          string     `json:"floor,omitempty"`  // of a floor: what would make it exact
}

// Groups is GET /groups.
type Groups struct {
	Links []LinkGroups `json:"links"`
}

// LinkGroups is one link's.
type LinkGroups struct {
	Name   string  `json:"name"`
	Groups []Group `json:"groups"`
}

// Plan is GET /plan.
type Plan struct {
	At    time.Time  `json:"at"`
	Links []LinkPlan `json:"links"`
}

// LinkPlan is what would be written now, and why the rest would not.
type LinkPlan struct {
	Name     string  `json:"name"`
	Ready    bool    `json:"ready"`
	Writable bool    `json:"writable"`
	Write    []Entry `json:"write"`
	Hold     []Entry `json:"hold"`
	// Remove are offsets that the primary deleted, and that leftoff deletes on the secondary as well (policy tombstones: delete).
	Remove      []Removal `json:"remove"`
	InStep      int       `json:"in_step"`
	Uncommitted []Key     `json:"uncommitted,omitempty"`
	Holds       []Hold    `json:"holds"`
	Floors      []Floor   `json:"floors"` // those in step, too
}

// Removal is an offset that would be deleted on the secondary.
type Removal struct {
	Group          string `json:"group"`
	Topic          string `json:"topic"`
	Partition      int32  `json:"partition"`
	SecondaryTopic string `json:"secondary_topic,omitempty"`
	Written        int64  `json:"written"` // what the secondary holds
	Reason         string `json:"reason"`  // why it is deleted: deleted_on_primary
	// Held is why it is not deleted now; absent where it is due.
	Held   string `json:"held,omitempty"`
	Detail string `json:"detail,omitempty"` // of the hold
}

// DeletedOnPrimary is the reason of a Removal: the primary's log has a tombstone of the offset.
const DeletedOnPrimary = "deleted_on_primary"

// Counters are totals since the daemon started.
type Counters struct {
	CommitsRead      int64 `json:"commits_read"`
	OffsetsWritten   int64 `json:"offsets_written"`
	CommitsCoalesced int64 `json:"commits_coalesced"`
	OffsetsRefused   int64 `json:"offsets_refused"`
	Rewinds          int64 `json:"rewinds"`
	Raised           int64 `json:"raised"`
	Refreshed        int64 `json:"refreshed"`
	Removed          int64 `json:"removed"`
	Unreadable       int64 `json:"unreadable"`
	UnknownTypes     int64 `json:"unknown_types"`
}
