package replicator

import "time"

// DrillState is what is known of the drills that a link makes by itself.
type DrillState struct {
	Every   time.Duration
	Running bool
	// Last is when the newest one that was finished ended, Success the newest that has passed, Next when one is due; zero: there is none.
	Last, Success, Next time.Time
	Result              string         // of the newest: passed, failed, incomplete; empty: none yet
	Said                string         // its first finding, or problem
	Report              string         // where it is kept
	Positions           map[string]int // it checked, by what their records show
	// RPO is the age of the oldest record that would have been lost, where that is known, and RTO the longest time to resume.
	RPO, RTO time.Duration
	RPOKnown bool
	Held     string // why the one that is due waits
	Error    string // why the last attempt could not be done
}
