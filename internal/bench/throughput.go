package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
)

// throughputMeasure is item 7: how fast records are copied, and what that takes.
var throughputMeasure = Measure{
	Name: "throughput", Short: "the built-in mirror beside MirrorMaker 2: records/s, records per CPU second, memory, and record latency at a tenth of that",
	Run: measureThroughput,
}

const mirrorPartitions = 4

// javaBatch is the largest batch of Kafka's own producer by default.
const javaBatch = 16 << 10

// throughputCase is one kind of records.
type throughputCase struct {
	name    string
	records int
	shape   shape
	budget  float64 // least times MirrorMaker 2's records per CPU second
}

var throughputCases = []throughputCase{
	{"1 KiB", 250_000, shape{size: 1 << 10, batch: javaBatch}, 6},
	{"1 KiB, lz4", 250_000, shape{size: 1 << 10, lz4: true, batch: javaBatch}, 0},
	{"1 KiB in batches of 512 KiB", 250_000, shape{size: 1 << 10, batch: 512 << 10}, 0},
	{"100 B", 600_000, shape{size: 100, batch: javaBatch}, 0},
	{"100 B, lz4", 600_000, shape{size: 100, lz4: true, batch: javaBatch}, 0},
	{"10 KiB", 40_000, shape{size: 10 << 10, batch: javaBatch}, 0},
	{"10 KiB, lz4", 40_000, shape{size: 10 << 10, lz4: true, batch: javaBatch}, 0},
}

// copying speed of one run.
type speed struct {
	rate   float64 // records a second
	perCPU float64 // records a CPU second of the process
	memory float64 // MiB, peak of RssAnon
	judge  float64 // % of a core that this process used meanwhile
}

type speeds []speed

func (s speeds) pick(f func(speed) float64) (v []float64) {
	for _, x := range s {
		v = append(v, f(x))
	}
	return v
}

type throughputGround struct {
	r                  *Run
	primary, secondary *rig.Cluster
	program            *program
	random             *rand.Rand
	n                  int // of targets so far: each run has its own
}

func measureThroughput(r *Run) Result {
	g := &throughputGround{r: r, random: rand.New(rand.NewPCG(5, 7))}
	r.Say("starting two clusters")
	g.primary, g.secondary = rig.StartPair(r.TB, rig.Options{Bench: true, JVM: []string{"-Xmx1g"}, Props: map[string]string{"log.segment.delete.delay.ms": "1000"}})
	g.program = buildProgram(r, "mirror", "flow.", "flow.", g.primary, g.secondary)

	res := Result{
		Compares: "The built-in mirror and MirrorMaker 2 copy the same topic, one after the other, each in a process of its own.",
		Conditions: []string{
			fmt.Sprintf("%d partitions, one broker a cluster, both on the same cores as the process that copies; the records are there before it starts, and nothing else runs", mirrorPartitions),
			"source batches of at most 16 KiB before compression, as Kafka's own producer makes them, unless a row says otherwise; random values, for lz4 every other 64 bytes the same",
			"taken from 50% to 95% of the copies: both are warm by then, and all partitions at work",
			"the first kind of records as often as asked, the others at most twice",
			"MirrorMaker 2 tuned for throughput: 2 tasks, 768 MiB heap, the whole compiler, producer batches of 256 KiB with 5 ms linger, the source's compression, 2,000 records a poll",
		},
		Notes: []string{
			"No load generator runs while copies are counted. The judge asks for the ends of 4 partitions forty times a second; what it uses of a core is a row.",
			"CPU is that of the copying process only, by the kernel's account in steps of 10 ms; the brokers' is not in it.",
		},
	}
	var ours, theirs speeds
	var judge []float64
	for i, c := range throughputCases {
		if r.Short && i > 0 {
			res.Notes = append(res.Notes, "A short run has the first kind of records only, and few of them.")
			break
		}
		times := r.Runs
		if i > 0 {
			times = min(times, 2) // MirrorMaker 2 takes its time to start
		}
		a, b := g.one(c, times)
		if i == 0 {
			ours, theirs = a, b
		}
		for _, s := range slices.Concat(a, b) {
			judge = append(judge, s.judge)
		}
		res.Rows = append(res.Rows, throughputRows(c, a, b)...)
	}
	res.Rows = append(res.Rows, Row{What: "CPU of the judge while copies are counted", Unit: "% of a core", Values: judge})
	rows, notes := g.recordLatency(middle(ours.pick(func(s speed) float64 { return s.rate }))/10, middle(theirs.pick(func(s speed) float64 { return s.rate }))/10)
	res.Rows, res.Notes = append(res.Rows, rows...), append(res.Notes, notes...)
	return res
}

func throughputRows(c throughputCase, ours, theirs speeds) (rows []Row) {
	for _, who := range []struct {
		name string
		s    speeds
	}{{"leftoff", ours}, {"MirrorMaker 2", theirs}} {
		rows = append(rows,
			Row{What: c.name + ", " + who.name, Unit: "records/s", Values: who.s.pick(func(s speed) float64 { return s.rate })},
			Row{What: c.name + ", " + who.name + ", per CPU second", Unit: "records/CPU s", Values: who.s.pick(func(s speed) float64 { return s.perCPU })},
			Row{What: c.name + ", " + who.name + ", memory at its peak (RssAnon)", Unit: "MiB", Values: who.s.pick(func(s speed) float64 { return s.memory })},
		)
	}
	times := Row{What: c.name + ", records per CPU second: leftoff over MirrorMaker 2", Unit: "×", Budget: c.budget, Atleast: true}
	for i := range min(len(ours), len(theirs)) {
		times.Values = append(times.Values, ours[i].perCPU/theirs[i].perCPU)
	}
	return append(rows, times)
}

// one kind of records, each run with targets of its own.
func (g *throughputGround) one(c throughputCase, runs int) (ours, theirs speeds) {
	if g.r.Short {
		c.records /= 8
	}
	g.n++
	topic := fmt.Sprintf("flow.%d", g.n)
	g.r.Say("%s: writing %d records", c.name, c.records)
	g.primary.CreateTopic(g.r.TB, topic, mirrorPartitions, nil)
	preload(g.r, g.primary, topic, mirrorPartitions, c.records, newValues(c.shape, g.random))
	for n := range runs {
		g.r.Say("%s: leftoff, run %d of %d", c.name, n+1, runs)
		ours = append(ours, g.ours(c, topic))
		g.r.Say("%s: MirrorMaker 2, run %d of %d", c.name, n+1, runs)
		theirs = append(theirs, g.theirs(c, topic))
	}
	g.primary.DeleteTopic(g.r.TB, topic)
	return ours, theirs
}

func (g *throughputGround) ours(c throughputCase, topic string) speed {
	g.program.fresh("ours.")
	w := g.program.start()
	defer g.secondary.DeleteTopic(g.r.TB, "ours."+topic)
	defer w.stop()
	return g.copied(w.cmd.Process.Pid, "ours."+topic, c.records, w.died)
}

func (g *throughputGround) theirs(c throughputCase, topic string) speed {
	m := g.mirrorMaker(topic, c.shape)
	defer forgetMirrorMaker(g.r, g.primary, g.secondary)
	defer g.secondary.DeleteTopic(g.r.TB, topic)
	defer m.Kill()
	return g.copied(m.PID(), topic, c.records, func() error { return nil })
}

// mirrorMaker is tuned for throughput as far as its documentation goes.
func (g *throughputGround) mirrorMaker(topic string, s shape) *rig.MM2 {
	codec := "none"
	if s.lz4 {
		codec = "lz4"
	}
	return startMirrorMaker(g.r, g.primary, g.secondary, topic, "none", map[string]string{
		"secondary.producer.batch.size": "262144", "secondary.producer.linger.ms": "5", "secondary.producer.compression.type": codec,
		"primary.consumer.max.poll.records": "2000", "primary.consumer.fetch.min.bytes": "1",
		"emit.checkpoints.enabled": "false", "sync.group.offsets.enabled": "false",
	})
}

// copied watches the ends of the target and the process between half of the records and nearly all.
func (g *throughputGround) copied(pid int, topic string, records int, died func() error) (s speed) {
	g.r.Helper()
	type mark struct {
		at     time.Time
		cpu    time.Duration
		own    time.Duration
		copies int64
	}
	peak := peakAnon(pid)
	var half, most mark
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); most.copies == 0; {
		if err := died(); err != nil {
			g.r.Fatal(err)
		}
		if time.Now().After(deadline) {
			g.r.Fatalf("%s: not copied within 3 minutes", topic)
		}
		cpu, _ := cpuOf(pid)
		now := mark{time.Now(), cpu, ownCPU(), g.copies(topic)}
		if half.copies == 0 && now.copies >= int64(records)/2 {
			half = now
		}
		if now.copies >= int64(records)*95/100 {
			most = now
		}
		select {
		case <-tick.C:
		case <-g.r.Context.Done():
			g.r.Fatal(g.r.Context.Err())
		}
	}
	await(g.r, time.Minute, topic+" is copied to its end", func() error {
		if n := g.copies(topic); n < int64(records) {
			return fmt.Errorf("%d of %d", n, records)
		}
		return nil
	})
	n := float64(most.copies - half.copies)
	if n == 0 || most.cpu == half.cpu {
		g.r.Fatalf("%s: copied between two looks of the judge: too few records to measure", topic)
	}
	took := most.at.Sub(half.at).Seconds()
	return speed{rate: n / took, perCPU: n / (most.cpu - half.cpu).Seconds(), memory: mib(peak()), judge: 100 * (most.own - half.own).Seconds() / took}
}

// copies is how many records a topic of the secondary has; 0 where it is not there yet.
func (g *throughputGround) copies(topic string) (n int64) {
	listed, err := g.secondary.Admin().ListEndOffsets(g.r.Context, topic)
	if err != nil || listed.Error() != nil {
		return 0
	}
	for _, o := range listed[topic] {
		n += o.Offset
	}
	return n
}
