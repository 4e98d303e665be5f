package api

import (
	"sort"

	"github.com/leftoff/leftoff/replicator"
)

// hold is one offset that is kept back.
type hold struct {
	group  string
	reason replicator.Reason
	detail string
}

// newHolds counts reasons, worst first: of the entries of groups, and of more.
func newHolds(groups []replicator.GroupSnapshot, more ...hold) []Hold {
	offsets, inGroups, details := map[replicator.Reason]int{}, map[replicator.Reason]map[string]bool{}, map[replicator.Reason]string{}
	reasons := map[replicator.Reason]bool{}
	count := func(group string, r replicator.Reason, detail string) {
		if r == replicator.NoReason || r == replicator.Filtered {
			return
		}
		if !reasons[r] {
			reasons[r], inGroups[r] = true, map[string]bool{}
		}
		inGroups[r][group] = true
		offsets[r]++
		if details[r] == "" {
			details[r] = detail
		}
	}
	for i := range groups {
		for j := range groups[i].Entries {
			e := &groups[i].Entries[j]
			count(groups[i].Group, e.Reason, holdDetail(e))
		}
	}
	for _, h := range more {
		count(h.group, h.reason, h.detail)
	}
	all := make([]Hold, 0, len(reasons))
	for _, r := range worstFirst(reasons) {
		a := AdviceOn(r)
		all = append(all, Hold{r.String(), a.Rank, offsets[r], len(inGroups[r]), a.Meaning, a.Do, details[r]})
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
