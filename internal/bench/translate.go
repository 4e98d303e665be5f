package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/translate"
)

// translateMeasure is item 5: looking positions up in a large index, and what the index costs on disk.
var translateMeasure = Measure{
	Name: "translate", Short: "positions from an index of 10,000,000 runs, in-process and over HTTP; the index on disk, and a week of it",
	Run: measureTranslate,
}

func measureTranslate(r *Run) Result {
	runs, lookups, asked := 10_000_000, 500_000, 20_000
	if r.Short {
		runs, lookups, asked = 1_000_000, 100_000, 2_000
	}
	path := filepath.Join(r.TempDir(), "index.db")
	r.Say("writing an index of %d runs", runs)
	large := writeLargeIndex(r, path, runs)
	res := Result{
		Compares: "leftoff's index in bbolt, asked for offsets anywhere in one partition: by the daemon's own call, and by `GET /translate`.",
		Conditions: []string{
			fmt.Sprintf("%d runs in one partition: a transactional topic, 1 to 49 records a transaction, each with its marker", runs),
			fmt.Sprintf("%d lookups a run at random offsets, one at a time; the file is in the page cache", lookups),
			fmt.Sprintf("HTTP: %d questions over one kept connection on loopback; client and server share the process", asked),
		},
	}
	rows := &translateRows{bytesPerRun: large.BytesPerRun, fileBytesPerRun: float64(large.FileBytes) / float64(runs)}
	for n := range r.Runs {
		r.Say("run %d of %d", n+1, r.Runs)
		rows.take(r, path, lookups, asked)
	}
	week := simulateWeek(r)
	res.Rows = append(rows.rows(), week.rows()...)
	res.Conditions = append(res.Conditions, week.condition())
	res.Notes = append(rows.notes(), week.notes()...)
	return res
}

var largeTopics = checkpoint.Topics{Primary: checkpoint.Topic{Name: "payments"}, Secondary: checkpoint.Topic{Name: "payments"}, Partitions: 1, Source: "mirror"}

// writeLargeIndex appends transactions as a mirror would, flushing now and then.
func writeLargeIndex(r *Run, path string, runs int) checkpoint.Stats {
	x, err := checkpoint.Open(path, checkpoint.Options{})
	if err != nil {
		r.Fatal(err)
	}
	defer x.Close()
	pair, _, err := x.Pair(largeTopics)
	if err != nil {
		r.Fatal(err)
	}
	p, rng := pair.Partition(0), rand.New(rand.NewPCG(1, 2))
	primary, secondary := int64(0), int64(0)
	for i := range runs {
		length := 1 + rng.Int64N(49)
		if err := p.Append(translate.Run{Primary: primary, Secondary: secondary, Length: length, Closed: true}); err != nil {
			r.Fatal(err)
		}
		primary, secondary = primary+length+1, secondary+length
		if i%10_000 == 9_999 {
			if err := x.Flush(); err != nil {
				r.Fatal(err)
			}
		}
		if r.Context.Err() != nil {
			r.Fatal(r.Context.Err())
		}
	}
	if err := x.Flush(); err != nil {
		r.Fatal(err)
	}
	stats, err := x.Stats()
	if err != nil || stats.Runs != int64(runs) {
		r.Fatalf("the index holds %d runs: %v", stats.Runs, err)
	}
	return stats
}

// translateRows collects the values of all runs.
type translateRows struct {
	bytesPerRun, fileBytesPerRun      float64
	open, p50, p99, max, clock, best  []float64
	httpP50, httpP99, emptyP50, empty []float64
}

func (t *translateRows) take(r *Run, path string, lookups, asked int) {
	began := time.Now()
	x, err := checkpoint.Open(path, checkpoint.Options{ReadOnly: true})
	if err != nil {
		r.Fatal(err)
	}
	defer x.Close()
	pair, ok := x.Lookup(largeTopics.Primary.Name)
	if !ok {
		r.Fatal("the pair is gone")
	}
	p := pair.Partition(0)
	last, _ := p.Last()
	bounds := translate.Bounds{End: last.SecondaryEnd()}
	p.Forward(last.PrimaryEnd()/2, bounds) // the first answer is part of opening
	t.open = append(t.open, milliseconds(time.Since(began)))

	took := t.inProcess(r, p, bounds, last.PrimaryEnd(), lookups)
	t.p50 = append(t.p50, microseconds(quantile(took, 0.50)))
	t.p99 = append(t.p99, microseconds(quantile(took, 0.99)))
	t.max = append(t.max, microseconds(quantile(took, 1)))
	t.clock = append(t.clock, microseconds(clockAlone(lookups)))
	t.best = append(t.best, microseconds(quantile(bestOf(p, bounds, last.PrimaryEnd(), lookups/5), 0.99)))
	t.overHTTP(r, indexSource{p, bounds}, last.PrimaryEnd(), asked)
}

// inProcess looks offsets up and returns how long each took, sorted.
func (t *translateRows) inProcess(r *Run, p *checkpoint.Partition, bounds translate.Bounds, end int64, lookups int) []time.Duration {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rng := rand.New(rand.NewPCG(3, 4))
	for range lookups / 10 { // the pages, and the cache
		p.Forward(rng.Int64N(end), bounds)
	}
	runtime.GC()
	took := make([]time.Duration, 0, lookups)
	for range lookups {
		u := rng.Int64N(end)
		began := time.Now()
		pos := p.Forward(u, bounds)
		took = append(took, time.Since(began))
		if pos.Confidence != translate.Exact {
			r.Fatalf("offset %d is at %+v", u, pos)
		}
	}
	slices.Sort(took)
	return took
}

// bestOf looks each offset up five times and returns the quickest of each, sorted: what the place in the index costs, without what
// happens to the machine meanwhile.
func bestOf(p *checkpoint.Partition, bounds translate.Bounds, end int64, lookups int) []time.Duration {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rng := rand.New(rand.NewPCG(7, 8))
	took := make([]time.Duration, 0, lookups)
	for range lookups {
		u, best := rng.Int64N(end), time.Duration(math.MaxInt64)
		for range 5 {
			began := time.Now()
			p.Forward(u, bounds)
			best = min(best, time.Since(began))
		}
		took = append(took, best)
	}
	slices.Sort(took)
	return took
}

// clockAlone is what timing nothing takes: the harness's share of each value.
func clockAlone(n int) time.Duration {
	took := make([]time.Duration, 0, n)
	for range n {
		began := time.Now()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return quantile(took, 0.5)
}

// overHTTP asks the daemon's own server, over the index in place of a daemon that would need the topics for it.
func (t *translateRows) overHTTP(r *Run, source indexSource, end int64, asked int) {
	server, err := api.Listen("127.0.0.1:0", api.Options{Source: source})
	if err != nil {
		r.Fatal(err)
	}
	ctx, stop := context.WithCancel(r.Context)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	defer func() { stop(); <-done }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	rng := rand.New(rand.NewPCG(5, 6))
	question := func() string {
		return fmt.Sprintf("http://%s/translate?topic=payments&partition=0&offset=%d", server.Addr(), rng.Int64N(end))
	}
	ask(r, client, asked/10, question)
	took := ask(r, client, asked, question)
	t.httpP50 = append(t.httpP50, microseconds(quantile(took, 0.50)))
	t.httpP99 = append(t.httpP99, microseconds(quantile(took, 0.99)))
	empty := ask(r, client, asked, func() string { return "http://" + server.Addr() + "/healthz" })
	t.emptyP50 = append(t.emptyP50, microseconds(quantile(empty, 0.50)))
	t.empty = append(t.empty, microseconds(quantile(empty, 0.99)))
}

// ask sends n questions, one at a time, and returns how long each answer took, sorted.
func ask(r *Run, client *http.Client, n int, question func() string) []time.Duration {
	took := make([]time.Duration, 0, n)
	for range n {
		url := question()
		began := time.Now()
		resp, err := client.Get(url)
		if err != nil {
			r.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		took = append(took, time.Since(began))
		if err != nil || resp.StatusCode != http.StatusOK || !json.Valid(body) {
			r.Fatalf("%s answers %s: %s (%v)", url, resp.Status, body, err)
		}
	}
	slices.Sort(took)
	return took
}

// indexSource answers translations from one partition of an index.
type indexSource struct {
	p      *checkpoint.Partition
	bounds translate.Bounds
}

func (s indexSource) Snapshots(context.Context, bool) ([]replicator.Snapshot, error) { return nil, nil }

func (s indexSource) Translate(_ context.Context, q api.Query) (replicator.Mapping, error) {
	return replicator.Mapping{Topic: q.Topic, Position: s.p.Forward(q.Offset, s.bounds), Secondary: s.bounds}, nil
}

func (s indexSource) Reclaim(context.Context, string, string, string) (replicator.Verdict, error) {
	return replicator.Verdict{}, replicator.ErrUnknownGroup
}

func (t *translateRows) rows() []Row {
	return []Row{
		{What: "lookup, p50", Unit: "µs", Values: t.p50, Budget: 3},
		{What: "lookup, p99", Unit: "µs", Values: t.p99, Budget: 10},
		{What: "lookup, max", Unit: "µs", Values: t.max},
		{What: "lookup, the best of 5 of each offset, p99", Unit: "µs", Values: t.best},
		{What: "timing nothing, p50 (in each of the above)", Unit: "µs", Values: t.clock},
		{What: "GET /translate, p50", Unit: "µs", Values: t.httpP50, Floor: middle(t.emptyP50)},
		{What: "GET /translate, p99", Unit: "µs", Values: t.httpP99, Floor: middle(t.empty)},
		{What: "open the file, to the first answer", Unit: "ms", Values: t.open},
		{What: "index: blocks of runs", Unit: "bytes a run", Values: []float64{t.bytesPerRun}, Budget: 10},
		{What: "index: the whole file", Unit: "bytes a run", Values: []float64{t.fileBytesPerRun}, Budget: 10},
	}
}

func (t *translateRows) notes() []string {
	return []string{
		"The floor of `GET /translate` is `GET /healthz` with the same client and server, which asks nothing: the rest is HTTP, not the index.",
		"Every answer is checked to be exact, outside the time taken.",
	}
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// quickDir is a folder that does not wait for a disk, where there is one.
func quickDir(r *Run) string {
	if dir, err := os.MkdirTemp("/dev/shm", "leftoff-bench-"); err == nil {
		r.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return r.TempDir()
}
