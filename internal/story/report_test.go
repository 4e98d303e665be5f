package story

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
)

func offset(n int64) *int64 { return &n }

func example() *Report {
	taken := func() *Taken { return &Taken{Once: 19_000} }
	at := func(committed, resumed, lag int64) []Position {
		return []Position{
			{Partition: 0, Committed: committed, Resumed: offset(resumed), Lag: lag},
			{Partition: 1, Committed: committed, Resumed: offset(resumed), Lag: lag},
			{Partition: 2, Committed: committed, Resumed: offset(resumed), Lag: lag},
		}
	}
	return &Report{
		Seed: 7, Seconds: 9.4, Problems: []string{},
		Groups: []Group{
			{Group: "ledger", Partitions: at(5_980, 5_611, 0), Latency: &Latency{Commits: 700, P50: 0.91, P99: 6.2, Max: 11}, Taken: taken()},
			{Group: "archive", Partitions: at(1_801, 1_702, 3_909), Lag: 11_727, Taken: taken()},
		},
		Payments: Payments{Made: 19_000, West: 17_000, East: 2_000, Mirrored: 17_000},
		History:  History{Commits: 1_240, Written: 1_198, Others: 310, Violations: []string{}},
	}
}

func TestPrint(t *testing.T) {
	broken := example()
	broken.Groups[1].Taken = &Taken{Once: 18_998, Lost: 1, Twice: 1}
	broken.Groups[1].Skipped, broken.Groups[1].Partitions[2].Resumed = 1, nil
	broken.Groups[1].Error = "group archive: read payments/2: no committed offset"
	broken.History.Violations = []string{"never ahead: archive payments/0: wrote 1703 (record 3/99): T(1801) is 1702"}
	broken.Problems = []string{"all groups catch up in east: not within 10s"}
	kept := example()
	kept.Kept, kept.Groups[0].Taken, kept.Groups[1].Taken = true, nil, nil
	for file, r := range map[string]*Report{"proven.txt": example(), "broken.txt": broken, "kept.txt": kept} {
		r.conclude()
		var out bytes.Buffer
		if err := r.Print(&out); err != nil {
			t.Fatal(err)
		}
		path := "testdata/" + file
		if os.Getenv("UPDATE") != "" {
			os.WriteFile(path, out.Bytes(), 0o644)
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s (UPDATE=1 go test writes it anew) %v:\n%s", path, err, out.String())
		}
	}
}

// Each single thing that can go wrong must end the proof.
func TestConclude(t *testing.T) {
	for what, spoil := range map[string]func(*Report){
		"":                 func(*Report) {},
		"skipped":          func(r *Report) { r.Groups[0].Skipped = 1 },
		"re-read":          func(r *Report) { r.Groups[1].Reread = 1 },
		"missing":          func(r *Report) { r.Groups[0].Missing = 1 },
		"partition unseen": func(r *Report) { r.Groups[0].Partitions = r.Groups[0].Partitions[:2] },
		"error":            func(r *Report) { r.Groups[0].Error = "x" },
		"lost":             func(r *Report) { r.Groups[0].Taken.Lost = 1 },
		"twice":            func(r *Report) { r.Groups[0].Taken.Twice = 1 },
		"never made":       func(r *Report) { r.Groups[0].Taken.Unknown = 1 },
		"nothing taken":    func(r *Report) { r.Groups[0].Taken.Once = 0 },
		"rule broken":      func(r *Report) { r.History.Violations = []string{"x"} },
		"nothing written":  func(r *Report) { r.History.Written = 0 },
		"problem":          func(r *Report) { r.Problems = []string{"x"} },
		"nobody":           func(r *Report) { r.Groups = nil },
		"nothing was made": func(r *Report) { r.Payments.Made = 0 },
	} {
		r := example()
		spoil(r)
		if r.conclude(); r.Proven != (what == "") {
			t.Errorf("%q: proven %v", what, r.Proven)
		}
	}
}

func TestArrival(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(1_000_000 + ms) }
	written := func(pairs ...int64) (all []judge.Write) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, judge.Write{Seen: at(pairs[i]), Value: &judge.Value{Offset: pairs[i+1]}})
		}
		return all
	}
	for _, c := range []struct {
		what    string
		written []judge.Write
		want    time.Duration
		ok      bool
	}{
		{"never written", written(5, 90), 0, false},
		{"its own position", written(5, 90, 7, 100), 7 * time.Millisecond, true},
		{"merged with a later one", written(5, 90, 9, 110), 9 * time.Millisecond, true},
		{"seen first in east", written(-1, 100), 0, true},
		{"there long before", written(-5000, 100), 0, false},
	} {
		got, ok := arrival(judge.Write{Seen: at(0)}, 100, c.written)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: %v %v", c.what, got, ok)
		}
	}
}

func TestQuantile(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(i+1)*time.Millisecond)
	}
	for q, want := range map[float64]float64{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := quantile(all, q); got != want {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestTakings(t *testing.T) {
	b, taken := newDayBook(), newTakings()
	for range 5 {
		b.number()
	}
	b.enter(1, 2, 3, 4)
	for _, n := range []int64{1, 2, 2, 5} {
		p := payment{Number: n}
		if err := taken.enter(recordsOf(p)); err != nil {
			t.Fatal(err)
		}
	}
	once, lost, twice, unknown := taken.against(b)
	if once != 1 || lost != 2 || twice != 1 || unknown != 1 {
		t.Errorf("once %d, lost %d, twice %d, unknown %d", once, lost, twice, unknown)
	}
}

func recordsOf(p payment) []*kgo.Record { return []*kgo.Record{p.record(paymentsTopic)} }
