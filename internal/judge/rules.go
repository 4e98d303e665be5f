package judge

import "time"

// Rules say what is allowed beyond the default policies. The zero value is the default policies of DESIGN §5.
type Rules struct {
	// Slack is how long after a commit leftoff may still write a position that comes from the one before it. 5 s if zero:
	// rule 1 is about positions, not about latency.
	Slack time.Duration
	// Skew is how far the two clusters' clocks may differ. 50 ms if zero.
	Skew time.Duration
	// Link restricts the check to what this link wrote; nil is any leftoff.
	Link *int
	// Groups restricts it to some groups; nil is all.
	Groups func(string) bool

	// Ours tells leftoff's writes where the broker drops the stamp; nil goes by the stamp.
	Ours func(Write) bool

	FirstContact FirstContact
	// Reclaimed groups may be written again although they have lived on the secondary, and their foreign values be
	// overwritten.
	Reclaimed map[string]bool
	// RewindNever is the policy rewind: never.
	RewindNever bool
	// Fell reports that T of a key fell, so that going back was right: truncation, a recreated topic.
	Fell func(Key) bool
	// Exempt keeps a write from being judged: written before a truncation, to a topic that was recreated since.
	Exempt func(Write) bool
	// Holds are the keys of the secondary that leftoff reported as not written. Their value is the reason.
	Holds map[Key]string
}

// FirstContact is the policy for a value that leftoff did not write and finds on the secondary.
type FirstContact int

const (
	// AdoptIfBehind overwrites it only where the secondary knows no group record, its leader epoch is −1 and it is not
	// ahead of what is written.
	AdoptIfBehind FirstContact = iota
	Keep
	Overwrite
)

func (r Rules) withDefaults() Rules {
	if r.Slack == 0 {
		r.Slack = 5 * time.Second
	}
	if r.Skew == 0 {
		r.Skew = 50 * time.Millisecond
	}
	return r
}

// mark reports that a leftoff wrote it.
func (r Rules) mark(w Write) bool {
	if r.Ours != nil {
		return r.Ours(w)
	}
	return w.Value.Stamped()
}

// ours reports whether the rules are about this write: by a leftoff, of the link and of a group in question.
func (r Rules) ours(w Write) bool {
	if w.Value == nil || !r.mark(w) || !r.wants(w.Group) || (r.Exempt != nil && r.Exempt(w)) {
		return false
	}
	link, _, ok := w.Value.Stamp()
	return r.Link == nil || (ok && *r.Link == link)
}

func (r Rules) wants(group string) bool { return r.Groups == nil || r.Groups(group) }
