package api

import (
	"time"

	"github.com/leftoff/leftoff/replicator"
)

// Drill is what is known of the drills that a link makes by itself.
type Drill struct {
	EverySeconds float64    `json:"every_seconds"`
	Running      bool       `json:"running"`
	Last         *time.Time `json:"last"`             // when the newest that was finished ended; null: none yet
	Success      *time.Time `json:"success"`          // when the newest that has passed ended; null: none yet
	Next         *time.Time `json:"next"`             // when one is due
	Result       string     `json:"result,omitempty"` // of the newest: passed, failed, incomplete
	Said         string     `json:"said,omitempty"`   // its first finding, or problem
	Report       string     `json:"report,omitempty"` // where it is kept, on leftoff's machine
	// Positions it checked, by what their records show.
	Positions  map[string]int `json:"positions,omitempty"`
	RPOSeconds *float64       `json:"rpo_seconds"` // null where it is not known
	RTOSeconds *float64       `json:"rto_seconds"`
	Held       string         `json:"held,omitempty"`  // why the one that is due waits
	Error      string         `json:"error,omitempty"` // why the last attempt could not be done
}

func newDrill(s *replicator.DrillState) *Drill {
	d := &Drill{
		EverySeconds: s.Every.Seconds(), Running: s.Running, Last: moment(s.Last), Success: moment(s.Success), Next: moment(s.Next),
		Result: s.Result, Said: s.Said, Report: s.Report, Positions: s.Positions, Held: s.Held, Error: s.Error,
	}
	if s.Result == "" {
		return d
	}
	rpo, rto := s.RPO.Seconds(), s.RTO.Seconds()
	if d.RTOSeconds = &rto; s.RPOKnown {
		d.RPOSeconds = &rpo
	}
	return d
}
