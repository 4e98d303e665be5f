package story

// Report is how the story ended. Its JSON keys are stable.
type Report struct {
	Seed     uint64   `json:"seed"`
	Seconds  float64  `json:"seconds"`
	Kept     bool     `json:"kept"` // west did not die: the numbers say what would happen if it did now
	Groups   []Group  `json:"groups"`
	Payments Payments `json:"payments"`
	History  History  `json:"history"`
	Problems []string `json:"problems"` // what else speaks against the promise
	Proven   bool     `json:"proven"`
}

// Group is one consumer group.
type Group struct {
	Group      string     `json:"group"`
	Note       string     `json:"note"`
	Partitions []Position `json:"partitions"`
	Lag        int64      `json:"lag_records"` // when west died
	Skipped    int64      `json:"skipped_records"`
	Reread     int64      `json:"reread_records"`
	Missing    int        `json:"missing_partitions"` // without a position in east
	Latency    *Latency   `json:"commit_to_secondary"`
	Taken      *Taken     `json:"taken"` // null when kept
	Error      string     `json:"error,omitempty"`
}

// Position is where a group resumes in one partition.
type Position struct {
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"` // in west
	Resumed   *int64 `json:"resumed"`   // in east; null: nothing was there
	Lag       int64  `json:"lag_records"`
	Skipped   int64  `json:"skipped_records"`
	Reread    int64  `json:"reread_records"`
}

// Latency is the time from a commit's arrival in west's offsets log to its position's in east's, as the judge saw both.
type Latency struct {
	Commits int     `json:"commits"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	Max     float64 `json:"max_ms"`
}

// Taken holds a group's own book against what was made, over both regions.
type Taken struct {
	Once    int `json:"once"`
	Lost    int `json:"lost"`
	Twice   int `json:"twice"`
	Unknown int `json:"unknown"` // taken, but never made: of an aborted transaction
}

// Payments that were made, and what became of the records.
type Payments struct {
	Made          int   `json:"made"`
	West          int   `json:"made_in_west"`
	East          int   `json:"made_in_east"`
	Mirrored      int64 `json:"mirrored_records"`
	NeverMirrored int64 `json:"never_mirrored_records"` // lost with west: not skipped, and not leftoff's to bring back
	Duplicates    int64 `json:"duplicate_records"`
	Foreign       int64 `json:"foreign_records"`
}

// History is the judge's verdict over every value ever written to east's offsets log.
type History struct {
	Commits    int      `json:"commits_in_west"` // offsets
	Written    int      `json:"written_by_leftoff"`
	Others     int      `json:"written_by_others"`
	Violations []string `json:"violations"`
}

// conclude fills in Proven.
func (r *Report) conclude() {
	r.Proven = len(r.Problems) == 0 && len(r.History.Violations) == 0 && len(r.Groups) > 0
	for _, g := range r.Groups {
		r.Proven = r.Proven && g.fine()
	}
	r.Proven = r.Proven && r.Payments.Made > 0 && r.History.Written > 0
}

func (g Group) fine() bool {
	if g.Error != "" || g.Missing > 0 || g.Skipped > 0 || g.Reread > 0 || len(g.Partitions) != partitions {
		return false
	}
	return g.Taken == nil || g.Taken.Once > 0 && g.Taken.Lost == 0 && g.Taken.Twice == 0 && g.Taken.Unknown == 0
}
