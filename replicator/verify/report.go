package verify

import (
	"cmp"
	"slices"
)

// Report is what Check found. Its JSON keys are stable.
type Report struct {
	// Counts of the rows by verdict; verdicts without a row are left out.
	Counts map[Verdict]int `json:"counts"`
	Rows   []Row           `json:"rows"` // worst first
	// Gone are offsets that groups hold for partitions that the primary has no longer: nothing to check.
	Gone int `json:"gone"`
	// Problems are groups and partitions that could not be asked about at all.
	Problems []string `json:"problems"`
	// Bytes of records that were read, on both sides.
	Bytes int64 `json:"bytes"`
}

// Row is one (group, topic, partition) that has an offset on the primary.
type Row struct {
	Group     string  `json:"group"`
	Topic     string  `json:"topic"`
	There     string  `json:"there"` // the topic's name on the secondary
	Partition int32   `json:"partition"`
	Primary   int64   `json:"primary_offset"`
	Secondary *int64  `json:"secondary_offset,omitempty"` // absent where there is none
	Verdict   Verdict `json:"verdict"`
	// Records that would be skipped, or read again; AtLeast where there may be more than were looked at.
	Records int64    `json:"records"`
	AtLeast bool     `json:"at_least,omitempty"`
	Why     string   `json:"why"`
	Notes   []string `json:"notes,omitempty"`
}

// Bad says whether some group would skip, or is not shown to resume where it should.
func (r Report) Bad() bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Verdict.Bad() })
}

// Unchecked says whether something could not be looked at.
func (r Report) Unchecked() bool { return len(r.Problems) > 0 || r.Counts[Unreadable] > 0 }

func (r *Report) finish() {
	r.Counts = map[Verdict]int{}
	for _, row := range r.Rows {
		r.Counts[row.Verdict]++
	}
	slices.SortFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Verdict.rank(), b.Verdict.rank()), -cmp.Compare(a.Records, b.Records),
			cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	if r.Rows == nil {
		r.Rows = []Row{}
	}
	if r.Problems == nil {
		r.Problems = []string{}
	}
}
