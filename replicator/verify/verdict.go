package verify

// Verdict is what the records around a group's two offsets show. The strings are stable.
type Verdict string

const (
	// SameRecord: the next record is the same on both sides, and so is the one below.
	SameRecord Verdict = "same_record"
	// AtEnd: there is no next record yet on either side.
	AtEnd Verdict = "at_end"
	// Gap: the next record that was mirrored is the same; something beside it is on one side only, as a filter, a log start or
	// aborted records leave it. Nothing is skipped.
	Gap Verdict = "gap"
	// NotMirroredYet: the primary has a next record, the secondary has not come to it.
	NotMirroredYet Verdict = "not_mirrored_yet"
	// Rereads: nothing is skipped, and records that the group has read would be read again.
	Rereads Verdict = "rereads"
	// Skips: records that the group has not read lie below its position on the secondary, and nowhere above.
	Skips Verdict = "skips"
	// Different: what is next on one side was not found near the position on the other one.
	Different Verdict = "different"
	// OutOfRange: the secondary does not have that offset; a consumer would be reset.
	OutOfRange Verdict = "out_of_range"
	// NoOffset: the secondary holds none.
	NoOffset Verdict = "no_offset"
	// TopicMissing: the secondary has no such topic or partition.
	TopicMissing Verdict = "topic_missing"
	// CantTell: records are alike, so that the place can't be told from others.
	CantTell Verdict = "cant_tell"
	// Moving: an offset changed while it was looked at, and again.
	Moving Verdict = "moving"
	// Unreadable: a side could not be read.
	Unreadable Verdict = "unreadable"
)

// Verdicts are all of them, worst first.
var Verdicts = []Verdict{Skips, OutOfRange, Different, NoOffset, TopicMissing, Unreadable, CantTell, Rereads, Moving, NotMirroredYet, Gap, AtEnd, SameRecord}

// Fine: the group resumes where it should.
func (v Verdict) Fine() bool { return v == SameRecord || v == AtEnd || v == Gap }

// Bad: records would be skipped, are not the same, or nothing shows that they are.
func (v Verdict) Bad() bool {
	switch v {
	case Skips, OutOfRange, Different, NoOffset, TopicMissing, CantTell:
		return true
	}
	return false
}

func (v Verdict) rank() int {
	for i, w := range Verdicts {
		if v == w {
			return i
		}
	}
	return len(Verdicts)
}
