package replicator

// Policy holds the choices of DESIGN §5; the zero value is not valid, take Defaults.
type Policy struct {
	Rewind       string // follow | never
	Tombstones   string // keep | delete
	FirstContact string // adopt-if-behind | keep | overwrite
	Unmapped     string // start | hold
	After        string // none (auto comes with a later issue)
}

// DefaultPolicy is what a link does when its configuration says nothing.
func DefaultPolicy() Policy {
	return Policy{Rewind: "follow", Tombstones: "keep", FirstContact: "adopt-if-behind", Unmapped: "start", After: "none"}
}
