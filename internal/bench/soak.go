package bench

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// soakMeasure is item 9: does anything grow?
var soakMeasure = Measure{
	Name: "soak", Short: "10 minutes at half load: memory, index file and goroutines flat, latency the same at the end",
	Run: measureSoak,
}

const (
	soakTopic      = "soak.orders"
	soakTxnTopic   = "soak.transactions"
	soakPartitions = 10
	soakGroups     = 1_000
	soakRate       = 500 // commits a second, and records; the latency budget is for twice as many
	soakTxnRate    = 20  // transactions a second beside them: runs for the index
)

// soak is a pair of clusters under a steady load.
type soak struct {
	r                  *Run
	primary, secondary *rig.Cluster
	program            *program
	work               *work
	commits            *bulk
	ends               [soakPartitions]atomic.Int64
	mu                 sync.Mutex
	newest             map[judge.Key]int64
	acks               atomic.Int64
	transactions       atomic.Int64
}

// soakSample is what the process looked like at one moment.
type soakSample struct {
	at         time.Duration
	anon, heap float64 // MiB; the heap as the last collection left it
	index      float64 // MiB
	goroutines float64
	cpu        time.Duration
	acks       int64
}

func measureSoak(r *Run) Result {
	length, every := 10*time.Minute, 10*time.Second
	if r.Short {
		length, every = 20*time.Second, time.Second
	}
	s := newSoak(r)
	began := time.Now()
	stop := s.load()
	var samples []soakSample
	for time.Since(began) < length {
		pause(r, every)
		x := s.sample(time.Since(began))
		samples = append(samples, x)
		r.Say("%v of %v: %.0f MiB, %.0f goroutines, index %.1f MiB", x.at.Round(time.Second), length, x.anon, x.goroutines, x.index)
	}
	stop()
	s.judge()
	s.work.stop()
	return s.result(samples, began, length)
}

func newSoak(r *Run) *soak {
	s := &soak{r: r, newest: map[judge.Key]int64{}}
	s.primary, s.secondary = rig.StartPair(r.TB, rig.Options{Bench: true, JVM: []string{"-Xmx1g"}})
	for _, topic := range []string{soakTopic, soakTxnTopic} {
		s.primary.CreateTopic(r.TB, topic, soakPartitions, nil)
	}
	s.program = buildProgram(r, "mirror", "soak.", "soak.", s.primary, s.secondary)
	s.commits = newBulk(r, s.primary, soakTopic, 10)
	r.Say("warming the brokers up")
	warm := 15 * time.Second
	if r.Short {
		warm = 4 * time.Second
	}
	s.commits.warm(warm)
	s.work = s.program.start()
	s.work.ready()
	return s
}

// load keeps records, transactions and commits coming until it is stopped.
func (s *soak) load() (stop func()) {
	ctx, cancel := context.WithCancel(s.r.Context)
	var wg sync.WaitGroup
	records := s.primary.Client(s.r.TB, kgo.DefaultProduceTopic(soakTopic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	for lane := range soakPartitions {
		wg.Go(func() { s.lane(ctx, records, lane) })
	}
	wg.Go(func() { s.transact(ctx) })
	return func() { cancel(); wg.Wait() }
}

// lane produces to one partition and lets a tenth of the groups commit there what was acknowledged last.
func (s *soak) lane(ctx context.Context, client *kgo.Client, lane int) {
	tick := time.NewTicker(time.Second * soakPartitions / soakRate)
	defer tick.Stop()
	value := []byte(strings.Repeat("p", 500))
	for n := lane; ; n += soakPartitions {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		client.Produce(context.WithoutCancel(ctx), &kgo.Record{Partition: int32(lane), Value: value}, func(rec *kgo.Record, err error) {
			if err == nil {
				s.ends[lane].Store(rec.Offset + 1)
			}
		})
		offset := s.ends[lane].Load()
		if offset == 0 {
			continue
		}
		key := judge.Key{Group: fmt.Sprintf("soak.group-%d", n%soakGroups), Topic: soakTopic, Partition: int32(lane)}
		if err := s.commits.commit(context.WithoutCancel(ctx), lane, key.Group, key.Partition, offset); err != nil {
			s.r.Errorf("commit: %v", err)
			return
		}
		s.acks.Add(1)
		s.mu.Lock()
		s.newest[key] = offset
		s.mu.Unlock()
	}
}

// transact writes small transactions: each ends in a marker, and so in a run of its own.
func (s *soak) transact(ctx context.Context) {
	client := s.primary.Client(s.r.TB, kgo.DefaultProduceTopic(soakTxnTopic), kgo.TransactionalID("soak"), kgo.ProducerLinger(0))
	tick := time.NewTicker(time.Second / soakTxnRate)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		ctx := context.WithoutCancel(ctx)
		if err := client.BeginTransaction(); err != nil {
			s.r.Errorf("transaction: %v", err)
			return
		}
		for i := range 5 {
			client.Produce(ctx, &kgo.Record{Key: fmt.Append(nil, i), Value: []byte("in a transaction")}, nil)
		}
		if err := client.Flush(ctx); err != nil {
			s.r.Errorf("transaction: %v", err)
			return
		}
		if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
			s.r.Errorf("transaction: %v", err)
			return
		}
		s.transactions.Add(1)
	}
}

func (s *soak) sample(at time.Duration) soakSample {
	if err := s.work.died(); err != nil {
		s.r.Fatal(err)
	}
	x := soakSample{at: at, acks: s.acks.Load()}
	pid := s.work.cmd.Process.Pid
	m, _ := memoryOf(pid)
	x.anon = mib(m.Anon)
	x.cpu, _ = cpuOf(pid)
	if info, err := os.Stat(s.program.index()); err == nil {
		x.index = mib(info.Size())
	}
	first, _ := s.profile("goroutine")
	if _, err := fmt.Sscanf(first, "goroutine profile: total %g", &x.goroutines); err != nil {
		s.r.Fatalf("goroutines: %q: %v", first, err)
	}
	_, rest := s.profile("heap")
	if _, after, ok := strings.Cut(rest, "# HeapAlloc = "); ok {
		var bytes float64
		if _, err := fmt.Sscan(after, &bytes); err == nil {
			x.heap = bytes / (1 << 20)
		}
	}
	return x
}

// profile asks for one as text: its first line, and the rest.
func (s *soak) profile(name string) (first, rest string) {
	resp, err := http.Get(s.work.url() + "/debug/pprof/" + name + "?debug=1")
	if err != nil {
		s.r.Fatal(err)
	}
	defer resp.Body.Close()
	b := bufio.NewReader(resp.Body)
	first, err = b.ReadString('\n')
	if err != nil {
		s.r.Fatalf("%s: %v", name, err)
	}
	var text strings.Builder
	if _, err := b.WriteTo(&text); err != nil {
		s.r.Fatalf("%s: %v", name, err)
	}
	return first, text.String()
}

// judge waits for the newest commits on the secondary, at the same offsets: the topic was empty, and nobody else wrote to its
// copy. One that is higher would skip records.
func (s *soak) judge() {
	settled(s.r, s.secondary, func(held map[judge.Key]int64) error { return atLeast(s.newest, held) })
	for k, got := range heldNow(s.r, s.secondary) {
		if want, ok := s.newest[k]; ok && got != want {
			s.r.Fatalf("%s: the secondary holds %d, not %d", k, got, want)
		}
	}
}

// latencies pairs what both offsets topics say, by the coordinators' own clocks (milliseconds), of commits made in a span.
func (s *soak) latencies(from, to time.Time) []time.Duration {
	seen := map[judge.Key][]judge.Write{}
	for _, x := range readOffsets(s.r, s.secondary).Writes() {
		if x.Value != nil {
			seen[x.Key] = append(seen[x.Key], x)
		}
	}
	var all []time.Duration
	for _, x := range readOffsets(s.r, s.primary).Writes() {
		if x.Value == nil || x.Topic != soakTopic || x.At.Before(from) || x.At.After(to) {
			continue
		}
		list := seen[x.Key]
		i, _ := slices.BinarySearchFunc(list, x.Value.Offset, func(w judge.Write, offset int64) int { return int(w.Value.Offset - offset) })
		if i < len(list) {
			all = append(all, max(0, list[i].At.Sub(x.At)))
		}
	}
	slices.Sort(all)
	return all
}

func (s *soak) result(samples []soakSample, began time.Time, length time.Duration) Result {
	// The first fifth is the start: heaps and pools fill. What follows is compared end to end.
	steady := samples[len(samples)/5:]
	early, late := steady[:max(1, len(steady)/4)], steady[len(steady)-max(1, len(steady)/4):]
	of := func(list []soakSample, f func(soakSample) float64) float64 {
		var v []float64
		for _, x := range list {
			v = append(v, f(x))
		}
		return middle(v)
	}
	var rows []Row
	for _, q := range []struct {
		what, unit string
		f          func(soakSample) float64
	}{
		{"memory (RssAnon)", "MiB", func(x soakSample) float64 { return x.anon }},
		{"heap in use", "MiB", func(x soakSample) float64 { return x.heap }},
		{"goroutines", "goroutines", func(x soakSample) float64 { return x.goroutines }},
		{"index file", "MiB", func(x soakSample) float64 { return x.index }},
	} {
		a, b := of(early, q.f), of(late, q.f)
		rows = append(rows,
			Row{What: q.what + ", at the end", Unit: q.unit, Values: []float64{b}},
			Row{What: q.what + ", from the second fifth to the end", Unit: "%", Values: []float64{growth(a, b)}})
	}
	end, fifth := samples[len(samples)-1], samples[len(samples)/5]
	rows = append(rows,
		Row{What: "CPU of leftoff", Unit: "% of a core", Values: []float64{100 * (end.cpu - fifth.cpu).Seconds() / (end.at - fifth.at).Seconds()}},
		Row{What: "commits acknowledged by the primary", Unit: "commits/s", Values: []float64{float64(end.acks) / end.at.Seconds()}},
		Row{What: "transactions beside them", Unit: "transactions/s", Values: []float64{float64(s.transactions.Load()) / length.Seconds()}},
	)
	first := s.latencies(began.Add(length/5), began.Add(2*length/5))
	last := s.latencies(began.Add(4*length/5), began.Add(length))
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		rows = append(rows,
			Row{What: "commit → on the secondary, second fifth, " + q.name, Unit: "ms", Values: []float64{milliseconds(quantile(first, q.at))}},
			Row{What: "commit → on the secondary, last fifth, " + q.name, Unit: "ms", Values: []float64{milliseconds(quantile(last, q.at))}})
	}
	res := Result{
		Compares: "The real binary with itself: the second fifth of the time with the end.",
		Conditions: []string{
			fmt.Sprintf("%v; mapping `mirror`; %d records of 500 B and %d commits a second over %d groups and %d partitions, half of what the latency is measured at", length, soakRate, soakRate, soakGroups, soakPartitions),
			fmt.Sprintf("beside them %d transactions a second, each a run in the index", soakTxnRate),
			fmt.Sprintf("%d samples from /proc and /debug/pprof; one run, whatever --runs says", len(samples)),
		},
		Notes: []string{
			"The index file grows in steps of 16 MiB; a week of it is in `translate`.",
			"Latencies are the difference of the two coordinators' timestamps, to the millisecond, read when the load has ended.",
			"Every group's newest commit is compared at the end.",
		},
		Rows: rows,
	}
	if rate := float64(end.acks) / end.at.Seconds(); rate < 0.9*soakRate {
		res.Notes = append(res.Notes, fmt.Sprintf("The load generator reached %.0f commits/s only: the machine was busy with something else, or the brokers were cold.", rate))
	}
	return res
}

// growth from a to b, in percent.
func growth(a, b float64) float64 {
	if a == 0 {
		return 0
	}
	return math.Round(1000*(b-a)/a) / 10
}
