package metrics

import (
	"time"

	"github.com/leftoff/leftoff/replicator/api"
)

// drills adds what is known of the drills that a link makes by itself.
func (c *Collector) drills(out *list, link string, d *api.Drill) {
	if d == nil {
		return
	}
	out.add(drillSuccess, unix(d.Success), link)
	out.add(drillHeld, yes(d.Held != ""), link)
	if d.Last == nil {
		return
	}
	out.add(drillLast, unix(d.Last), link)
	for _, result := range []string{"passed", "failed", "incomplete"} {
		out.add(drillResult, yes(d.Result == result), link, result)
	}
	for verdict, n := range d.Positions {
		out.add(drillPositions, float64(n), link, verdict)
	}
	if d.RPOSeconds != nil {
		out.add(drillRPO, *d.RPOSeconds, link)
	}
	if d.RTOSeconds != nil {
		out.add(drillRTO, *d.RTOSeconds, link)
	}
}

func unix(t *time.Time) float64 {
	if t == nil {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
