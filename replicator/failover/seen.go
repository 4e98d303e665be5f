package failover

import (
	"fmt"
	"time"
)

// Seen is what was known of the primary when it was gone.
type Seen struct {
	// At is when it was written down.
	At time.Time `json:"at,omitzero"`
	// LastCommit is the newest commit seen, Ends when the primary's ends were last asked for; zero: never.
	LastCommit time.Time `json:"last_commit,omitzero"`
	Ends       time.Time `json:"ends,omitzero"`
	// NeverMirrored is how many records were on the primary and are not on the secondary, at least; −1: of no partition is it known.
	NeverMirrored int64 `json:"never_mirrored"`
	// Uncounted are partitions of which it is not known: what they have lost comes on top. Offsets that may be missing are records for sure only
	// where leftoff's own mirror copied, and no transaction or deletion took offsets.
	Uncounted int `json:"uncounted_partitions,omitempty"`
	// Partitions with such, most first, up to 100.
	Partitions []Unmirrored `json:"partitions,omitempty"`
}

// Age is how old the last commit that was seen was when this was written down; 0: not known.
func (s Seen) Age() time.Duration { return age(s.LastCommit, s.At) }

func age(of, at time.Time) time.Duration {
	if of.IsZero() || at.IsZero() {
		return 0
	}
	return max(0, at.Sub(of)) // the commit's time is the primary's clock
}

// String says what was known, with "at least" where more may be lost.
func (s Seen) String() string {
	commit := "no commit was ever seen"
	if !s.LastCommit.IsZero() {
		commit = "the last commit seen is of " + s.moment(s.LastCommit)
	}
	return commit + "; " + s.lost()
}

// lost says how much was never mirrored.
func (s Seen) lost() string {
	switch {
	case s.Ends.IsZero():
		return "how many records were never mirrored is not known: the primary's ends were not asked for"
	case s.NeverMirrored < 0:
		return fmt.Sprintf("of none of the %d partitions is it known how many records were never mirrored", s.Uncounted)
	}
	lost := fmt.Sprintf("at least %d records were never mirrored, as of %s", s.NeverMirrored, s.moment(s.Ends))
	if s.Uncounted > 0 {
		lost += fmt.Sprintf("; of %d more partitions it is not known", s.Uncounted)
	}
	return lost
}

// moment is a time, and how long before the freeze that was.
func (s Seen) moment(at time.Time) string {
	text := at.UTC().Format(time.RFC3339Nano)
	if s.At.IsZero() {
		return text
	}
	return fmt.Sprintf("%s, %s before this was written down", text, about(age(at, s.At)))
}

// about is a duration for people.
func about(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
