package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/leftoff/leftoff/replicator/api"
)

// printCompare says what a mapping that compares records has done so far, and what it does now.
func printCompare(w io.Writer, c *api.Compare) {
	if c == nil {
		return
	}
	fmt.Fprintf(w, "  mapping    %s\n", strings.Join(compared(c), "; "))
	if len(c.Chosen) > 0 {
		fmt.Fprintf(w, "             chosen: %s\n", chosen(c.Chosen))
	}
	if c.Recognised != "" {
		fmt.Fprintf(w, "             records are recognised by their %s\n", c.Recognised)
	}
	if c.Conflicts > 0 {
		fmt.Fprintf(w, "             %s to what was known; compared anew\n", plural(int(c.Conflicts), "contradiction"))
	}
}

func compared(c *api.Compare) []string {
	parts := []string{fmt.Sprintf("%s, compared %s fetches, %s", c.Mapping, number(c.Fetches.Sum()), bytesText(c.Bytes.Sum()))}
	switch {
	case c.Partitions == 0:
	case c.Ready == c.Partitions:
		parts = append(parts, "all "+plural(c.Partitions, "partition")+" looked at")
	default:
		parts = append(parts, fmt.Sprintf("%s of %s looked at", number(int64(c.Ready)), plural(c.Partitions, "partition")))
	}
	if c.Wanted > 0 {
		parts = append(parts, plural(c.Wanted, "offset")+" being looked for")
	}
	return parts
}

// chosen lists the mappings that auto took.
func chosen(topics map[string]int) string {
	var parts []string
	for _, mapping := range slices.Sorted(maps.Keys(topics)) {
		parts = append(parts, fmt.Sprintf("%s for %s", mapping, plural(topics[mapping], "topic")))
	}
	return strings.Join(parts, ", ")
}
