package api

import (
	"sort"

	"github.com/leftoff/leftoff/replicator"
)

// newHolds counts reasons, worst first.
func newHolds(groups []replicator.GroupSnapshot) []Hold {
	offsets, inGroups, details := map[replicator.Reason]int{}, map[replicator.Reason]int{}, map[replicator.Reason]string{}
	reasons := map[replicator.Reason]bool{}
	for i := range groups {
		here := map[replicator.Reason]bool{}
		for j := range groups[i].Entries {
			e := &groups[i].Entries[j]
			if e.Reason == replicator.NoReason || e.Reason == replicator.Filtered {
				continue
			}
			reasons[e.Reason], here[e.Reason] = true, true
			offsets[e.Reason]++
			if details[e.Reason] == "" {
				details[e.Reason] = holdDetail(e)
			}
		}
		for r := range here {
			inGroups[r]++
		}
	}
	all := make([]Hold, 0, len(reasons))
	for _, r := range worstFirst(reasons) {
		a := AdviceOn(r)
		all = append(all, Hold{r.String(), a.Rank, offsets[r], inGroups[r], a.Meaning, a.Do, details[r]})
	}
	return all
}

func worstFirst(set map[replicator.Reason]bool) []replicator.Reason {
	all := make([]replicator.Reason, 0, len(set))
	for r := range set {
		all = append(all, r)
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := AdviceOn(all[i]).Rank, AdviceOn(all[j]).Rank
		return a < b || a == b && all[i] < all[j]
	})
	return all
}

// holdDetail is what is said of a hold: not what is said of a floor, which is held for other reasons.
func holdDetail(e *replicator.Entry) string {
	if e.Reason == replicator.NoReason || e.Detail == e.Floor {
		return ""
	}
	return e.Detail
}
