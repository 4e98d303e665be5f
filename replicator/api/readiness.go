package api

import (
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator"
)

// NewReadiness says whether every link has caught up. Without links nothing is ready.
func NewReadiness(all []replicator.Snapshot) Readiness {
	out := Readiness{Ready: len(all) > 0, Links: []LinkReady{}}
	for i := range all {
		l := LinkReady{Name: all[i].Link, Ready: ready(&all[i]), Why: whyNot(&all[i])}
		out.Ready = out.Ready && l.Ready
		out.Links = append(out.Links, l)
	}
	return out
}

func whyNot(s *replicator.Snapshot) string {
	var why []string
	for side, state := range s.Sides {
		switch {
		case state.CaughtUp:
		case state.Error != "":
			why = append(why, replicator.Side(side).String()+": "+state.Error)
		default:
			why = append(why, replicator.Side(side).String()+": reading its offsets")
		}
	}
	return strings.Join(why, "; ")
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
