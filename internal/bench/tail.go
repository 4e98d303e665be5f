package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/tail"
)

// tailMeasure is item 3: how fast `__consumer_offsets` is read from its start, by one core.
var tailMeasure = Measure{
	Name: "tail", Short: "reading __consumer_offsets from the start: commits per second of one core, allocations per commit",
	Run: measureTail,
}

// How what is read was written: each commit is one request of ten partitions, one batch in the log.
const tailPartitions = 10

func measureTail(r *Run) Result {
	commits := 1_000_000
	if r.Short {
		commits = 100_000
	}
	c := rig.Start(r.TB, rig.Options{Name: "primary", Bench: true, JVM: []string{"-Xmx1g"}})
	fillCommits(r, c, commits)

	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	readers := []reader{
		{"the fetcher alone: batches and records, not decoded", fetchOnly},
		{"fetch and decode", decodeOnly},
		{"fetch, decode and a naive map (the floor)", naiveMap},
		{"fetch, decode and ledger", withLedger},
	}
	for _, x := range readers { // the broker's code is cold, and so is ours
		x.read(r, c, commits)
	}
	taken := make([][]reading, len(readers))
	for n := range r.Runs {
		for i, x := range readers {
			r.Say("run %d of %d, %s", n+1, r.Runs, x.what)
			taken[i] = append(taken[i], x.read(r, c, commits))
		}
	}
	return tailResult(readers, taken, commits)
}

func fillCommits(r *Run, c *rig.Cluster, commits int) {
	r.Say("committing %d offsets", commits)
	const groups = 10_000
	c.CreateTopic(r.TB, "orders", tailPartitions, nil)
	b := newBulk(r, c, "orders", 8)
	b.all(commits/tailPartitions, func(connection, i int) error {
		offsets := make([]int64, tailPartitions)
		for p := range offsets {
			offsets[p] = int64(i)
		}
		return b.commit(r.Context, connection, fmt.Sprintf("group-%d", i%groups), 0, offsets...)
	})
}

// reader is one way to read the topic; it returns when it has seen all commits.
type reader struct {
	what string
	read func(r *Run, c *rig.Cluster, commits int) reading
}

// reading is what one pass over the topic cost.
type reading struct {
	commits, seconds, cpu float64
	allocs, bytes         float64
}

// measured times f, which reads n commits, and nothing else of this process runs meanwhile.
func measured(n int, f func()) reading {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), ownCPU()
	f()
	x := reading{commits: float64(n), seconds: time.Since(began).Seconds(), cpu: (ownCPU() - cpu).Seconds()}
	runtime.ReadMemStats(&after)
	x.allocs, x.bytes = float64(after.Mallocs-before.Mallocs), float64(after.TotalAlloc-before.TotalAlloc)
	return x
}

// fetchOnly polls the fetcher that the tail uses until it has passed every partition's end.
func fetchOnly(r *Run, c *rig.Cluster, commits int) reading {
	cluster := kafka.Open(kafka.Config{Brokers: c.Bootstrap()}, nil)
	defer cluster.Close()
	ends, err := c.Admin().ListEndOffsets(r.Context, offsetsTopic)
	if err != nil {
		r.Fatal(err)
	}
	return measured(commits, func() {
		f := cluster.NewFetcher(kafka.FetchOptions{})
		defer f.Close()
		left := 0
		for _, o := range ends[offsetsTopic] {
			if o.Offset > 0 {
				left++
				f.Assign(kafka.TopicPartition{Topic: offsetsTopic, Partition: o.Partition}, 0)
			}
		}
		for left > 0 {
			fs, err := f.Poll(r.Context)
			if err != nil {
				r.Fatal(err)
			}
			for i := range fs {
				if len(fs[i].Batches) > 0 && fs[i].Next == ends[offsetsTopic][fs[i].Partition].Offset {
					left--
				}
			}
		}
	})
}

func decodeOnly(r *Run, c *rig.Cluster, commits int) reading {
	return runTail(r, c, commits, func(_ context.Context, b replicator.Batch) error { return nil })
}

// naiveMap is the floor the budget was set from.
func naiveMap(r *Run, c *rig.Cluster, commits int) reading {
	ledger := map[replicator.Key]replicator.Commit{}
	return runTail(r, c, commits, func(_ context.Context, b replicator.Batch) error {
		for i := range b.Changes {
			ledger[b.Changes[i].Commit.Key] = b.Changes[i].Commit
		}
		return nil
	})
}

// withLedger is the way of the daemon: the loop's own table, behind a closed gate.
func withLedger(r *Run, c *rig.Cluster, commits int) reading {
	all := func(string) bool { return true }
	loop := replicator.NewLoop(replicator.Options{
		Link: "bench", PrimaryID: "p", OtherID: "s", Mapper: nowhere{}, Policy: replicator.DefaultPolicy(), SelectGroup: all, SelectTopic: all, Closed: true,
	})
	ctx, stop := context.WithCancel(r.Context)
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	defer func() { stop(); <-ended }()
	x := runTail(r, c, commits, func(ctx context.Context, b replicator.Batch) error {
		err := loop.Put(ctx, b)
		if err == nil && b.CaughtUp {
			_, err = loop.Snapshot(ctx, false) // answered after the batch is in the table
		}
		return err
	})
	s, err := loop.Snapshot(ctx, false)
	if err != nil || s.Counters.Commits != int64(commits) {
		r.Fatalf("the ledger took %d of %d commits: %v", s.Counters.Commits, commits, err)
	}
	return x
}

// nowhere maps nothing: with the gate closed nobody asks.
type nowhere struct{}

func (nowhere) Forward(string, [16]byte, int32, int64) replicator.Mapping {
	return replicator.Mapping{Reason: replicator.TopicMissing}
}
func (nowhere) Mirrored() map[string]int32 { return nil }
func (nowhere) Want(string, int32, int64)  {}

// runTail reads the topic from its start until the tail has caught up, and checks that it was all there.
func runTail(r *Run, c *rig.Cluster, commits int, out func(context.Context, replicator.Batch) error) reading {
	cluster := kafka.Open(kafka.Config{Brokers: c.Bootstrap()}, nil)
	defer cluster.Close()
	seen := 0
	x := measured(commits, func() {
		ctx, cancel := context.WithCancel(r.Context)
		defer cancel()
		t := tail.New(tail.Options{Cluster: cluster, Out: func(ctx context.Context, b replicator.Batch) error {
			seen += len(b.Changes)
			if err := out(ctx, b); err != nil {
				return err
			}
			if b.CaughtUp {
				cancel()
			}
			return nil
		}})
		if err := t.Run(ctx); !errors.Is(err, context.Canceled) {
			r.Fatal(err)
		}
	})
	if seen != commits {
		r.Fatalf("the tail handed on %d of %d commits", seen, commits)
	}
	return x
}

func tailResult(readers []reader, taken [][]reading, commits int) Result {
	res := Result{
		Compares: "Kafka's `__consumer_offsets` read from its start by leftoff's tail into leftoff's ledger, and into a plain Go map.",
		Conditions: []string{
			fmt.Sprintf("%d commits of 10,000 groups in 8 partitions of the offsets topic, %d offsets a request; one broker", commits, tailPartitions),
			"GOMAXPROCS=1; the broker has the other core",
		},
		Notes: []string{
			"“Busy” is the reader's CPU time by the clock: near 100% it is the reader that limits, not the broker.",
			"The commits are written before the clock starts, and counted when it has stopped: neither generator nor judge runs meanwhile.",
		},
	}
	each := func(i int, f func(reading) float64) []float64 {
		var v []float64
		for _, x := range taken[i] {
			v = append(v, f(x))
		}
		return v
	}
	rate := func(x reading) float64 { return x.commits / x.cpu }
	last := len(readers) - 1
	for i, x := range readers {
		row := Row{What: x.what, Unit: "commits per CPU second", Values: each(i, rate)}
		if i == last {
			row.Budget, row.Atleast, row.Floor = 1_000_000, true, middle(each(last-1, rate))
		}
		res.Rows = append(res.Rows, row)
	}
	res.Rows = append(res.Rows,
		Row{What: readers[last].what + ", by the clock", Unit: "commits/s", Values: each(last, func(x reading) float64 { return x.commits / x.seconds })},
		Row{What: readers[last].what + ": busy", Unit: "%", Values: each(last, func(x reading) float64 { return 100 * x.cpu / x.seconds })},
		Row{What: readers[last].what + ": allocations", Unit: "per commit", Values: each(last, func(x reading) float64 { return x.allocs / x.commits })},
		Row{What: readers[last].what + ": allocated", Unit: "bytes per commit", Values: each(last, func(x reading) float64 { return x.bytes / x.commits })},
		Row{What: readers[1].what + ": allocations", Unit: "per commit", Values: each(1, func(x reading) float64 { return x.allocs / x.commits })},
	)
	return res
}
