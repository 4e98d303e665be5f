package bench

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// trivial is a measure that needs no Kafka.
func trivial(name string, run func(*Run) Result) Measure {
	return Measure{Name: name, Short: "nothing in particular", Run: run}
}

func counting(r *Run) Result {
	r.Say("counting")
	row := Row{What: "n", Unit: "runs", Budget: 10}
	for n := range r.Runs {
		row.Values = append(row.Values, float64(n+1))
	}
	row.Values, row.Floor = append(row.Values, math.NaN()), math.Inf(1) // which JSON can't hold
	return Result{Compares: "Nothing with nothing.", Rows: []Row{row}}
}

func TestExecute(t *testing.T) {
	dir := t.TempDir()
	var cleaned []string
	all := []Measure{
		trivial("fails", func(r *Run) Result {
			r.Cleanup(func() { cleaned = append(cleaned, "first") })
			r.Cleanup(func() { r.Fatal("a cleanup may fail, too") })
			r.Logf("on the way")
			r.Fatal("no brokers")
			return Result{}
		}),
		trivial("panics", func(r *Run) Result {
			r.Cleanup(func() { cleaned = append(cleaned, "panics") })
			panic("oh")
		}),
		trivial("skips", func(r *Run) Result { r.Skip("no Java"); return Result{} }),
		trivial("counts", func(r *Run) Result {
			defer func() { cleaned = append(cleaned, "counts") }()
			file := filepath.Join(r.TempDir(), "x")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				r.Fatal(err)
			}
			return counting(r)
		}),
	}
	var said, tables bytes.Buffer
	err := Execute(t.Context(), all, Options{Runs: 2, Out: dir, Progress: &said, Tables: &tables, All: all})
	if err == nil || err.Error() != "fails: failed\npanics: failed" {
		t.Errorf("the error is %v", err)
	}
	if got := strings.Join(cleaned, " "); got != "first panics counts" {
		t.Errorf("cleaned up: %s", got)
	}
	for _, want := range []string{"on the way", "no brokers", "panic: oh", "skipped: no Java", "counting", "done"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("nobody said %q:\n%s", want, said.String())
		}
	}
	b, err := readBook(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Measures) != 1 || b.Measures[0].Name != "counts" || len(b.Measures[0].Result.Rows[0].Values) != 2 || b.Measures[0].Machine.Cores < 1 {
		t.Errorf("the book is %+v", b)
	}
	if !strings.Contains(tables.String(), "| n | runs | 1 | 1.5 | 2 |  | ≤ 10 | met |") {
		t.Errorf("printed:\n%s", tables.String())
	}
}

// TestInterrupt: a measure that waits for its context ends, one that doesn't is left behind, and the cleanups of both run.
func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name  string
		grace time.Duration
		wait  func(*Run)
	}{
		{"waits for the context", time.Minute, func(r *Run) { <-r.Context.Done() }},
		{"does not", time.Millisecond, func(*Run) { select {} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			cleaned := make(chan string, 1)
			all := []Measure{
				trivial("kept", counting),
				trivial("stuck", func(r *Run) Result {
					r.Cleanup(func() { cleaned <- "killed" })
					cancel()
					c.wait(r)
					return Result{}
				}),
				trivial("never", func(r *Run) Result { t.Error("the next measure began"); return Result{} }),
			}
			err := Execute(ctx, all, Options{Runs: 1, Out: dir, Progress: &bytes.Buffer{}, All: all, grace: c.grace})
			if err == nil || !strings.Contains(err.Error(), "interrupted") {
				t.Errorf("the error is %v", err)
			}
			select {
			case <-cleaned:
			default:
				t.Error("the brokers still run")
			}
			if b, err := readBook(dir); err != nil || len(b.Measures) != 1 || b.Measures[0].Name != "kept" {
				t.Errorf("the book is %+v, %v", b, err)
			}
		})
	}
}

func TestMeasuresHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Measures() {
		if m.Name == "" || m.Short == "" || m.Run == nil || seen[m.Name] || m.Name == "all" {
			t.Errorf("%q is not a measure", m.Name)
		}
		seen[m.Name] = true
	}
	if len(seen) < 9 {
		t.Errorf("%d measures, and issue 5 has nine", len(seen))
	}
}

// TestClocks: when a commit had arrived, by what the judge saw.
func TestClocks(t *testing.T) {
	begin := time.Unix(1_000, 0)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	all := []sighting{{10, at(1)}, {20, at(5)}, {20, at(7)}, {30, at(9)}}
	for offset, want := range map[int64]int{5: 1, 10: 1, 11: 5, 20: 5, 30: 9} {
		if got, ok := atOrPast(all, offset); !ok || got != at(want) {
			t.Errorf("at or past %d: %v, %v", offset, got, ok)
		}
	}
	if _, ok := atOrPast(all, 31); ok {
		t.Error("31 never arrived")
	}
	for after, want := range map[int]int{0: 1, 2: 5, 8: 9, 9: 9} {
		if got, ok := writtenAfter(all, at(after)); !ok || got != at(want) {
			t.Errorf("written after %d: %v, %v", after, got, ok)
		}
	}
	if _, ok := writtenAfter(all, at(10)); ok {
		t.Error("nothing was written after 10")
	}
}
