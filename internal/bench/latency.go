package bench

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
)

// latencyMeasure is item 1: from the commit's answer on the primary to the value in the secondary's `__consumer_offsets`.
var latencyMeasure = Measure{
	Name: "latency", Short: "commit on the primary → readable on the secondary, at the tip, 1,000 commits a second",
	Run: measureLatency,
}

// latencyRate is the budget's, and quietRate one that leaves some of the machine idle.
const (
	latencyRate = 1_000
	quietRate   = 250
)

// latencyTimes are how long things take.
type latencyTimes struct {
	warm    time.Duration // the brokers' JVMs are cold at first, and compile on the same cores
	settle  time.Duration // before each window, under load
	window  time.Duration // whose commits count
	arrival time.Duration // how long the last of them may take
}

var (
	latencyLong  = latencyTimes{warm: 60 * time.Second, settle: 2 * time.Second, window: 10 * time.Second, arrival: 10 * time.Second}
	latencyShort = latencyTimes{warm: 5 * time.Second, settle: time.Second, window: 2 * time.Second, arrival: 5 * time.Second}
)

// latencyGround is the pair, warm, and its judge.
type latencyGround struct {
	r                  *Run
	primary, secondary *rig.Cluster
	seen               *seen
	latencyTimes
	late []float64 // p99 of how late the load was, each window, ms
	rate []float64 // commits it sent of those that were due, %
}

// whose are the figures of one who carries offsets over, by number of groups.
type whose struct {
	name string
	at   map[int]spreads // a value at or past the commit
	any  map[int]spreads // MirrorMaker 2 only: whatever was written next
	cpu  []float64       // seconds for 1,000 commits

	machine []float64 // what it, both brokers, load and judge took of all cores, %
}

func measureLatency(r *Run) Result {
	g := &latencyGround{r: r, latencyTimes: latencyLong}
	if r.Short {
		g.latencyTimes = latencyShort
	}
	r.Say("starting two clusters")
	g.primary, g.secondary = rig.StartPair(r.TB, rig.Options{Bench: true})
	g.seen = watchOffsets(r, g.secondary, "")
	const topic = "bare.payments"
	for _, c := range []*rig.Cluster{g.primary, g.secondary} {
		c.CreateTopic(r.TB, topic, tipPartitions, nil)
	}
	alone, floors := g.bare(topic)
	mirror, quiet := g.mirror()
	all := []whose{mirror}
	theirs := g.overMirrorMaker(&all)
	return g.result(all, quiet, theirs, floors, alone)
}

// groupsOf the two loads.
var latencyGroups = []int{100, 1_000}

// floors are the copier's, who maps nothing: commits alone, and the records beside them.
type floors struct{ commits, both whose }

// bare measures what the harness alone makes of commits on the secondary itself, and the copier.
func (g *latencyGround) bare(topic string) (alone whose, f floors) {
	load := newTips(g.r, g.primary, g.primary, topic, latencyRate)
	spec := copierSpec{Primary: g.primary.Direct(), Secondary: g.secondary.Direct(), Prefix: "bare.", Topic: topic}
	both := startChild(g.r, spec)
	defer both.end()
	g.warm(load, "bare.warm")
	f.both = g.windows("bare copier of commits and records", load, "bare.both.", both.cmd.Process.Pid)
	both.end()

	spec.Topic = ""
	copier := startChild(g.r, spec)
	defer copier.end()
	f.commits = g.windows("bare copier", load, "bare.", copier.cmd.Process.Pid)
	alone = whose{name: "harness alone", at: map[int]spreads{}}
	there := newTips(g.r, g.primary, g.secondary, topic, latencyRate)
	for n := range g.r.Runs {
		g.r.Say("harness alone, run %d of %d", n+1, g.r.Runs)
		answers, _ := g.window(there, "alone", 100, g.latencyTimes, g.strict)
		alone.at[100] = append(alone.at[100], g.spread(answers, "harness alone", g.strict))
	}
	return alone, f
}

// warm loads the brokers for as long as JVMs take to compile: until the load keeps its rate, or it is clear that it never will.
func (g *latencyGround) warm(load *tips, prefix string) {
	g.r.Say("warming the brokers up for %v", g.latencyTimes.warm)
	const look, kept = 5 * time.Second, 3 // in so many looks on end
	good := 0
	for begin := time.Now(); time.Since(begin) < 5*g.latencyTimes.warm/2; {
		x, from := load.start(prefix, 100), time.Now() // each look anew: what the cold ones left behind is not made up for
		pause(g.r, look)
		x.stop()
		_, late := x.between(from, time.Now())
		rate, p99 := float64(len(late))/look.Seconds(), quantile(late, 0.99)
		g.r.Say("warming the brokers up: %.0f commits/s, the latest sent %.0f ms late", rate, milliseconds(p99))
		if rate < 0.98*latencyRate || p99 > 20*time.Millisecond {
			good = 0
			continue
		}
		if good++; good >= kept && time.Since(begin) >= g.latencyTimes.warm {
			return
		}
	}
}

// mirror measures leftoff with its own mirror, and once more with a load that leaves the machine some room.
func (g *latencyGround) mirror() (busy, quiet whose) {
	const topic = "mirror.payments"
	g.primary.CreateTopic(g.r.TB, topic, tipPartitions, nil)
	load := newTips(g.r, g.primary, g.primary, topic, latencyRate)
	w := g.leftoff("mirror", "mirror.", load)
	defer w.stop()
	pid := w.cmd.Process.Pid
	busy = g.windows("leftoff, mapping mirror", load, "mirror.", pid)
	load = newTips(g.r, g.primary, g.primary, topic, quietRate)
	quiet = g.windows(fmt.Sprintf("leftoff, mapping mirror, %d commits/s", quietRate), load, "mirror.quiet.", pid)
	g.sameOffsets(topic)
	return busy, quiet
}

// leftoff starts the real binary with a mapping, over the records of prefix+"payments", and warms it and what it asks of the brokers up
// for as long as the copier: their JVMs have not compiled yet what it alone needs of them.
func (g *latencyGround) leftoff(mapping, prefix string, load *tips) *work {
	g.r.Say("starting leftoff, mapping %s", mapping)
	w := buildProgram(g.r, mapping, prefix, prefix, g.primary, g.secondary).start()
	w.ready()
	g.warm(load, prefix+"warm")
	return w
}

// sameOffsets: the clock compares offsets of both sides, so they have to be the same.
func (g *latencyGround) sameOffsets(topic string) {
	g.r.Helper()
	await(g.r, 20*time.Second, topic+" is mirrored offset for offset", func() error {
		if a, b := logEnds(g.r, g.primary, topic), logEnds(g.r, g.secondary, topic); a != b {
			return fmt.Errorf("%d records on the primary, %d on the secondary", a, b)
		}
		return nil
	})
}

// windows measures both numbers of groups, as often as asked. Nothing may be missing.
func (g *latencyGround) windows(name string, load *tips, prefix string, pid int) whose {
	found := whose{name: name, at: map[int]spreads{}}
	for _, groups := range latencyGroups {
		for n := range g.r.Runs {
			g.r.Say("%s, %d groups, run %d of %d", name, groups, n+1, g.r.Runs)
			answers, late, used := g.windowOf(pid, load, fmt.Sprintf("%sof%d", prefix, groups), groups, g.latencyTimes, g.strict)
			found.cpu = append(found.cpu, used.carrier*1_000/float64(len(late)))
			found.machine = append(found.machine, used.machine)
			took := g.spread(answers, name, g.strict)
			found.at[groups] = append(found.at[groups], took)
			rate := float64(len(late)) / g.latencyTimes.window.Seconds()
			g.r.Say("%s, %d groups, run %d of %d: p50 %.2f ms, p99 %.2f ms, %.0f commits/s, %.0f %% of the machine", name, groups, n+1, g.r.Runs, took.p50, took.p99, rate, used.machine)
			g.rate = append(g.rate, 100*rate/float64(load.rate))
			g.late = append(g.late, milliseconds(quantile(late, 0.99)))
		}
	}
	return found
}

// arrival finds when a commit had arrived, by what was seen of its key.
type arrival func([]sighting, answer) (time.Time, bool)

func (g *latencyGround) strict(all []sighting, a answer) (time.Time, bool) {
	return atOrPast(all, a.offset)
}
func (g *latencyGround) next(all []sighting, a answer) (time.Time, bool) {
	return writtenAfter(all, a.at)
}

// window lets the load run and returns the commits of its middle. The load goes on until they have arrived, or patience ends.
func (g *latencyGround) window(load *tips, prefix string, groups int, t latencyTimes, arrived arrival) ([]answer, []time.Duration) {
	answers, late, _ := g.windowOf(0, load, prefix, groups, t, arrived)
	return answers, late
}

// used is what a window took of CPU: the process that carries offsets over, in seconds, and all that take part, in % of the machine.
type used struct{ carrier, machine float64 }

// using returns a function that says what was used since.
func (g *latencyGround) using(pid int) func() used {
	began, own := time.Now(), ownCPU()
	before, _ := cpuOf(pid)
	primary, secondary := brokerCPU(g.primary), brokerCPU(g.secondary)
	return func() used {
		after, _ := cpuOf(pid)
		carrier := (after - before).Seconds()
		all := carrier + primary() + secondary() + (ownCPU() - own).Seconds()
		return used{carrier, 100 * all / (time.Since(began).Seconds() * float64(runtime.NumCPU()))}
	}
}

// windowOf is window, and what was used in it.
func (g *latencyGround) windowOf(pid int, load *tips, prefix string, groups int, t latencyTimes, arrived arrival) ([]answer, []time.Duration, used) {
	x := load.start(prefix, groups)
	defer x.stop()
	pause(g.r, t.settle)
	from := time.Now()
	since := g.using(pid)
	pause(g.r, t.window)
	to, taken := time.Now(), since()
	answers, late := x.between(from, to)
	if len(answers) == 0 {
		g.r.Fatal("the load committed nothing")
	}
	for begin := time.Now(); time.Since(begin) < t.arrival; pause(g.r, 100*time.Millisecond) {
		if g.missing(answers, arrived) == 0 {
			break
		}
	}
	if err := g.seen.broken(); err != nil {
		g.r.Fatalf("tail of the judge: %v", err)
	}
	return answers, late, taken
}

func (g *latencyGround) missing(answers []answer, arrived arrival) (n int) {
	for _, a := range answers {
		if _, ok := arrived(g.seen.of(a.spot), a); !ok {
			n++
		}
	}
	return n
}

// spread of the commits that arrived; of leftoff all have to.
func (g *latencyGround) spread(answers []answer, name string, arrived arrival) spread {
	if n := g.missing(answers, arrived); n > 0 {
		g.r.Fatalf("%s: %d of %d commits never arrived", name, n, len(answers))
	}
	return spreadOf(g.took(answers, arrived))
}

// some is spread for one who may let commits get lost: those that arrived, if any did.
func (g *latencyGround) some(all spreads, answers []answer, arrived arrival) spreads {
	if took := g.took(answers, arrived); len(took) > 0 {
		return append(all, spreadOf(took))
	}
	return all
}

func (g *latencyGround) took(answers []answer, arrived arrival) (all []time.Duration) {
	for _, a := range answers {
		if at, ok := arrived(g.seen.of(a.spot), a); ok {
			all = append(all, max(0, at.Sub(a.at)))
		}
	}
	return all
}

// theirs is MirrorMaker 2's own latency.
type theirs struct {
	tuned, byDefault whose
	lost             []float64 // tuned: commits whose own position or a later one did not arrive in time, %
}

// overMirrorMaker measures leftoff over a MirrorMaker 2, and that one's own syncing of other groups.
func (g *latencyGround) overMirrorMaker(all *[]whose) (t theirs) {
	const prefix, topic = "mm2.", "mm2.payments"
	g.primary.CreateTopic(g.r.TB, topic, tipPartitions, nil)
	load := newTips(g.r, g.primary, g.primary, topic, latencyRate)
	g.r.Say("starting MirrorMaker 2")
	m := startMirrorMaker(g.r, g.primary, g.secondary, `mm2\..*`, `theirs\..*`, nil)
	await(g.r, time.Minute, "MirrorMaker 2 copies", func() error {
		topics, err := g.secondary.Admin().ListTopics(g.r.Context, topic)
		if err != nil || !topics.Has(topic) {
			return fmt.Errorf("no topic yet: %v", err)
		}
		return nil
	})
	x := load.start("theirs.warm", 100)
	pause(g.r, g.latencyTimes.warm/3)
	x.stop()
	g.sameOffsets(topic)

	w := g.leftoff("mm2", prefix, load)
	*all = append(*all, g.windows("leftoff, mapping mm2", load, prefix, w.cmd.Process.Pid))
	g.sameOffsets(topic)
	w.stop()
	t.tuned = whose{name: "MirrorMaker 2 tuned, its own", at: map[int]spreads{}, any: map[int]spreads{}}
	for _, groups := range latencyGroups {
		for n := range g.r.Runs {
			g.r.Say("MirrorMaker 2's own, tuned, %d groups, run %d of %d", groups, n+1, g.r.Runs)
			times := g.latencyTimes
			times.settle, times.arrival = 2*times.settle, times.arrival/2
			answers, _ := g.window(load, fmt.Sprintf("theirs.of%d", groups), groups, times, g.strict)
			t.tuned.any[groups] = g.some(t.tuned.any[groups], answers, g.next)
			t.tuned.at[groups] = g.some(t.tuned.at[groups], answers, g.strict)
			t.lost = append(t.lost, 100*float64(g.missing(answers, g.strict))/float64(len(answers)))
		}
	}
	m.Kill()
	if !g.r.Short {
		t.byDefault = g.byDefault(load)
	}
	return t
}

// byDefault is one window long enough for its slow clock. It finds groups when it starts, and then every ten minutes: they have
// to be there before.
func (g *latencyGround) byDefault(load *tips) whose {
	const groups, prefix = 100, "theirs.default"
	x := load.start(prefix, groups)
	pause(g.r, 2*time.Second)
	x.stop()
	g.r.Say("starting MirrorMaker 2 with its own settings")
	m := startMirrorMaker(g.r, g.primary, g.secondary, `mm2\..*`, `theirs\.default.*`, mm2Default)
	defer m.Kill()
	times := latencyTimes{settle: 20 * time.Second, window: 61 * time.Second, arrival: 90 * time.Second}
	g.r.Say("MirrorMaker 2's own, default: one window of %v, and up to %v until the last has arrived", times.window, times.arrival)
	answers, _ := g.window(load, prefix, groups, times, g.next)
	found := whose{name: "MirrorMaker 2 default, its own", any: map[int]spreads{}}
	found.any[groups] = g.some(nil, answers, g.next)
	return found
}

func (g *latencyGround) result(all []whose, quiet whose, t theirs, f floors, alone whose) Result {
	res := Result{
		Compares: "Leftoff with its own mirror and over a MirrorMaker 2, a copier of commits and records that maps nothing (the bare floor), and MirrorMaker 2's own syncing of offsets, on the same two clusters under the same load.",
		Conditions: []string{
			fmt.Sprintf("%d records/s of 100 bytes and %d commits/s over 10 partitions, each commit what the broker has acknowledged 10 ms before; an open load", latencyRate, latencyRate),
			fmt.Sprintf("windows of %v; the brokers warmed up for at least %v before the first, and until the load kept its rate; one broker a cluster", g.latencyTimes.window, g.latencyTimes.warm),
			mm2TunedSays, mm2DefaultSays,
		},
	}
	for _, groups := range latencyGroups {
		for _, w := range all {
			rows := w.at[groups].rows(fmt.Sprintf("%s, %s groups", w.name, figure(float64(groups))), f.both.at[groups])
			rows[0].Budget, rows[2].Budget = 2, 20
			res.Rows = append(res.Rows, rows...)
		}
		for _, w := range []whose{quiet, f.both, f.commits} {
			res.Rows = append(res.Rows, w.at[groups].rows(fmt.Sprintf("%s, %s groups", w.name, figure(float64(groups))), nil)...)
		}
		res.Rows = append(res.Rows, t.tuned.at[groups].rows(fmt.Sprintf("%s, %s groups, at or past the commit", t.tuned.name, figure(float64(groups))), nil)...)
		res.Rows = append(res.Rows, t.tuned.any[groups].rows(fmt.Sprintf("%s, %s groups, whatever it writes next", t.tuned.name, figure(float64(groups))), nil)...)
	}
	if d := t.byDefault.any[100]; len(d) > 0 {
		res.Rows = append(res.Rows, d.rows(t.byDefault.name+", 100 groups, whatever it writes next", nil)...)
	}
	res.Rows = append(res.Rows, ratios(all, t)...)
	for _, w := range append(slices.Clone(all), quiet, f.both, f.commits) {
		res.Rows = append(res.Rows, Row{What: "CPU of " + w.name, Unit: "s per 1,000 commits", Values: w.cpu},
			Row{What: "CPU of it, both brokers, load and judge", Unit: "% of all cores", Values: w.machine})
	}
	res.Rows = append(res.Rows,
		Row{What: "MirrorMaker 2 tuned: commits whose position or a later one had not arrived in time", Unit: "%", Values: t.lost},
		Row{What: "harness alone: commit on the secondary itself → seen there, p50", Unit: "ms", Values: alone.at[100].p50()},
		Row{What: "harness alone, p99", Unit: "ms", Values: alone.at[100].p99()},
		Row{What: "load: commits sent, of those due", Unit: "%", Values: g.rate},
		Row{What: "load: how late commits were sent, p99 of each window", Unit: "ms", Values: g.late},
	)
	res.Notes = g.notes(t)
	return res
}

// ratios hold against MirrorMaker 2 what it is kindest to it: the clock that stops at whatever it writes next.
func ratios(all []whose, t theirs) (rows []Row) {
	for _, w := range all {
		tuned := Row{What: "p50 of MirrorMaker 2 tuned over that of " + w.name, Unit: "×", Budget: 200, Atleast: true}
		for n, s := range t.tuned.any[100] {
			if n < len(w.at[100]) {
				tuned.Values = append(tuned.Values, s.p50/max(w.at[100][n].p50, 0.001))
			}
		}
		rows = append(rows, tuned)
		if d := t.byDefault.any[100]; len(d) > 0 {
			ours := middle(w.at[100].p50())
			rows = append(rows, Row{What: "p50 of MirrorMaker 2 default over that of " + w.name, Unit: "×", Values: []float64{d[0].p50 / max(ours, 0.001)}, Budget: 10_000, Atleast: true})
		}
	}
	return rows
}

func (g *latencyGround) notes(t theirs) []string {
	notes := []string{
		"The clock starts when the primary has answered the commit, and stops when a value at or past it is in the secondary's `__consumer_offsets`, as franz-go reads it there in a long poll. A value that is seen before the answer counts as 0.",
		"*Harness alone* commits on the secondary itself, with nothing between: what the load and the judge add. The load is open: a slow commit doesn't keep the next from being due, and how late they were sent is a row.",
		"At or past the commit is a hard clock for MirrorMaker 2, whose positions trail; beside it stands the one that stops at whatever it writes next for the group, and the ratios use that one.",
		"The bare copier of commits and records does what leftoff and its mirror do, with nothing decided, checked, indexed or proven; the bare copier carries the commits alone.",
		"Where the CPU rows come near 100 %, latencies are those of a queue for the cores, of which the two brokers and the load need most: the rows at a quarter of the rate say what the way itself takes.",
		"A commit that says the same as the group's last is not counted: its value is there already. Of leftoff and the copier every other commit has to arrive, or the measure fails.",
	}
	if least := slices.Min(g.rate); least < 95 {
		notes = append(notes, fmt.Sprintf("**The load did not keep its rate (%.0f %% of it in the worst window): brokers and load together had not enough of the machine, and these are latencies of a queue.**", least))
	}
	if g.r.Short {
		notes = append(notes, "MirrorMaker 2 with default settings takes two minutes and is left out of a short run.")
	} else if len(t.byDefault.any[100]) == 0 {
		notes = append(notes, "MirrorMaker 2 with default settings wrote nothing for any group in its time.")
	}
	return notes
}
