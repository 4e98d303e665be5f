package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leftoff/leftoff/replicator/api"
)

var stateOrder = map[api.State]int{api.Held: 1, api.TakenOver: 2, api.Live: 3, api.HandedOver: 4, api.Writing: 5, api.InStep: 6}

func printGroups(w io.Writer, groups []api.Group, all bool) {
	sorted := slices.Clone(groups)
	slices.SortStableFunc(sorted, func(a, b api.Group) int {
		return cmp.Or(-cmp.Compare(a.SkipRecords, b.SkipRecords), cmp.Compare(stateOrder[a.State], stateOrder[b.State]), cmp.Compare(a.Group, b.Group))
	})
	hidden := 0
	t := newTable("GROUP", "STATE", ">PARTITIONS", "CONFIDENCE", ">LAG BEHIND", ">RE-READ", ">AT RISK", "WHY")
	for _, g := range sorted {
		if !all && len(sorted) > someGroups && g.State == api.InStep {
			hidden++
			continue
		}
		t.row(g.Group, strings.ReplaceAll(string(g.State), "_", " "), number(int64(g.Offsets)), g.Confidence, number(g.LagRecords),
			maybe(g.RereadRecords, "?"), number(g.SkipRecords), why(g))
	}
	fmt.Fprintln(w)
	t.print(w)
	if hidden > 0 {
		fmt.Fprintf(w, "and %s in step (--all lists them)\n", plural(hidden, "group"))
	}
}

func why(g api.Group) string {
	reasons := slices.DeleteFunc(slices.Clone(g.Reasons), func(r string) bool { return r == string(g.State) || r == "group_live" && g.Live })
	text := strings.Join(reasons, ", ")
	switch {
	case g.Why != "" && text != "":
		return g.Why + "; " + text
	case g.Why != "":
		return g.Why
	}
	return text
}
