package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/leftoff/leftoff/replicator/verify"
)

func printVerified(w io.Writer, v verified) {
	for i, l := range v.Links {
		if i > 0 {
			fmt.Fprintln(w)
		}
		printVerifiedLink(w, l)
	}
}

func printVerifiedLink(w io.Writer, l verifiedLink) {
	fmt.Fprintf(w, "%s, %s to %s: %s\n", l.Link, l.Primary, l.Secondary, verdictCounts(l.Report))
	if l.Gone > 0 {
		fmt.Fprintf(w, "  %s of partitions that the primary has no longer\n", plural(l.Gone, "offset"))
	}
	for _, p := range l.Problems {
		fmt.Fprintln(w, "  ! "+p)
	}
	t := newTable("GROUP", "TOPIC", ">PARTITION", ">PRIMARY", ">SECONDARY", "VERDICT", ">RECORDS", "WHY")
	for _, row := range l.Rows {
		secondary := "-"
		if row.Secondary != nil {
			secondary = fmt.Sprint(*row.Secondary)
		}
		t.row(row.Group, row.Topic, fmt.Sprint(row.Partition), fmt.Sprint(row.Primary), secondary, string(row.Verdict), affected(row), reason(row))
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(w)
	}
	t.print(w)
}

// verdictCounts lists how many rows have each verdict, worst first.
func verdictCounts(r verify.Report) string {
	total := 0
	var parts []string
	for _, v := range verify.Verdicts {
		if n := r.Counts[v]; n > 0 {
			total += n
			parts = append(parts, fmt.Sprintf("%s %s", number(int64(n)), v))
		}
	}
	if total == 0 {
		return "no group has an offset there"
	}
	return plural(total, "position") + ": " + strings.Join(parts, ", ")
}

// affected are the records skipped or read again.
func affected(row verify.Row) string {
	switch {
	case row.Records == 0:
		return "-"
	case row.AtLeast:
		return number(row.Records) + "+"
	}
	return number(row.Records)
}

func reason(row verify.Row) string {
	return strings.Join(append([]string{row.Why}, row.Notes...), "; ")
}
