package failover

import "time"

// Step is where a failover stands. A step that is named has not been finished yet.
type Step string

const (
	Preflight  Step = "preflight" // may this begin at all?
	Stop       Step = "stop"      // groups are still running on the primary
	Drain      Step = "drain"     // the mirror has not reached the primary's end
	Freeze     Step = "freeze"    // write down what is known of a primary that is gone
	Sync       Step = "sync"      // positions are not written yet
	Verify     Step = "verify"    // the records at the positions
	Switch     Step = "switch"    // topics change hands
	HandOver   Step = "hand_over" // groups do
	Done       Step = "done"
	TakeBack   Step = "take_back"
	RolledBack Step = "rolled_back"
)

var (
	planned   = []Step{Preflight, Stop, Drain, Sync, Verify, Switch, HandOver, Done}
	unplanned = []Step{Freeze, Sync, Verify, Switch, HandOver, Done}
)

// Steps lists those of a kind, in order.
func Steps(unplannedToo bool) []Step {
	if unplannedToo {
		return unplanned
	}
	return planned
}

// Scope says what is failed over: the groups, and the topics whose role changes. Empty lists mean all of the link's.
type Scope struct {
	Groups []string `json:"groups,omitempty"`
	Topics []string `json:"topics,omitempty"`
}

// State is a failover under way, or the last one.
type State struct {
	ID        string `json:"id"`
	Unplanned bool   `json:"unplanned"`
	Scope     Scope  `json:"scope"`
	// TopicsOnly: topics change hands also where no group is known.
	TopicsOnly bool `json:"topics_only,omitempty"`
	Step       Step `json:"step"`
	// Who took it forward last, and Why it was begun; Past says it of each step.
	Who     string    `json:"who"`
	Why     string    `json:"why,omitempty"`
	Began   time.Time `json:"began"`
	Changed time.Time `json:"changed"`
	Version string    `json:"version"` // of leftoff
	// Past steps, oldest first.
	Past []Passed `json:"past"`

	// Seen is what was known when an unplanned one began.
	Seen *Seen `json:"seen,omitempty"`
	// Found are the topics that were known when it began. A leftoff that goes on with it, on an empty disk with the primary gone, may know fewer.
	Found []string `json:"found,omitempty"`
	// Groups as they were handed over.
	Groups []GroupReport `json:"groups,omitempty"`
	// Topics that changed hands.
	Topics []TopicReport `json:"topics,omitempty"`
	// Checked is what verify found.
	Checked *Checked `json:"checked,omitempty"`
	// Home is set on the way home.
	Home *Home `json:"home,omitempty"`
	// Notes are what a person has to look after.
	Notes []string `json:"notes,omitempty"`
	// Accepted problems: a person said --accept.
	Accepted []string `json:"accepted,omitempty"`
}

// Over says whether nothing is under way any more.
func (s *State) Over() bool {
	return s == nil || s.Step == Done || s.Step == RolledBack || s.Step == AtHome
}

// Passed is a step that was finished.
type Passed struct {
	Step Step      `json:"step"`
	At   time.Time `json:"at"`
	Said string    `json:"said,omitempty"`
	// Who took it, why, in their words, and the problems that they accepted at it.
	Who      string   `json:"who,omitempty"`
	Why      string   `json:"why,omitempty"`
	Accepted []string `json:"accepted,omitempty"`
}

// lastWhy is the reason that was given for the last change.
func (s *State) lastWhy() string {
	if len(s.Past) == 0 {
		return s.Why
	}
	return s.Past[len(s.Past)-1].Why
}

// Role says who writes a topic on the secondary.
type Role struct {
	// Name is forward (the mirror) or switched (producers of the secondary).
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	ID   string    `json:"id,omitempty"` // of the failover
	// Marks are (P*, S*) of each partition: what was mirrored of the primary, and where that ends on the secondary.
	Marks []Mark `json:"marks,omitempty"`
}

const (
	Forward  = "forward"
	Switched = "switched"
)

// Mark is (P*, S*) of one partition. −1: not known.
type Mark struct {
	Partition int32 `json:"partition"`
	Primary   int64 `json:"primary"`
	Secondary int64 `json:"secondary"`
}

// Unmirrored are the records of a partition that were never mirrored, at least.
type Unmirrored struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"` // on the primary
	To        int64  `json:"to"`   // its end when it was last asked for
}

// GroupReport is a group at the moment of the hand-over.
type GroupReport struct {
	Group   string `json:"group"`
	Offsets int    `json:"offsets"`
	// Confidence is the least of its positions.
	Confidence string `json:"confidence"`
	// Reread bounds the records read again; −1: no bound known.
	Reread int64 `json:"reread_records"`
	// Missing partitions have no offset on the secondary.
	Missing int    `json:"missing,omitempty"`
	Verdict string `json:"verdict"` // handed_over, or taken_over where its consumers were faster
	Said    string `json:"said,omitempty"`
}

// TopicReport is a topic that changed hands.
type TopicReport struct {
	Topic string `json:"topic"`
	There string `json:"there"`
	Marks []Mark `json:"marks"`
	// Fenced: leftoff's mirror copies it, and stopped. Else somebody else's does, who has to be stopped by hand.
	Fenced bool `json:"fenced"`
}

// Checked is what verify found, by verdict.
type Checked struct {
	At       time.Time      `json:"at"`
	Alone    bool           `json:"alone"` // on the secondary only: the primary was gone
	Verdicts map[string]int `json:"verdicts"`
	Bad      []string       `json:"bad,omitempty"` // sentences, up to 100
	Of       []string       `json:"-"`             // the groups that Bad is of, as far as it is of any
}
