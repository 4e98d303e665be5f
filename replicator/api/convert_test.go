package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/leftoff/leftoff/replicator"
)

var update = flag.Bool("update", false, "write the golden files")

// TestJSONIsStable holds every key and its meaning: a change of these files is a change for whoever reads our JSON.
func TestJSONIsStable(t *testing.T) {
	all := []replicator.Snapshot{made()}
	for name, body := range map[string]any{
		"status": NewStatus("v0", noon, all), "groups": NewGroups(all, "", ""), "plan": NewPlan(noon, all, "", ""),
		"readiness": NewReadiness(all),
	} {
		var got bytes.Buffer
		e := json.NewEncoder(&got)
		e.SetIndent("", "  ")
		if err := e.Encode(body); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from %s; go test -update, if that is meant:\n%s", name, path, got.Bytes())
		}
	}
}

func TestGroupStates(t *testing.T) {
	s := NewStatus("v0", noon, []replicator.Snapshot{made()})
	got := map[string]Group{}
	for _, g := range s.Links[0].Groups {
		got[g.Group] = g
	}
	for name, want := range map[string]State{"ahead": Held, "billing": Live, "lagging": Writing, "new": Held, "payments": InStep} {
		if got[name].State != want {
			t.Errorf("%s: %s, want %s", name, got[name].State, want)
		}
	}
	if _, there := got["elsewhere"]; there {
		t.Error("a group with nothing but filtered topics is listed")
	}
	if g := got["ahead"]; g.SkipRecords != 50 || g.LagRecords != 0 {
		t.Errorf("ahead: %+v", g)
	}
	if g := got["billing"]; g.SkipRecords != 0 {
		t.Errorf("a live group's own progress is no skip: %+v", g)
	}
	if g := got["lagging"]; g.LagRecords != 100 || *g.RereadRecords != 2 || g.Confidence != "floor" || g.Due != 1 {
		t.Errorf("lagging: %+v", g)
	}
	if g := got["new"]; g.RereadRecords != nil || g.Missing != 1 || len(g.Uncommitted) != 1 {
		t.Errorf("new: %+v", g)
	}
	if holds := s.Links[0].Holds; holds[0].Reason != "ahead_on_secondary" {
		t.Errorf("the worst is not first: %+v", holds)
	}
}

// TestEveryReasonHasAdvice: a reason that nobody explains is a hold that nobody can lift.
func TestEveryReasonHasAdvice(t *testing.T) {
	for _, r := range replicator.Reasons() {
		if a := AdviceOn(r); a.Meaning == "" || a.Do == "" {
			t.Errorf("%s has no advice", r)
		}
	}
}

func TestSplitHint(t *testing.T) {
	for text, want := range map[string][2]string{
		"it has members. Try: stop them":            {"it has members", "stop them"},
		`group "g": not known. Try: leftoff status`: {`group "g": not known`, "leftoff status"},
		"plain":                      {"plain", ""},
		"two lines\nTry: the second": {"two lines", "the second"},
	} {
		if m, h := SplitHint(text); m != want[0] || h != want[1] {
			t.Errorf("%q: %q, %q", text, m, h)
		}
	}
}
