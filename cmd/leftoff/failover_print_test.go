package main

import (
	"bytes"
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
