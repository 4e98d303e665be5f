package judge

import (
	"fmt"
	"time"
)

// Rule is a safety rule of DESIGN §5.
type Rule string

const (
	NeverAhead     Rule = "never ahead"      // a written position exceeds T of every commit it can come from
	NeverInvented  Rule = "never invented"   // a position was written for a key that the primary never committed
	NeverLive      Rule = "never live"       // a group with members on the secondary was written
	NeverClobber   Rule = "never clobber"    // a value that no leftoff wrote was overwritten
	NeverTakenOver Rule = "never taken over" // a group was written after it had lived on the secondary
	NeverBackwards Rule = "never backwards"  // a position went back although the primary's commits did not
	NeverMissing   Rule = "never missing"    // a mirrored partition of a committed group has no offset, unreported
	Undecodable    Rule = "undecodable"      // the judge could not read a record: nothing is proven
)

// Violation is one broken rule.
type Violation struct {
	Rule   Rule
	Key    Key // the secondary's
	Wrote  int64
	Record string // where in the secondary's offsets topic
	At     time.Time
	Why    string
}

func (v Violation) String() string {
	if v.Record == "" {
		return fmt.Sprintf("%s: %s: %s", v.Rule, v.Key, v.Why)
	}
	return fmt.Sprintf("%s: %s: wrote %d (record %s, %s): %s", v.Rule, v.Key, v.Wrote, v.Record, v.At.UTC().Format("15:04:05.000"), v.Why)
}

func violation(rule Rule, w Write, format string, args ...any) Violation {
	v := Violation{Rule: rule, Key: w.Key, Record: fmt.Sprintf("%d/%d", w.OffsetsPart, w.Record), At: w.At, Why: fmt.Sprintf(format, args...)}
	if w.Value != nil {
		v.Wrote = w.Value.Offset
	}
	return v
}
