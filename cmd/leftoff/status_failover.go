package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// printFailoverLine says in a line where a failover, or the way home, stands.
func printFailoverLine(w io.Writer, f *api.LinkFailover, now time.Time) {
	if f == nil {
		return
	}
	at, by := clock(now, f.Changed), "by "+cmp.Or(f.Who, "somebody unknown")
	step := strings.ReplaceAll(f.Step, "_", " ")
	switch {
	case f.Kind == "failback":
		fmt.Fprintf(w, "  failback: at step %s since %s, %s. leftoff failover status says what it waits for\n", step, at, by)
	case f.Step != string(failover.Done):
		fmt.Fprintf(w, "  failover: %s, %s, at step %s since %s. leftoff failover status says what it waits for\n", f.Kind, by, step, at)
	case f.Topics == 0:
		fmt.Fprintf(w, "  %s handed over to %s at %s, %s: leftoff reclaim GROUP gives one back\n", plural(f.Groups, "group"), f.To, at, by)
	default:
		fmt.Fprintf(w, "  failed over to %s at %s, %s: leftoff failback brings it home\n", f.To, at, by)
	}
}

// clock is a time of day, with the day where that is another one.
func clock(now, at time.Time) string {
	now, at = now.Local(), at.Local()
	if now.Format(time.DateOnly) != at.Format(time.DateOnly) {
		return at.Format(time.DateTime)
	}
	return at.Format(time.TimeOnly)
}
