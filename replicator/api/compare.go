package api

import "github.com/leftoff/leftoff/replicator"

// Compare is the work of a mapping that compares records: match, mm2, and auto.
type Compare struct {
	Mapping string `json:"mapping"`
	// Chosen counts topics by the mapping that auto took for them.
	Chosen     map[string]int `json:"chosen,omitempty"`
	Partitions int            `json:"partitions"`
	Ready      int            `json:"ready"`  // of them: looked at
	Wanted     int            `json:"wanted"` // offsets that are being looked for
	Probes     int64          `json:"probes"` // offsets looked for since the start
	Conflicts  int64          `json:"conflicts"`
	Fetches    BySide         `json:"fetches"`
	Bytes      BySide         `json:"bytes"` // read to compare
	// Recognised says by what records are recognised where not whole records are the same on both sides.
	Recognised string `json:"recognised,omitempty"`
}

// BySide is a number of each side.
type BySide struct {
	Primary   int64 `json:"primary"`
	Secondary int64 `json:"secondary"`
}

func bySide(n [2]int64) BySide {
	return BySide{Primary: n[replicator.Primary], Secondary: n[replicator.Secondary]}
}

// Sum of both sides.
func (b BySide) Sum() int64 { return b.Primary + b.Secondary }

// newCompare is nil where nothing is compared.
func newCompare(s replicator.SourceState) *Compare {
	if s.Partitions == 0 && s.Chosen == nil && s.Probes == 0 && s.Fetches == [2]int64{} {
		return nil
	}
	return &Compare{
		Mapping: s.Mapping, Chosen: s.Chosen, Partitions: s.Partitions, Ready: s.Ready, Wanted: s.Wanted, Probes: s.Probes,
		Conflicts: s.Conflicts, Fetches: bySide(s.Fetches), Bytes: bySide(s.Bytes), Recognised: s.Recognised,
	}
}
