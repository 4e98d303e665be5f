package main

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/leftoff/leftoff/replicator/api"
)

// printDrills says in a line how the drills stand that a link makes by itself.
func printDrills(w io.Writer, d *api.Drill, now time.Time) {
	if d == nil {
		return
	}
	said := "none yet"
	if d.Last != nil {
		positions := 0
		for _, n := range d.Positions {
			positions += n
		}
		said = fmt.Sprintf("%s %s ago, %s", d.Result, since(now, *d.Last), plural(positions, "position"))
		if d.Result != "passed" {
			last := "never"
			if d.Success != nil {
				last = since(now, *d.Success) + " ago"
			}
			said += fmt.Sprintf(": %s (passed last: %s)", cmp.Or(d.Said, "no reason is given"), last)
		}
	}
	switch {
	case d.Running:
		said += "; one is running"
	case d.Held != "":
		said += "; the next one waits: " + d.Held
	case d.Next != nil && d.Next.After(now):
		said += "; the next one in " + since(*d.Next, now)
	}
	fmt.Fprintf(w, "  drill      %s\n", said)
}

// since is how long ago something was, roughly.
func since(now, then time.Time) string {
	switch d := now.Sub(then); {
	case d >= 48*time.Hour:
		return plural(int(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return plural(int(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return plural(int(d/time.Minute), "minute")
	default:
		return plural(int(max(d, 0)/time.Second), "second")
	}
}
