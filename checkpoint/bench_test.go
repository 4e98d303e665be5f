package checkpoint

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/translate"
)

var benchTopics = Topics{Primary: Topic{Name: "payments"}, Secondary: Topic{Name: "payments"}, Partitions: 1, Source: "mirror"}

// transactions appends n transactions of 1 to 49 records, each with its marker on the primary, and flushes now and then.
func transactions(tb testing.TB, x *Index, p *Partition, n int, each func(i int)) {
	rng := rand.New(rand.NewPCG(1, 2))
	last, _ := p.Last()
	primary, secondary := last.PrimaryEnd(), last.SecondaryEnd()
	for i := range n {
		length := 1 + rng.Int64N(49)
		if err := p.Append(translate.Run{Primary: primary + 1, Secondary: secondary, Length: length, Closed: true}); err != nil {
			tb.Fatal(err)
		}
		primary, secondary = primary+1+length, secondary+length
		if i%10_000 == 9_999 {
			if err := x.Flush(); err != nil {
				tb.Fatal(err)
			}
		}
		if each != nil {
			each(i)
		}
	}
}

// filled is an index with n runs in one partition.
func filled(b *testing.B, n int) (*Index, *Partition) {
	x, err := Open(filepath.Join(b.TempDir(), "index.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { x.Close() })
	pair, _, err := x.Pair(benchTopics)
	if err != nil {
		b.Fatal(err)
	}
	p := pair.Partition(0)
	transactions(b, x, p, n, nil)
	if err := x.Flush(); err != nil {
		b.Fatal(err)
	}
	return x, p
}

// BenchmarkForward looks up offsets all over a partition of 1e6 and 1e7 runs.
func BenchmarkForward(b *testing.B) {
	for _, n := range []int{1e6, 1e7} {
		if n > 1e6 && testing.Short() {
			continue
		}
		x, p := filled(b, n)
		stats, err := x.Stats()
		if err != nil || stats.Runs != int64(n) {
			b.Fatal(stats, err)
		}
		last, _ := p.Last()
		bounds := translate.Bounds{End: last.SecondaryEnd()}
		b.Run(fmt.Sprintf("runs=%.0e", float64(n)), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(3, 4))
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				u := rng.Int64N(last.PrimaryEnd())
				begun := time.Now()
				pos := p.Forward(u, bounds)
				took = append(took, time.Since(begun))
				if pos.Confidence != translate.Exact {
					b.Fatal(u, pos)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
			b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
			b.ReportMetric(stats.BytesPerRun, "B/run")
			b.ReportMetric(float64(stats.FileBytes)/float64(n), "fileB/run")
		})
		b.Run(fmt.Sprintf("tail/runs=%.0e", float64(n)), func(b *testing.B) {
			for b.Loop() {
				p.Forward(last.Primary, bounds)
			}
		})
		b.Run(fmt.Sprintf("reverse/runs=%.0e", float64(n)), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(3, 4))
			for b.Loop() {
				p.Reverse(rng.Int64N(last.SecondaryEnd()), translate.Bounds{End: last.PrimaryEnd()})
			}
		})
	}
}

// BenchmarkAppend is a run that merges with none, without and with the flush of every 10,000.
func BenchmarkAppend(b *testing.B) {
	x, p := filled(b, 1000)
	b.Run("memory and flush", func(b *testing.B) { transactions(b, x, p, b.N, nil) })
}

// BenchmarkFlush is one second of many partitions: one run more in each.
func BenchmarkFlush(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("partitions=%d", n), func(b *testing.B) {
			x, err := Open(filepath.Join(b.TempDir(), "index.db"), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer x.Close()
			topics := benchTopics
			topics.Partitions = int32(n)
			pair, _, err := x.Pair(topics)
			if err != nil {
				b.Fatal(err)
			}
			round := int64(0)
			for b.Loop() {
				for i := range n {
					if err := pair.Partition(int32(i)).Append(translate.Run{Primary: round * 11, Secondary: round * 10, Length: 10, Closed: true}); err != nil {
						b.Fatal(err)
					}
				}
				round++
				if err := x.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestFlat is a day of a transactional topic in small: runs are appended while both log starts follow. The file must not grow.
func TestFlat(t *testing.T) {
	n, live := 3_000_000, 200_000
	if testing.Short() {
		n, live = 300_000, 20_000
	}
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	pair, _, err := x.Pair(benchTopics)
	if err != nil {
		t.Fatal(err)
	}
	p := pair.Partition(0)
	size := func() (n int64) { // pages ever used: the file's own step of 16 MiB would hide what grows
		if err := x.view(func(tx *bbolt.Tx) error { n = tx.Size(); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var early, most int64
	var starts []translate.Run // first run of every 10,000
	transactions(t, x, p, n, func(i int) {
		if i%10_000 != 0 {
			return
		}
		r, _ := p.Last()
		starts = append(starts, r)
		if len(starts) > live/10_000 {
			gone := starts[0]
			starts = starts[1:]
			p.Prune(gone.Primary+1, gone.Secondary-1000)
		}
		switch {
		case i == n/10:
			early = size()
		case i > n/10:
			most = max(most, size())
		}
	})
	if err := x.Check(); err != nil {
		t.Fatal(err)
	}
	stats, err := x.Stats()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d runs appended, %d kept: file %d KiB after a tenth, at most %d KiB later; %+v", n, stats.Runs, early>>10, most>>10, stats)
	if stats.Runs > int64(live+live/2) || most > early+early/4+128<<10 {
		t.Errorf("%d runs kept; the file grew from %d to %d bytes", stats.Runs, early, most)
	}
	if stats.CachedRuns > 8*int64(blockRuns)+10_000 {
		t.Errorf("%d runs in memory", stats.CachedRuns)
	}
}

// BenchmarkRecopy is a mirror that starts again 100,000 transactions back, in a partition of 1,000,000.
func BenchmarkRecopy(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		x, p := filled(b, 1e6)
		var runs []translate.Run
		last, _ := p.Last()
		p.Runs(func(r translate.Run) bool {
			if r.Primary > last.Primary-26*100_000 {
				runs = append(runs, r)
			}
			return true
		})
		secondary := last.SecondaryEnd()
		b.StartTimer()
		for i, r := range runs {
			r.Secondary = secondary
			if err := p.Append(r); err != nil {
				b.Fatal(err)
			}
			secondary += r.Length
			if i%10_000 == 0 {
				if err := x.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(len(runs)), "runs")
	}
}
