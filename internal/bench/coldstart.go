package bench

import (
	"fmt"
	"slices"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// coldstartMeasure is item 4: from nothing in memory to everything in step.
var coldstartMeasure = Measure{
	Name: "coldstart", Short: "from the start to the first correct write and to all (group, partition) pairs in step; memory",
	Run: measureColdStart,
}

// coldGround is a pair of clusters whose records are mirrored already, and groups that have committed on the primary only.
type coldGround struct {
	r                  *Run
	primary, secondary *rig.Cluster
	program            *program
	groups, partitions int
	commits            *bulk
}

const (
	coldTopic      = "cold.orders"
	coldPartitions = 100
	coldRecords    = 100 // of each partition
)

// coldStart is what one start from nothing showed.
type coldStart struct {
	first, all           float64 // seconds from the start of the process
	writing              float64 // offsets a second between the two
	peak, rest, resident int64   // bytes
	cpu                  float64 // seconds
	coordinator, source  float64 // seconds of CPU that the secondary's and the primary's broker took meanwhile
	// The second start: everything is on both sides, and one pair of a hundred was committed while leftoff was away.
	again, restBoth, peakBoth float64
	bare                      float64 // seconds to write as many offsets with nothing read or decided
	bareCPU                   float64 // seconds that the secondary's broker took for that
}

func measureColdStart(r *Run) Result {
	groups := 10_000
	if r.Short {
		groups = 1_000
	}
	var starts []coldStart
	for n := range r.Runs {
		r.Say("run %d of %d, %d pairs", n+1, r.Runs, groups*coldPartitions)
		starts = append(starts, oneColdStart(r, groups))
	}
	return coldResult(starts, groups)
}

// oneColdStart has clusters of its own: nothing is left of the run before, in the brokers' memory either.
func oneColdStart(r *Run, groups int) coldStart {
	g := newColdGround(r, groups)
	defer g.primary.Close(false)
	defer g.secondary.Close(false)
	r.Say("mirroring the records")
	g.mirror()
	r.Say("committing %d offsets on the primary", groups*coldPartitions)
	g.commitAll()
	r.Say("warming the secondary up")
	g.warm()
	r.Say("starting from nothing")
	s := g.start()
	r.Say("all in step after %.1f s; starting again", s.all)
	g.startAgain(&s)
	r.Say("in step after %.1f s", s.again)
	r.Say("writing as much with nothing else to do")
	busy := brokerCPU(g.secondary)
	s.bare = g.bareWrites()
	s.bareCPU = busy()
	return s
}

func newColdGround(r *Run, groups int) *coldGround {
	g := &coldGround{r: r, groups: groups, partitions: coldPartitions}
	o := rig.Options{Bench: true, JVM: []string{"-Xmx2g"}} // a million offsets in a coordinator's memory
	g.primary, g.secondary = rig.StartPair(r.TB, o)
	g.primary.CreateTopic(r.TB, coldTopic, coldPartitions, nil)
	fillRecords(r, coldTopic, coldPartitions, coldRecords, g.primary)
	g.program = buildProgram(r, "mirror", "cold.", "cold.", g.primary, g.secondary)
	g.commits = newBulk(r, g.primary, coldTopic, 8)
	return g
}

// mirror lets leftoff copy the records, before anything is measured.
func (g *coldGround) mirror() {
	w := g.program.start()
	w.ready()
	await(g.r, time.Minute, "the records are mirrored", func() error {
		known, err := g.secondary.Admin().ListTopics(g.r.Context, coldTopic)
		if err != nil || !known.Has(coldTopic) {
			return fmt.Errorf("the topic is not there: %v", err)
		}
		if n := logEnds(g.r, g.secondary, coldTopic); n < coldPartitions*coldRecords {
			return fmt.Errorf("%d records", n)
		}
		return w.died()
	})
	pause(g.r, 1500*time.Millisecond) // the index is flushed once a second
	w.stop()
}

func (g *coldGround) group(i int) string { return fmt.Sprintf("cold.group-%d", i) }

func (g *coldGround) commitAll() {
	g.commits.all(g.groups, func(connection, i int) error {
		return g.commits.commit(g.r.Context, connection, g.group(i), 0, slices.Repeat([]int64{coldRecords / 2}, g.partitions)...)
	})
}

// written waits until every pair holds what it must on the secondary. Until as many offsets were written as have to be, it asks for
// the ends of the log only, twenty times a second, and decodes nothing; what is missing then (some pairs were written twice) is
// waited for in the same way.
func (g *coldGround) written(w *work, before, n int64, want func(group, partition int) int64) {
	for {
		g.writtenOnce(w, before, n)
		missing, example := g.missing(want)
		if missing == 0 {
			return
		}
		g.r.Say("%d pairs are not in step, %s", missing, example)
		n += int64(missing)
	}
}

func (g *coldGround) writtenOnce(w *work, before, n int64) {
	await(g.r, 2*time.Minute, "all offsets are on the secondary", func() error {
		if got := logEnds(g.r, g.secondary, offsetsTopic) - before; got < n {
			return fmt.Errorf("%d of %d", got, n)
		}
		return w.died()
	})
}

// brokerCPU returns a function that says how many seconds of CPU a cluster's broker took since.
func brokerCPU(c *rig.Cluster) func() float64 {
	before, _ := cpuOf(c.PIDs()[0])
	return func() float64 {
		now, _ := cpuOf(c.PIDs()[0])
		return (now - before).Seconds()
	}
}

func (g *coldGround) start() (s coldStart) {
	before := logEnds(g.r, g.secondary, offsetsTopic)
	pairs := int64(g.groups * g.partitions)
	coordinator, source := brokerCPU(g.secondary), brokerCPU(g.primary)
	w := g.program.start()
	peak := peakAnon(w.cmd.Process.Pid)
	g.writtenOnce(w, before, pairs)
	cpu, _ := cpuOf(w.cmd.Process.Pid)
	s.coordinator, s.source = coordinator(), source()
	g.written(w, before, pairs, halfway)
	s.peak, s.cpu = peak(), cpu.Seconds()
	g.settle()
	m, _ := memoryOf(w.cmd.Process.Pid)
	s.rest, s.resident = m.Anon, m.Peak
	w.stop()

	first, last := g.span(w.began)
	s.first, s.all = first.Sub(w.began).Seconds(), last.Sub(w.began).Seconds()
	s.writing = float64(pairs) / last.Sub(first).Seconds()
	return s
}

// settle gives the daemon the time to hand memory back that it needed for the start only.
func (g *coldGround) settle() {
	if g.r.Short {
		pause(g.r, time.Second)
		return
	}
	pause(g.r, 10*time.Second)
}

// startAgain starts where everything is in step but for one group of a hundred.
func (g *coldGround) startAgain(s *coldStart) {
	changed := (g.groups + 99) / 100
	g.commits.all(changed, func(connection, i int) error {
		return g.commits.commit(g.r.Context, connection, g.group(100*i), 0, slices.Repeat([]int64{coldRecords}, g.partitions)...)
	})
	before := logEnds(g.r, g.secondary, offsetsTopic)
	w := g.program.start()
	peak := peakAnon(w.cmd.Process.Pid)
	g.written(w, before, int64(changed*g.partitions), someAtTheEnd)
	_, last := g.span(w.began)
	s.again = last.Sub(w.began).Seconds()
	g.settle()
	m, _ := memoryOf(w.cmd.Process.Pid)
	s.restBoth, s.peakBoth = float64(m.Anon), float64(peak())
	w.stop()
}

// span is when the coordinator wrote the first and the last offset after a moment.
func (g *coldGround) span(after time.Time) (first, last time.Time) {
	after = after.Truncate(time.Millisecond)
	for _, x := range readOffsets(g.r, g.secondary).Writes() {
		if x.At.Before(after) || x.Value == nil || x.Topic != coldTopic {
			continue
		}
		if first.IsZero() || x.At.Before(first) {
			first = x.At
		}
		if x.At.After(last) {
			last = x.At
		}
	}
	return first, last
}

// halfway is where every group stands before the first start, someAtTheEnd before the second: one group of a hundred has gone on.
func halfway(int, int) int64 { return coldRecords / 2 }

func someAtTheEnd(group, _ int) int64 {
	if group%100 == 0 {
		return coldRecords
	}
	return coldRecords / 2
}

// missing counts the pairs that do not hold what they must, and shows one.
func (g *coldGround) missing(want func(group, partition int) int64) (n int, example string) {
	g.r.Helper()
	held := heldNow(g.r, g.secondary)
	for i := range g.groups {
		for p := range g.partitions {
			k := judge.Key{Group: g.group(i), Topic: coldTopic, Partition: int32(p)}
			if got, ok := held[k]; !ok || got != want(i, p) {
				n++
				example = fmt.Sprintf("%s: the secondary holds %d (%t), not %d", k, got, ok, want(i, p))
			}
		}
	}
	return n, example
}

// warm makes the secondary's coordinator compile what it is about to be measured with: as many offsets, of other groups.
// leftoff has to read them, too, when it starts.
func (g *coldGround) warm() {
	b := newBulk(g.r, g.secondary, coldTopic, 16)
	b.all(g.groups, func(connection, i int) error {
		return b.commit(g.r.Context, connection, "warm-"+g.group(i), 0, slices.Repeat([]int64{1}, g.partitions)...)
	})
}

// bareWrites is how long the same number of offsets takes when somebody only writes them, 16 connections, to groups of
// other names: the floor of the writing half.
func (g *coldGround) bareWrites() float64 {
	b := newBulk(g.r, g.secondary, coldTopic, 16)
	began := time.Now()
	b.all(g.groups, func(connection, i int) error {
		return b.commit(g.r.Context, connection, "bare-"+g.group(i), 0, slices.Repeat([]int64{1}, g.partitions)...)
	})
	return time.Since(began).Seconds()
}

func coldResult(starts []coldStart, groups int) Result {
	pick := func(f func(coldStart) float64) (v []float64) {
		for _, s := range starts {
			v = append(v, f(s))
		}
		return v
	}
	bare := middle(pick(func(s coldStart) float64 { return s.bare }))
	res := Result{
		Compares: "The real binary, mapping `mirror`, started when every group has committed on the primary and none on the secondary; and again when all is in step but one group of a hundred.",
		Conditions: []string{
			fmt.Sprintf("%d groups × %d partitions = %d pairs, all records mirrored before", groups, coldPartitions, groups*coldPartitions),
			"one broker a cluster, the offsets topics with 8 partitions; brokers and leftoff share the cores",
		},
		Notes: []string{
			"Times end with the coordinator's own timestamp in each record of the secondary's `__consumer_offsets`, which the judge reads after leftoff has been stopped. Meanwhile only the ends of 8 partitions are asked for, twenty times a second.",
			"Every pair is compared with what it must be after each of the two starts.",
			"Before the first start, the secondary's coordinator was warmed up with as many offsets of other groups, which leftoff reads when it starts, too.",
			"Leftoff and the two brokers share two cores: the sum of the three CPU rows, over two, is the least that the start can take, and what keeps it from the budget, whose floor had the cores to itself, first to read and then to write. " +
				"The secondary's broker works more than for the bare writer because leftoff also reads back what is written there, to see who else writes.",
			"The bare writer sends as many offsets, 100 a request over 16 connections, and does nothing else: the floor of the writing half.",
		},
	}
	if mibs := pick(func(s coldStart) float64 { return s.restBoth }); middle(mibs) == 0 {
		res.Notes = append(res.Notes, "Memory is read from /proc, which this system has not.")
	}
	per := func(f func(coldStart) int64) []float64 {
		return pick(func(s coldStart) float64 { return mib(f(s)) })
	}
	res.Rows = []Row{
		{What: "start → first correct write", Unit: "s", Values: pick(func(s coldStart) float64 { return s.first })},
		{What: "start → all in step", Unit: "s", Values: pick(func(s coldStart) float64 { return s.all }), Budget: 6},
		{What: "bare writer: as many offsets", Unit: "s", Values: pick(func(s coldStart) float64 { return s.bare })},
		{What: "offsets written, first to last", Unit: "offsets/s", Values: pick(func(s coldStart) float64 { return s.writing }), Floor: float64(groups*coldPartitions) / bare},
		{What: "CPU of leftoff until all in step", Unit: "s", Values: pick(func(s coldStart) float64 { return s.cpu })},
		{What: "CPU of the secondary's broker meanwhile", Unit: "s", Values: pick(func(s coldStart) float64 { return s.coordinator })},
		{What: "CPU of the primary's broker meanwhile", Unit: "s", Values: pick(func(s coldStart) float64 { return s.source })},
		{What: "CPU of the secondary's broker for the bare writer", Unit: "s", Values: pick(func(s coldStart) float64 { return s.bareCPU })},
		{What: "memory, peak of the start (RssAnon)", Unit: "MiB", Values: per(func(s coldStart) int64 { return s.peak })},
		{What: "memory, in step (RssAnon)", Unit: "MiB", Values: per(func(s coldStart) int64 { return s.rest })},
		{What: "memory, peak with mapped files (VmHWM)", Unit: "MiB", Values: per(func(s coldStart) int64 { return s.resident })},
		{What: "second start, all there on both sides → the changed hundredth in step", Unit: "s", Values: pick(func(s coldStart) float64 { return s.again })},
		{What: "memory after the second start, both sides known (RssAnon)", Unit: "MiB", Values: per(func(s coldStart) int64 { return int64(s.restBoth) }), Budget: 200},
		{What: "memory, peak of the second start (RssAnon)", Unit: "MiB", Values: per(func(s coldStart) int64 { return int64(s.peakBoth) })},
	}
	return res
}
