package detect

import "github.com/leftoff/leftoff/replicator/mm2"

// Facts are what was seen, before anything is concluded.
type Facts struct {
	MM2 mm2.Found
	// Syncs is the offset-syncs topic of this pair, nil where there is none; SyncsProblem says why not, or what is doubtful.
	Syncs        *mm2.Evidence
	SyncsProblem string
	SyncsNamed   bool   // the configuration names it
	Checkpoints  string // topic on the secondary, "" where there is none
	Prefix       string // that topics have on the secondary, "" where they keep their names
	Topics       []TopicFacts
	Groups       GroupFacts
}

// TopicFacts are what was seen of one topic of the primary.
type TopicFacts struct {
	Name       string
	Partitions int
	Own        bool   // MirrorMaker 2's own
	CopyOf     string // the secondary's topic that this one is a copy of: somebody mirrors the other way, too
	There      string // name of its copy on the secondary, "" where there is none
	ThereParts int
	Elsewhere  string // where it has no copy of the name that was asked for: a topic that looks like one, by its name
	Syncs      int    // partitions that offset syncs name
	Compared   Comparison
	Err        error // why it could not be looked at
}

// Comparison is what a few records of a topic show.
type Comparison struct {
	Empty   bool // the primary holds no record of it
	Equal   int  // records that are the same at the same offset
	Varied  bool // they are not all alike
	Markers int  // transaction markers at the same offset
	Differs string
	// Sought are records of the primary that were looked for on the secondary by their timestamps; Found were there.
	Sought, Found int
}

// same offsets: at least one record, and where there are several, something to tell them apart.
func (c Comparison) same() bool {
	return c.Differs == "" && (c.Equal == 1 || c.Equal > 1 && c.Varied)
}

// GroupFacts are what MirrorMaker 2 does with group offsets.
type GroupFacts struct {
	Groups  int      // that have checkpoints
	Offsets int      // of them on the secondary, of partitions that have checkpoints
	Equal   int      // of those, the ones that are what the checkpoint says
	Written []string // groups with such
	Err     error
}
