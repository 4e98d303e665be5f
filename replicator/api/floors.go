package api

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// Floor is a reason why positions are no more than safe, with how many they are. Details that differ in their numbers only
// are one.
type Floor struct {
	Detail  string `json:"detail"` // of one of them: what would make it exact; empty where nothing is known
	Offsets int    `json:"offsets"`
	Groups  int    `json:"groups"`
	// Reread is null where the bound of one of them is not known.
	Reread  *Bound `json:"reread_records"`
	Pending bool   `json:"pending"` // a better position is being looked for
}

// Bound limits how many records are read again.
type Bound struct {
	Sum     int64 `json:"sum"`
	Maximum int64 `json:"maximum"` // in one partition of one group
}

// Covers says whether an entry is one of those.
func (f Floor) Covers(e Entry) bool {
	return floorKind(e.Confidence, e.Pending) && e.Pending == f.Pending && shape(e.Floor) == shape(f.Detail)
}

// floorKind says what is listed: floors, and what has no position yet and is being looked for.
func floorKind(confidence string, pending bool) bool {
	return confidence == translate.Floor.String() || confidence == translate.Unmapped.String() && pending
}

var digits = regexp.MustCompile(`[0-9]+`)

// shape is a detail without its numbers: which records they are makes no other reason of it.
func shape(detail string) string { return digits.ReplaceAllString(detail, "#") }

type floorKey struct {
	shape   string
	pending bool
}

// newFloors counts what is not exact: unknown and large bounds first, what is being looked for last.
func newFloors(groups []replicator.GroupSnapshot) []Floor {
	found := map[floorKey]*Floor{}
	shapes := map[string]string{} // most details are the same string
	for i := range groups {
		here := map[*Floor]bool{}
		for j := range groups[i].Entries {
			e := &groups[i].Entries[j]
			if e.Reason == replicator.Filtered || !floorKind(e.Position.Confidence.String(), e.Pending) {
				continue
			}
			of, ok := shapes[e.Floor]
			if !ok {
				of = shape(e.Floor)
				shapes[e.Floor] = of
			}
			f := found[floorKey{of, e.Pending}]
			if f == nil {
				f = &Floor{Detail: e.Floor, Pending: e.Pending, Reread: &Bound{}}
				found[floorKey{of, e.Pending}] = f
			}
			f.add(e)
			here[f] = true
		}
		for f := range here {
			f.Groups++
		}
	}
	all := make([]Floor, 0, len(found))
	for _, f := range found {
		all = append(all, *f)
	}
	slices.SortFunc(all, worse)
	return all
}

func (f *Floor) add(e *replicator.Entry) {
	f.Offsets++
	_, bound := place(e.Position, false)
	switch {
	case bound == nil:
		f.Reread = nil
	case f.Reread != nil:
		f.Reread.Sum += *bound
		f.Reread.Maximum = max(f.Reread.Maximum, *bound)
	}
}

func worse(a, b Floor) int {
	rank := func(f Floor) (pending, known int, sum int64) {
		if f.Pending {
			pending = 1
		}
		if f.Reread != nil {
			known, sum = 1, f.Reread.Sum
		}
		return pending, known, sum
	}
	ap, ak, as := rank(a)
	bp, bk, bs := rank(b)
	return cmp.Or(cmp.Compare(ap, bp), cmp.Compare(ak, bk), cmp.Compare(bs, as), cmp.Compare(b.Offsets, a.Offsets), cmp.Compare(a.Detail, b.Detail))
}
