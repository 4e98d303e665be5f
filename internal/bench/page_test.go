package bench

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPage(t *testing.T) {
	machine := Machine{CPU: "Model | T", Cores: 2, MemoryGB: 24, Platform: "linux/amd64"}
	versions := Versions{Leftoff: "abc", Go: "go1.26.8", Kafka: "4.3.1", MM2: "4.3.1", Java: "17"}
	b := Book{Measures: []Entry{{
		Name: "latency", Short: "commit → readable", At: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC), Seconds: 83, Runs: 3, Machine: machine, Load: 0.2, Versions: versions,
		Result: Result{
			Compares: "A with B.", Conditions: []string{"loopback"}, Notes: []string{"The judge is idle."},
			Rows: []Row{
				{What: "p50", Unit: "ms", Values: []float64{3, 1.2345, 1}, Budget: 2, Floor: 0.6},
				{What: "p99 | all", Unit: "ms", Values: []float64{25}, Budget: 20},
				{What: "ratio", Unit: "×", Values: []float64{1234.5, 1000}, Budget: 200, Atleast: true},
				{What: "nothing", Unit: "s"},
			},
		},
	}, {
		Name: "match", Short: "probes", At: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC), Runs: 1, Smoke: true, Machine: machine, Load: -1, Versions: versions,
	}}}
	got := Page(b)
	for _, want := range []string{
		"- machine: 2 cores (Model | T), 24 GiB of memory, linux/amd64\n",
		"- versions: leftoff abc, go1.26.8, Kafka 4.3.1, MirrorMaker 2 4.3.1, Java 17\n",
		"| [latency](#latency) | p50 | 1.23 ms | 0.6 | ≤ 2 | met |\n",
		"| [latency](#latency) | p99 \\| all | 25 ms |  | ≤ 20 | **missed** |\n",
		"| [latency](#latency) | ratio | 1,117 × |  | ≥ 200 | met |\n",
		"| p50 | ms | 1 | 1.23 | 3 | 0.6 | ≤ 2 | met |\n",
		"| nothing | s | — | — | — |  |  |  |\n",
		"- loopback\n",
		"- 3 runs on 2026-11-25, 1m23s; load average before it: 0.2\n",
		"The judge is idle.\n",
		"**A smoke run",
		"- 1 run on 2026-11-26, 0s\n",
		"**Why a budget is missed.** " + limits["latency"],
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Count(got, "- machine:") != 1 {
		t.Error("the machine all have in common is said more than once")
	}
	b.Measures[0].Result.Rows[1].Values = []float64{19}
	if met := Page(b); strings.Contains(met, "Why a budget is missed") {
		t.Error("all are met, and it says why one is not")
	}
	b.Measures[1].Versions.Go = "go1.27.0"
	if other := Page(b); strings.Count(other, "- versions:") != 2 {
		t.Errorf("two versions, but not one in each section:\n%s", other)
	}
	if empty := Page(Book{}); !strings.Contains(empty, "Nothing has been measured yet") {
		t.Errorf("an empty book: %s", empty)
	}
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 2: "2", 0.6: "0.6", 0.0604: "0.06", 0.00012: "0.00012", 1.996: "2", 12.345: "12.3", 100: "100", 1234567.4: "1,234,567", -1500: "-1,500", math.NaN(): "—",
	} {
		if got := figure(v); got != want {
			t.Errorf("figure(%v) is %q, not %q", v, got, want)
		}
	}
}

func TestMet(t *testing.T) {
	for name, c := range map[string]struct {
		row  Row
		want bool
	}{
		"no budget":     {Row{Values: []float64{9}}, true},
		"the median":    {Row{Values: []float64{1, 2, 90}, Budget: 2}, true},
		"above":         {Row{Values: []float64{1, 3, 3}, Budget: 2}, false},
		"at least":      {Row{Values: []float64{5}, Budget: 6, Atleast: true}, false},
		"at least, met": {Row{Values: []float64{6}, Budget: 6, Atleast: true}, true},
		"not measured":  {Row{Budget: 6}, false},
	} {
		if c.row.Met() != c.want {
			t.Errorf("%s: met is %v", name, !c.want)
		}
	}
}

// TestBookKeepsOthers: a measure that is taken again replaces its own section only, at its own place.
func TestBookKeepsOthers(t *testing.T) {
	dir, order := t.TempDir(), []string{"a", "b", "c"}
	for _, e := range []Entry{{Name: "gone"}, {Name: "c", Runs: 1}, {Name: "a", Runs: 1}, {Name: "c", Runs: 2}, {Name: "b"}} {
		e.Short = "what it is"
		b, err := readBook(dir)
		if err != nil {
			t.Fatal(err)
		}
		b.put(e, order)
		if err := b.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	b, err := readBook(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range b.Measures {
		names = append(names, e.Name)
	}
	if got := strings.Join(names, " "); got != "a b c gone" {
		t.Errorf("measures are %s", got)
	}
	if b.Measures[2].Runs != 2 {
		t.Error("the older result of c was kept")
	}
	page, err := os.ReadFile(filepath.Join(dir, pageFile))
	if err != nil || string(page) != Page(b) {
		t.Errorf("the page is not the book's: %v", err)
	}
}

// TestDocsAreRendered: the page in docs is what its figures say.
func TestDocsAreRendered(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	b, err := readBook(docs)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(docs, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != Page(b) {
		t.Error("docs/benchmarks.md is not what docs/benchmarks.json renders to. Try: go run ./cmd/bench render")
	}
}
