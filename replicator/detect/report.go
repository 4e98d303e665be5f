package detect

import "github.com/leftoff/leftoff/configs"

// Report is what `leftoff detect` says of a link. Its JSON keys are stable.
type Report struct {
	// Mirror is what copies the records, in a few words.
	Mirror string `json:"mirror"`
	// MM2 is set where there is any sign of MirrorMaker 2 between the two.
	MM2 *MM2 `json:"mm2,omitempty"`
	// Prefix is what topics have before their names on the secondary.
	Prefix string  `json:"prefix"`
	Topics []Topic `json:"topics"`
	// Problems need a person; each ends in what to do. Notes do not.
	Problems []string `json:"problems"`
	Notes    []string `json:"notes"`

	byName map[string]int
}

// MM2 is what was found of MirrorMaker 2.
type MM2 struct {
	SyncsTopic       string `json:"syncs_topic,omitempty"`
	SyncsOn          string `json:"syncs_on,omitempty"`
	Alias            string `json:"alias,omitempty"` // in the syncs topic's name: the other cluster's
	Separator        string `json:"separator,omitempty"`
	CheckpointsTopic string `json:"checkpoints_topic,omitempty"`
	Heartbeats       bool   `json:"heartbeats"`
	// CheckpointGroups have checkpoints; EqualOffsets of GroupOffsets on the secondary are what the checkpoints say, so that
	// MirrorMaker 2 writes group offsets, too: those of WrittenGroups.
	CheckpointGroups int      `json:"checkpoint_groups"`
	GroupOffsets     int      `json:"group_offsets"`
	EqualOffsets     int      `json:"equal_offsets"`
	WrittenGroups    []string `json:"written_groups"`
}

// Topic is one topic of the primary.
type Topic struct {
	Topic           string `json:"topic"`
	There           string `json:"there,omitempty"` // its name on the secondary
	Partitions      int    `json:"partitions"`
	TherePartitions int    `json:"there_partitions"`
	Mapping         string `json:"mapping,omitempty"` // "" where leftoff would leave it alone
	Why             string `json:"why"`
	// Doubt needs a person.
	Doubt bool `json:"doubt,omitempty"`

	never bool // no mirror copies it, and no link follows it
	kept  bool // equal offsets are no coincidence
}

// Mapping says which mapping a topic would get and why; "" where leftoff would leave it alone, or does not know the topic.
func (r Report) Mapping(topic string) (mapping, why string) {
	i, ok := r.byName[topic]
	if !ok {
		return "", "not a topic of the primary, or not one of the link"
	}
	return r.Topics[i].Mapping, r.Topics[i].Why
}

// Auto is Mapping for somebody who does not ask a person. It never begins to copy, and it takes equal offsets for a mirror that
// keeps them only where transaction markers lie at equal offsets, too: those no producer puts where it likes. A mirror that began
// at offset 0, and left out nothing so far, looks the same otherwise.
func (r Report) Auto(topic string) (mapping, why string) {
	mapping, why = r.Mapping(topic)
	switch {
	case mapping == configs.MappingMirror:
		return "", "nothing of the primary is on the secondary. Try: start the mirror, or mapping: mirror to let leftoff copy it"
	case mapping == configs.MappingIdentity && !r.Topics[r.byName[topic]].kept:
		return configs.MappingMatch, why + "; that may be a coincidence, so they are compared"
	}
	return mapping, why
}

// Never says that no link follows a topic: it is MirrorMaker 2's own, or itself a copy.
func (r Report) Never(topic string) bool {
	i, ok := r.byName[topic]
	return ok && r.Topics[i].never
}

// There is what a topic is called on the secondary.
func (r Report) There(topic string) (string, bool) {
	i, ok := r.byName[topic]
	if !ok || r.Topics[i].There == "" {
		return "", false
	}
	return r.Topics[i].There, true
}

// Usable says whether anything can be done without a person: some topic has a mapping, and there is no problem.
func (r Report) Usable() bool {
	if len(r.Problems) > 0 {
		return false
	}
	for _, t := range r.Topics {
		if t.Mapping != "" {
			return true
		}
	}
	return false
}
