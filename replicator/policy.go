package replicator

import "strings"

// Policy holds the choices of DESIGN §5; the zero value is not valid, take Defaults.
type Policy struct {
	Rewind       string // follow | never
	Tombstones   string // keep | delete
	FirstContact string // adopt-if-behind | keep | overwrite
	Unmapped     string // start | hold
	After        string // none | auto | topics of the primary: [a, b]
}

// DefaultPolicy is what a link does when its configuration says nothing.
func DefaultPolicy() Policy {
	return Policy{Rewind: "follow", Tombstones: "keep", FirstContact: "adopt-if-behind", Unmapped: "start", After: "auto"}
}

// AfterTopics reads policy `after`: auto, or topics, or neither, which is none. Names of topics have no comma and no bracket.
func AfterTopics(after string) (topics []string, auto bool) {
	if after == "auto" {
		return nil, true
	}
	list, ok := strings.CutPrefix(after, "[")
	list, closed := strings.CutSuffix(list, "]")
	if !ok || !closed {
		return nil, false
	}
	for _, t := range strings.Split(list, ",") {
		if t = strings.TrimSpace(t); t != "" {
			topics = append(topics, t)
		}
	}
	return topics, false
}
