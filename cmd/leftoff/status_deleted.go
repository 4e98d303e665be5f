package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/leftoff/leftoff/replicator/api"
)

// printDeleted says what stays on the secondary although the primary has it no more.
func printDeleted(w io.Writer, deleted []api.Deleted) {
	if len(deleted) == 0 {
		return
	}
	const few = 5
	var names []string
	offsets := 0
	for _, d := range deleted {
		offsets += d.Offsets
		if len(names) < few {
			name := d.Group
			if d.Reason != "" {
				name += " (" + d.Reason + ")"
			}
			names = append(names, name)
		}
	}
	more := ""
	if n := len(deleted) - few; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	fmt.Fprintf(w, "\nDeleted, or expired, on the primary; on the secondary they stay: %s of %s%s\n", plural(offsets, "offset"), strings.Join(names, ", "), more)
}
