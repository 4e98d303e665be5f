package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/leftoff/leftoff/replicator/failover"
)

// Where lines can't be replaced, one whose numbers alone count on is not printed twice a second; one that says something else is, at once.
func TestCountsAreNotPrintedAllTheTime(t *testing.T) {
	var out bytes.Buffer
	s := newStepper(&out, nil)
	for _, waits := range []string{"1 of 90 positions are compared", "2 of 90 positions are compared", "44 of 90 positions are compared", "the secondary does not answer", "45 of 90 positions are compared"} {
		s.show(failover.Progress{State: &failover.State{Step: failover.Verify}, Waits: []string{waits}})
	}
	const want = "verify: 1 of 90 positions are compared\nverify: the secondary does not answer\nverify: 45 of 90 positions are compared\n"
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
}

// All that a step waits for is listed, each on a line of its own, again when it is not the same any more, and not twice a second.
func TestAllWaitsAreListed(t *testing.T) {
	var out bytes.Buffer
	s := newStepper(&out, nil)
	for _, waits := range [][]string{{"billing still runs", "audit still runs"}, {"billing still runs", "audit still runs"}, {"audit still runs"}, nil, {"audit still runs"}} {
		s.show(failover.Progress{State: &failover.State{Step: failover.Stop}, Waits: waits})
	}
	const want = "stop:\n  billing still runs\n  audit still runs\nstop: audit still runs\nstop: audit still runs\n"
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
	out.Reset()
	many := make([]string, manyWaits+7)
	if s.show(failover.Progress{State: &failover.State{Step: failover.Stop}, Waits: many}); !strings.HasSuffix(out.String(), "and 7 more, which leftoff failover status lists\n") {
		t.Error(out.String())
	}
}
