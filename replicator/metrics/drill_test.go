package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator"
)

// TestDrills: nothing of drills where a link makes none, no result before the first, and then all of it.
func TestDrills(t *testing.T) {
	s := snapshot()
	of := func() string { return scrape(t, New(Options{Source: &fake{all: []replicator.Snapshot{s}}})) }
	if text := of(); strings.Contains(text, "leftoff_drill_") {
		t.Error("no drills, and they have metrics:", text)
	}
	s.Drill = &replicator.DrillState{Every: 24 * time.Hour, Held: "a failover is under way"}
	text := of()
	for _, line := range []string{`leftoff_drill_last_success_timestamp_seconds{link="west-east"} 0`, `leftoff_drill_held{link="west-east"} 1`} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(text, "leftoff_drill_last_result") {
		t.Error("a result without a drill:", text)
	}
	s.Drill = &replicator.DrillState{
		Last: time.Unix(2000, 0), Success: time.Unix(1000, 0), Result: "failed", Positions: map[string]int{"same_record": 7, "skips": 1},
		RPO: 3 * time.Second, RPOKnown: true, RTO: 1500 * time.Millisecond,
	}
	text = of()
	for _, line := range []string{
		`leftoff_drill_last_run_timestamp_seconds{link="west-east"} 2000`,
		`leftoff_drill_last_success_timestamp_seconds{link="west-east"} 1000`,
		`leftoff_drill_last_result{link="west-east",result="failed"} 1`,
		`leftoff_drill_last_result{link="west-east",result="passed"} 0`,
		`leftoff_drill_last_result{link="west-east",result="incomplete"} 0`,
		`leftoff_drill_positions{link="west-east",verdict="same_record"} 7`,
		`leftoff_drill_positions{link="west-east",verdict="skips"} 1`,
		`leftoff_drill_rpo_seconds{link="west-east"} 3`,
		`leftoff_drill_rto_seconds{link="west-east"} 1.5`,
		`leftoff_drill_held{link="west-east"} 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	s.Drill.RPOKnown = false
	if strings.Contains(of(), "leftoff_drill_rpo_seconds") {
		t.Error("an RPO that is not known is a number")
	}
}
