package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/api"
)

// matchMeasure is item 8: groups find their places over a mirror that was there before.
var matchMeasure = Measure{
	Name: "match", Short: "mapping match from nothing, over an existing mirror that dropped records: time, probes and bytes until all are exact",
	Run: measureMatch,
}

const (
	matchTopic      = "match.orders"
	matchPartitions = 10
)

// matchGround is a topic and a faithful copy of it but for what a filter dropped. The copier is the bench's own, so where every
// record went is known, and nobody has to be asked.
type matchGround struct {
	r                  *Run
	primary, secondary *rig.Cluster
	random             *rand.Rand
	groups, records    int       // records of each partition
	dropped            [][]int64 // by partition, ascending
	bytes              int64     // of all values
	seen               *seen
}

// matched is what one start from nothing showed.
type matched struct {
	half, all     float64 // seconds from the start of the process
	exact         float64 // % of the positions that are what they must be
	floor         float64 // % safe, but not exact, by leftoff's own word
	probes, reads float64
	read          float64 // bytes, both sides
	cpu, memory   float64
}

func measureMatch(r *Run) Result {
	g := &matchGround{r: r, random: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 8)), groups: 1_000, records: 50_000}
	if r.Short {
		g.groups, g.records = 100, 5_000
	}
	r.Say("starting two clusters")
	g.primary, g.secondary = rig.StartPair(r.TB, rig.Options{Bench: true})
	for _, c := range []*rig.Cluster{g.primary, g.secondary} {
		c.CreateTopic(r.TB, matchTopic, matchPartitions, nil)
	}
	r.Say("writing %d records, and copying what a filter leaves of them", g.records*matchPartitions)
	g.fill()
	g.seen = watchOffsets(r, g.secondary, "match")
	p := buildProgram(r, "match", "match.", "match", g.primary, g.secondary)
	var all []matched
	for n := range r.Runs {
		all = append(all, g.one(p, n))
	}
	return g.result(all)
}

// fill writes the topic, and the same without one record of a thousand as its copy, in batches of other sizes, as a mirror would.
func (g *matchGround) fill() {
	g.dropped = make([][]int64, matchPartitions)
	for p := range g.dropped {
		for i := range g.records {
			if g.random.IntN(1_000) == 0 {
				g.dropped[p] = append(g.dropped[p], int64(i))
			}
		}
	}
	base := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	seed := g.random.Uint64()
	var both sync.WaitGroup
	var errs [2]error
	for side, c := range []*rig.Cluster{g.primary, g.secondary} {
		cl := c.Client(g.r.TB, kgo.DefaultProduceTopic(matchTopic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond),
			kgo.ProducerBatchMaxBytes([]int32{javaBatch, 64 << 10}[side]), kgo.MaxBufferedRecords(50_000))
		both.Go(func() { defer cl.Close(); errs[side] = g.write(cl, base, seed, side == 1) })
	}
	both.Wait()
	for _, err := range errs {
		if err != nil {
			g.r.Fatalf("produce: %v", err)
		}
	}
	for p := range int32(matchPartitions) {
		if got, want := g.T(p, int64(g.records)), g.endOf(p); got != want {
			g.r.Fatalf("the copy of partition %d ends at %d, not at %d", p, want, got)
		}
	}
}

func (g *matchGround) write(cl *kgo.Client, base time.Time, seed uint64, copying bool) (failed error) {
	block := newValues(shape{size: 480}, rand.New(rand.NewPCG(seed, 1)))
	var once sync.Once
	for i := range g.records {
		for p := range int32(matchPartitions) {
			value := append(fmt.Appendf(make([]byte, 0, 512), "order %d of %d ", i, p), block.value()...)
			if copying && g.drops(p, int64(i)) {
				continue
			}
			if !copying {
				g.bytes += int64(len(value))
			}
			x := &kgo.Record{Partition: p, Value: value, Timestamp: base.Add(time.Duration(i) * time.Millisecond)}
			cl.Produce(g.r.Context, x, func(_ *kgo.Record, err error) {
				if err != nil {
					once.Do(func() { failed = err })
				}
			})
		}
	}
	if err := cl.Flush(g.r.Context); err != nil {
		return err
	}
	return failed
}

func (g *matchGround) drops(p int32, i int64) bool {
	_, found := slices.BinarySearch(g.dropped[p], i)
	return found
}

// T is where a group that committed u resumes: what was copied of the records below it, as the copier keeps their order.
func (g *matchGround) T(p int32, u int64) int64 {
	below := sort.Search(len(g.dropped[p]), func(i int) bool { return g.dropped[p][i] >= u })
	return u - int64(below)
}

func (g *matchGround) endOf(p int32) int64 {
	listed, err := g.secondary.Admin().ListEndOffsets(g.r.Context, matchTopic)
	if err != nil {
		g.r.Fatal(err)
	}
	return listed[matchTopic][p].Offset
}

// one start from nothing: a new index, and groups that nobody has written.
func (g *matchGround) one(p *program, run int) (m matched) {
	prefix := fmt.Sprintf("match%d-", run)
	g.r.Say("run %d of %d: committing %d groups", run+1, g.r.Runs, g.groups)
	want := g.commitAll(prefix)
	p.configure("match", "match.", prefix, g.primary, g.secondary)
	p.fresh("")
	g.r.Say("run %d of %d: leftoff starts", run+1, g.r.Runs)
	w := p.start()
	defer w.stop()
	peak := peakAnon(w.cmd.Process.Pid)

	patience := 2 * time.Minute
	if g.r.Short {
		patience = 30 * time.Second
	}
	for right := 0; right < len(want) && time.Since(w.began) < patience; pause(g.r, 200*time.Millisecond) {
		right = g.right(want)
		g.r.Say("run %d of %d: %d of %d positions exact", run+1, g.r.Runs, right, len(want))
		if err := w.died(); err != nil {
			g.r.Fatal(err)
		}
	}
	cpu, _ := cpuOf(w.cmd.Process.Pid)
	m.cpu, m.memory = cpu.Seconds(), mib(peak())
	if err := g.seen.broken(); err != nil {
		g.r.Fatalf("tail of the judge: %v", err)
	}
	g.times(want, w.began, &m)
	g.status(w, &m)
	return m
}

// commitAll puts every group at a place of its own in every partition, and returns where each belongs on the secondary.
func (g *matchGround) commitAll(prefix string) map[spot]int64 {
	want := map[spot]int64{}
	at := make([][]int64, g.groups)
	for i := range at {
		for p := range int32(matchPartitions) {
			u := g.random.Int64N(int64(g.records) + 1)
			at[i] = append(at[i], u)
			want[spot{fmt.Sprint(prefix, i), p}] = g.T(p, u)
		}
	}
	b := newBulk(g.r, g.primary, matchTopic, 4)
	b.all(g.groups, func(connection, i int) error {
		return b.commit(g.r.Context, connection, fmt.Sprint(prefix, i), 0, at[i]...)
	})
	return want
}

func (g *matchGround) right(want map[spot]int64) (n int) {
	for at, offset := range want {
		if s, ok := g.seen.last(at); ok && s.offset == offset {
			n++
		}
	}
	return n
}

// times are taken from when the judge saw each position in the secondary's log, not from when somebody looked.
func (g *matchGround) times(want map[spot]int64, began time.Time, m *matched) {
	var took []time.Duration
	for at, offset := range want {
		s, ok := g.seen.last(at)
		switch {
		case ok && s.offset == offset:
			took = append(took, s.at.Sub(began))
		case ok && s.offset > offset:
			g.r.Fatalf("%s, partition %d: %d is written, past %d: that would skip", at.group, at.partition, s.offset, offset)
		}
	}
	slices.Sort(took)
	m.exact = 100 * float64(len(took)) / float64(len(want))
	m.half, m.all = quantile(took, 0.5).Seconds(), quantile(took, 1).Seconds()
}

func (g *matchGround) status(w *work, m *matched) {
	ctx, cancel := context.WithTimeout(g.r.Context, 30*time.Second)
	defer cancel()
	s, err := api.NewClient(w.url()).Status(ctx)
	if err != nil || len(s.Links) != 1 || s.Links[0].Source == nil {
		g.r.Fatalf("status: %v, %d links", err, len(s.Links))
	}
	l := s.Links[0]
	m.floor = 100 * float64(l.Totals.Floor) / float64(max(1, l.Totals.Offsets))
	m.probes, m.reads, m.read = float64(l.Source.Probes), float64(l.Source.Fetches.Sum()), float64(l.Source.Bytes.Sum())
}

func (g *matchGround) result(all []matched) Result {
	pick := func(f func(matched) float64) (v []float64) {
		for _, m := range all {
			v = append(v, f(m))
		}
		return v
	}
	drops := 0
	for _, d := range g.dropped {
		drops += len(d)
	}
	res := Result{
		Compares: "The real binary, mapping `match`, started without an index over a mirror that was there before, until every group's position is exact on the secondary.",
		Conditions: []string{
			fmt.Sprintf("%s groups × %d partitions = %s positions, each at a random place", figure(float64(g.groups)), matchPartitions, figure(float64(g.groups*matchPartitions))),
			fmt.Sprintf("%s records of about 500 bytes in all (%.0f MiB); the copy keeps order and timestamps, lacks %d records at random places, and has batches of another size", figure(float64(g.records*matchPartitions)), mib(g.bytes), drops),
			"match.megabytes_per_second and all else at their defaults; one broker a cluster, on the same cores",
			"each run has new groups and a new index",
		},
		Notes: []string{
			"The copier is the bench's own, so where each position belongs is known from what it dropped; leftoff's word is not asked. A position past it ends the measure.",
			"The commits are there before leftoff starts, and nothing is produced meanwhile. The judge tails the secondary's `__consumer_offsets` and compares what it saw five times a second.",
		},
	}
	size := float64(g.bytes)
	res.Rows = []Row{
		{What: "start → half of the positions exact", Unit: "s", Values: pick(func(m matched) float64 { return m.half })},
		{What: "start → the last exact position", Unit: "s", Values: pick(func(m matched) float64 { return m.all })},
		{What: "positions exact", Unit: "%", Values: pick(func(m matched) float64 { return m.exact }), Budget: 100, Atleast: true},
		{What: "positions that stayed a floor, by leftoff's own word", Unit: "%", Values: pick(func(m matched) float64 { return m.floor })},
		{What: "probes", Unit: "probes", Values: pick(func(m matched) float64 { return m.probes })},
		{What: "fetches, both sides", Unit: "fetches", Values: pick(func(m matched) float64 { return m.reads })},
		{What: "read, both sides", Unit: "MiB", Values: pick(func(m matched) float64 { return m.read / (1 << 20) })},
		{What: "read, of the topic's bytes (two sides read, one counted)", Unit: "%", Values: pick(func(m matched) float64 { return 100 * m.read / size })},
		{What: "CPU of leftoff", Unit: "s", Values: pick(func(m matched) float64 { return m.cpu })},
		{What: "memory at its peak (RssAnon)", Unit: "MiB", Values: pick(func(m matched) float64 { return m.memory })},
	}
	return res
}
