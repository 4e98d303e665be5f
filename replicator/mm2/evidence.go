package mm2

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Evidence is what speaks for an offset-syncs topic, and against it.
type Evidence struct {
	Candidate
	Records, Malformed int64 // looked at
	// Fits are partitions of the link that its syncs name with offsets that both sides have; Contradicts are those of which
	// one side has no such offset.
	Fits        []Sync
	Contradicts int
	// Same and Different count records that were compared on both sides where syncs say that they are the same.
	Same, Different int
	// Err is why it could not be looked at.
	Err error
}

// Of says whether it is the link's.
func (e *Evidence) Of() bool {
	return len(e.Fits) > e.Contradicts && e.Same >= e.Different
}

// Topics lists the primary topics that its syncs name.
func (e *Evidence) Topics() []string {
	var all []string
	for _, s := range e.Fits {
		all = append(all, s.Topic)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Located is the answer of Locate.
type Located struct {
	// Syncs is the topic of the link, nil where there is none. All is every candidate with what was found, the best first.
	Syncs *Evidence
	All   []Evidence
	// Checkpoints is the link's checkpoints topic on the secondary, "" where there is none.
	Checkpoints string
	// Problem says why there is no Syncs, or what is doubtful about it; with what to do. Empty where all is clear.
	Problem string
}

func (l *Located) conclude() {
	if len(l.All) == 0 {
		l.Problem = cmp.Or(l.Problem, "there is no offset-syncs topic on either side. Try: mapping match; or emit.offset-syncs.enabled=true in MirrorMaker 2")
		return
	}
	best := &l.All[0]
	if !best.Of() {
		l.Problem = l.why()
		return
	}
	l.Syncs = best
	if len(l.All) > 1 && l.All[1].Of() && l.All[1].Same == best.Same && len(l.All[1].Fits) == len(best.Fits) {
		l.Problem = fmt.Sprintf("%s fits as well as %s. Try: mm2: {syncs_topic: …}, with the one of this mirror", l.All[1].describe(), best.describe())
	}
}

// why says what is wrong with each candidate.
func (l *Located) why() string {
	var all []string
	for i := range l.All {
		all = append(all, l.All[i].reject())
	}
	return strings.Join(all, "; ") + ". Try: mapping match, or mm2: {syncs_topic: …}, with the one of this mirror"
}

func (e *Evidence) describe() string { return fmt.Sprintf("%s on the %s", e.Topic, e.On) }

func (e *Evidence) reject() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("%s can't be read: %v", e.describe(), e.Err)
	case e.Records == 0:
		return e.describe() + " is empty"
	case 2*e.Malformed > e.Records:
		return fmt.Sprintf("%s is not an offset-syncs topic: %d of %d records do not decode", e.describe(), e.Malformed, e.Records)
	case len(e.Fits)+e.Contradicts == 0:
		return e.describe() + " names none of the link's topics"
	case len(e.Fits) <= e.Contradicts:
		return fmt.Sprintf("%s names offsets that one side does not have, for %d of %d partitions: another mirror's, or from before a topic was recreated", e.describe(), e.Contradicts, len(e.Fits)+e.Contradicts)
	default:
		return fmt.Sprintf("%s says of %d of %d records that they are the same on both sides, and they are not: another mirror's", e.describe(), e.Different, e.Same+e.Different)
	}
}
