package bench

import (
	"context"
	"testing"
)

// Measure is one subcommand: one question, and what answers it.
type Measure struct {
	Name  string // the subcommand
	Short string // what it measures, one line
	Run   func(r *Run) Result
}

// Run is what a measure is given. As a testing.TB it works with internal/rig: a Fatal ends the measure, and what was registered with
// Cleanup runs in any case, an interrupt included. Failed measures leave no result.
type Run struct {
	testing.TB
	Context context.Context                  // ends at Ctrl-C; a measure waits for nothing beyond it
	Short   bool                             // a smoke run: seconds, and figures nobody should quote
	Runs    int                              // how often each figure is taken
	Say     func(format string, args ...any) // the progress line
}

// Result is what a measure found.
type Result struct {
	Compares   string   `json:"compares"`             // what is compared with what, one sentence
	Conditions []string `json:"conditions,omitempty"` // what the figures hold for
	Rows       []Row    `json:"rows"`
	Notes      []string `json:"notes,omitempty"` // what limits the figures; why a budget is missed
}

// Row is one figure.
type Row struct {
	What    string    `json:"what"`
	Unit    string    `json:"unit"`
	Values  []float64 `json:"values"`            // one a run, in Unit
	Budget  float64   `json:"budget,omitempty"`  // 0: none
	Atleast bool      `json:"atleast,omitempty"` // the budget is a minimum, not a maximum
	Floor   float64   `json:"floor,omitempty"`   // the bare floor, in Unit; 0: not measured
}
