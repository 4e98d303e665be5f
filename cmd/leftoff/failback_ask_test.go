package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator/failover"
)

// Going on with what somebody else has begun is said, with both clusters, and asked; with one's own it is said.
func TestGoingOnWithSomebodyElses(t *testing.T) {
	for _, c := range []struct {
		who, answer string
		yes, asks   bool
		goes        bool
	}{{"somebody", "n\n", false, true, false}, {"somebody", "y\n", false, true, true}, {"somebody", "", true, false, true}, {whoAmI(), "", false, false, true}} {
		var out bytes.Buffer
		a := &app{in: strings.NewReader(c.answer), err: &out}
		s := &failover.State{Who: c.who, Began: time.Now(), Step: failover.HandOver}
		err := a.goingOn(c.yes, "failover", s, "west (cluster id W)", "east (cluster id E)")
		if (err == nil) != c.goes || strings.Contains(out.String(), "Go on with it? [y/N]") != c.asks {
			t.Errorf("%+v: %v\n%s", c, err, &out)
		}
		for _, line := range []string{"going on with the failover that " + c.who + " began ", ", at step hand over\n", "from west (cluster id W)\nto   east (cluster id E)\n"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("%+v: %q is not said\n%s", c, line, &out)
			}
		}
	}
}

// One question takes no more than its line: the next one has the next.
func TestTwoQuestions(t *testing.T) {
	var out bytes.Buffer
	a := &app{in: strings.NewReader("y\nno\n"), err: &out}
	if err := a.ask("first?"); err != nil {
		t.Error(err)
	}
	if err := a.ask("second?"); err == nil {
		t.Error("no is taken for yes")
	}
}
