package replicator

import (
	"testing"

	"github.com/leftoff/leftoff/translate"
)

// What a floor lacks is kept apart from why something is held: who has the group, or a write that failed.
func TestFloorIsSaidBesideTheHold(t *testing.T) {
	m := Mapping{Topic: "t", Position: translate.Position{Offset: 40, Confidence: translate.Floor, Reread: 9}, Detail: "records there are alike"}
	if e := Decide(Row{}, m, DefaultPolicy()); !e.Write || e.Detail != m.Detail || e.Floor != m.Detail {
		t.Errorf("written: %+v", e)
	}
	if e := Decide(Row{Failed: Unreachable}, m, DefaultPolicy()); e.Reason != Unreachable || e.Detail != "" || e.Floor != m.Detail {
		t.Errorf("held: %+v", e)
	}
	m.Position = translate.Position{Offset: 40, Confidence: translate.Exact}
	if e := Decide(Row{}, m, DefaultPolicy()); e.Floor != "" {
		t.Errorf("exact: %+v", e)
	}
}
