package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator/drill"
)

func printDrill(w io.Writer, r drill.Report, d drilling) {
	s := r.Summary
	fmt.Fprintf(w, "%s, %s to %s: %s\n", r.Link, r.Primary.Name, r.Secondary.Name, r.Result)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "! %s\n", f)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "? %s\n", p)
	}
	fmt.Fprintf(w, "  resumed   %s of %s, of %s\n", number(int64(s.Resumed)), plural(s.Positions, "position"), plural(s.Groups, "group"))
	fmt.Fprintf(w, "  sure      %s\n", tally(s.Confidence))
	fmt.Fprintf(w, "  records   %s\n", tally(s.Verdicts))
	fmt.Fprintf(w, "  skipped   %s%s\n", atLeast(s.SkippedAtLeast), plural(int(s.SkippedRecords), "record"))
	switch {
	case !s.RPO.Known && s.RPO.Records == 0:
		fmt.Fprintln(w, "  lost      not known")
	default:
		fmt.Fprintf(w, "  lost      at least %s, the oldest %s old (RPO)\n", plural(int(s.RPO.Records), "record"), inSeconds(s.RPO.Seconds))
	}
	fmt.Fprintf(w, "  resuming  %s at the most, %s in the median; %s%s read again (RTO)\n", inSeconds(s.RTO.MaxSeconds), inSeconds(s.RTO.MedianSeconds),
		atLeast(s.RTO.RereadAtLeast), plural(int(s.RTO.RereadRecords), "record"))
	printBadPositions(w, r)
	for _, n := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", n)
	}
	for _, g := range r.Groups {
		if g.LeftOut != "" {
			fmt.Fprintf(w, "  left out: %s: %s\n", g.Group, g.LeftOut)
		}
	}
	if len(r.Cleanup.Earlier) > 0 {
		fmt.Fprintf(w, "  deleted the groups of %s that were killed\n", plural(len(r.Cleanup.Earlier), "earlier drill"))
	}
	for _, id := range r.Cleanup.Running {
		fmt.Fprintf(w, "  drill %s is running, too\n", id)
	}
	fmt.Fprintf(w, "  %s\n", r.Checksum)
	if by := r.SignedBy(); by != "" {
		fmt.Fprintf(w, "  signed with the key %s\n", by)
	}
	for _, path := range []string{d.report, d.html} {
		if path != "" {
			fmt.Fprintf(w, "  written to %s\n", path)
		}
	}
}

// printBadPositions lists the positions that did not come out well.
func printBadPositions(w io.Writer, r drill.Report) {
	const most = 50
	t := newTable("GROUP", "TOPIC", ">PARTITION", ">PRIMARY", ">SECONDARY", "RECORDS SHOW", "WHY")
	more := 0
	for _, g := range r.Groups {
		for _, p := range g.Positions {
			if !p.Bad() {
				continue
			}
			if len(t.rows) == most {
				more++
				continue
			}
			why := p.Why
			if p.Failure != "" {
				why = p.Failure
			}
			t.row(g.Group, p.Topic, number(int64(p.Partition)), maybe(p.Primary, "-"), maybe(p.Secondary, "-"), strings.ReplaceAll(p.Verdict, "_", " "), why)
		}
	}
	t.print(w)
	if more > 0 {
		fmt.Fprintf(w, "… and %s: see the report\n", plural(more, "more position"))
	}
}

func tally(m map[string]int) string {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		if m[a] != m[b] {
			return m[b] - m[a]
		}
		return strings.Compare(a, b)
	})
	var all []string
	for _, k := range keys {
		all = append(all, number(int64(m[k]))+" "+strings.ReplaceAll(k, "_", " "))
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ", ")
}

func atLeast(yes bool) string {
	if yes {
		return "at least "
	}
	return ""
}

func inSeconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}
