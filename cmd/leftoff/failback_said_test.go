package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// A choice that comes too late is said to change nothing, with who made the one that counts; one that is asked for in time is not spoken of.
func TestChoiceComesTooLate(t *testing.T) {
	at := time.Now()
	by := ", by ann, at " + at.Local().Format(time.TimeOnly)
	for what, c := range map[string]struct {
		step  failover.Step
		made  string
		given returning
		want  string
	}{
		"in time":            {failover.Diverge, "", returning{discard: true}, ""},
		"none given":         {failover.Return, failover.Discard, returning{}, ""},
		"the same":           {failover.Return, failover.Discard, returning{discard: true}, "the choice was made: discard" + by},
		"goes on replaying":  {failover.Return, failover.Replay, returning{replay: true}, "the choice was made: replay" + by},
		"exported once more": {failover.Settle, failover.Export, returning{export: "f"}, "the choice was made: export" + by + ": nothing is written to f"},
		"replay, too late":   {failover.Return, failover.Discard, returning{replay: true}, "the choice was made: discard" + by + ": --replay produces nothing"},
		"discard, too late":  {failover.Return, failover.Replay, returning{discard: true}, "the choice was made: replay" + by + ": --discard changes nothing"},
		"nothing to choose":  {failover.Return, "", returning{export: "f"}, "the primary had nothing that the secondary never got: nothing is written to f"},
	} {
		s := &failover.State{Step: c.step, Home: &failover.Home{Choice: c.made}}
		if c.step != failover.Diverge {
			s.Past = []failover.Passed{{Step: failover.Diverge, At: at, Who: "ann"}}
		}
		if got := c.given.tooLate(s); got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

// Where it is known that nothing can come home nobody is asked; where that is not known the question comes first, as ever.
func TestNobodyIsAskedAboutNothing(t *testing.T) {
	none, one := 0, 1
	for what, c := range map[string]struct {
		switched *int
		asks     bool
	}{"nothing": {&none, false}, "something": {&one, true}, "not known": {nil, true}} {
		var out bytes.Buffer
		a := &app{in: strings.NewReader("n\n"), err: &out}
		err := a.sureHome(&returning{}, api.FailoverAnswer{Link: "west-east", Switched: c.switched})
		if asked := strings.Contains(out.String(), "Bring link west-east home?"); err == nil || asked != c.asks || !c.asks && !strings.Contains(err.Error(), "nothing was switched") {
			t.Errorf("%s: %v\n%s", what, err, &out)
		}
	}
}
