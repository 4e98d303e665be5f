package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// wanMeasure is item 6: the secondary is far away.
var wanMeasure = Measure{
	Name: "wan", Short: "80 ms of round trip to the secondary: groups per second, and how late a quiet group is among busy ones",
	Run: measureWAN,
}

const (
	wanTrip       = 80 * time.Millisecond
	wanTopic      = "wan.orders"
	wanPartitions = 10
	wanRecords    = 1000 // of each partition: a group commits no further
	wanWarmers    = 96   // connections that warm the broker up
	wanOffered    = 2000 // commits a second: more than the line carries
	wanRelaxed    = 500  // about half of what it carries
)

// wanGround is a pair of clusters that hold the same records, with a proxy before the secondary.
type wanGround struct {
	r                  *Run
	primary, secondary *rig.Cluster
	program            *program
	load               time.Duration // how long each load is kept up
	commits            *bulk
	round              int
}

// wanTrial is one number of groups.
type wanTrial struct {
	groups      int
	burst       float64 // groups a second
	connections float64
	busy, calm  wanLoad
}

// wanLoad is what one load showed.
type wanLoad struct {
	offered, written float64 // commits a second: acknowledged by the primary, and by the secondary
	late             []time.Duration
	everybody        time.Duration // p99 of those that commit all the time, newest values only
}

func measureWAN(r *Run) Result {
	sizes, load := []int{1_000, 10_000}, 12*time.Second
	if r.Short {
		sizes, load = []int{200}, 4*time.Second
	}
	g := newWANGround(r, load)
	r.Say("what the line carries by itself")
	line, open := g.bare(wanTrip), g.bare(0)
	trials := make([][]wanTrial, len(sizes))
	for n := range r.Runs {
		for i, groups := range sizes {
			r.Say("run %d of %d, %d groups", n+1, r.Runs, groups)
			trials[i] = append(trials[i], g.trial(groups))
		}
	}
	return wanResult(sizes, trials, line, open)
}

func newWANGround(r *Run, load time.Duration) *wanGround {
	g := &wanGround{r: r, load: load}
	o := rig.Options{Name: "primary", Bench: true, JVM: []string{"-Xmx1g"}}
	far := o
	far.Name, far.Proxied = "secondary", true
	g.primary, g.secondary = rig.StartTwo(r.TB, o, far)
	for _, c := range []*rig.Cluster{g.primary, g.secondary} {
		c.CreateTopic(r.TB, wanTopic, wanPartitions, nil)
	}
	fillRecords(r, wanTopic, wanPartitions, wanRecords, g.primary, g.secondary)
	g.commits = newBulk(r, g.primary, wanTopic, 16)
	r.Say("warming the brokers up")
	warm := 15 * time.Second
	if r.Short {
		warm = 4 * time.Second
	}
	g.commits.warm(warm)
	newBulk(r, g.secondary, wanTopic, wanWarmers).warm(warm)
	return g
}

// delay sets the proxy's round trip.
func (g *wanGround) delay(trip time.Duration) { g.secondary.Proxy(g.r.TB, 1).Delay(trip / 2) }

// bare is how many groups a second the committer writes as leftoff uses it, through the same proxy, with nothing read and nothing
// decided: what the line, the proxy and the broker carry.
func (g *wanGround) bare(trip time.Duration) float64 {
	g.delay(trip)
	defer g.delay(0)
	cluster := kafka.Open(kafka.Config{Brokers: g.secondary.Bootstrap()}, nil)
	defer cluster.Close()
	m := cluster.NewCommitter(kafka.CommitterOptions{})
	defer m.Close()
	send := func(n int) {
		var wg sync.WaitGroup
		var next atomic.Int64
		var failed atomic.Pointer[error]
		for range kafka.DefaultCommitsInFlight {
			wg.Go(func() {
				for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
					group, at := fmt.Sprintf("bare-%d", i), kafka.CommitOffset{Topic: wanTopic, Partition: int32(i % wanPartitions), Offset: 1}
					if _, err := m.Commit(g.r.Context, group, 90*24*time.Hour, []kafka.CommitOffset{at}); err != nil {
						failed.Store(&err)
					}
				}
			})
		}
		wg.Wait()
		if err := failed.Load(); err != nil {
			g.r.Fatalf("bare commits: %v", *err)
		}
	}
	send(2 * kafka.DefaultCommitsInFlight) // connections are made, and coordinators found
	n := 5_000
	if g.r.Short {
		n = 1_000
	}
	began := time.Now()
	send(n)
	return float64(n) / time.Since(began).Seconds()
}

// trial has groups of its own and a fresh index, on the same clusters.
func (g *wanGround) trial(groups int) wanTrial {
	g.round++
	prefix := fmt.Sprintf("wan.round-%d.", g.round)
	name := func(i int) string { return fmt.Sprintf("%sgroup-%d", prefix, i) }
	g.program = buildProgram(g.r, "identity", "wan.", prefix, g.primary, g.secondary)
	t := wanTrial{groups: groups}

	g.commits.all(groups, func(connection, i int) error {
		return g.commits.commit(g.r.Context, connection, name(i), int32(i%wanPartitions), 1)
	})
	g.delay(wanTrip)
	defer g.delay(0)
	before := logEnds(g.r, g.secondary, offsetsTopic)
	w := g.program.start()
	await(g.r, 2*time.Minute, "every group is on the secondary", func() error {
		if n := logEnds(g.r, g.secondary, offsetsTopic) - before; n < int64(groups) {
			return fmt.Errorf("%d of %d", n, groups)
		}
		return w.died()
	})
	t.connections = float64(g.secondary.Proxy(g.r.TB, 1).Conns())
	g.r.Say("%d groups, more than the line carries", groups)
	busy := g.offer(name, groups, prefix+"quiet-busy", wanOffered)
	g.r.Say("%d groups, half of what it carries", groups)
	calm := g.offer(name, groups, prefix+"quiet-calm", wanRelaxed)
	w.stop()

	read := readOffsets(g.r, g.secondary).Writes()
	t.burst = burstOf(read, prefix, groups)
	t.busy, t.calm = busy.found(g.r, read), calm.found(g.r, read)
	return t
}

// offered is a load that was kept up: what was acknowledged by the primary, and when.
type offered struct {
	from, to time.Time
	acks     int64
	quiet    map[judge.Key]committed   // groups that committed once meanwhile
	newest   map[judge.Key]committed   // of the groups that committed all the time
	all      map[judge.Key][]committed // every commit of a sample of them
}

type committed struct {
	offset int64
	at     time.Time
}

// sampled is how many of the busy groups have all their commits remembered.
const sampled = 50

// offer lets the groups commit in turn, rate a second together, while others commit a single time each. It returns when
// everything has arrived.
func (g *wanGround) offer(name func(int) string, groups int, quiet string, rate int) *offered {
	o := &offered{from: time.Now(), quiet: map[judge.Key]committed{}, newest: map[judge.Key]committed{}, all: map[judge.Key][]committed{}}
	ctx, cancel := context.WithTimeout(g.r.Context, g.load)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	base := int64(2) // offsets only rise, over both loads
	if rate == wanRelaxed {
		base = wanRecords / 2
	}
	lanes := len(g.commits.brokers)
	for lane := range lanes {
		wg.Go(func() {
			tick := time.NewTicker(time.Duration(lanes) * time.Second / time.Duration(rate))
			defer tick.Stop()
			for n := lane; ; n += lanes {
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
				i := n % groups
				key := judge.Key{Group: name(i), Topic: wanTopic, Partition: int32(i % wanPartitions)}
				offset := min(base+int64(n/groups), wanRecords)
				if err := g.commits.commit(g.r.Context, lane, key.Group, key.Partition, offset); err != nil {
					g.r.Errorf("commit: %v", err)
					return
				}
				c := committed{offset, time.Now()}
				mu.Lock()
				o.acks++
				o.newest[key] = c
				if i%(groups/sampled) == 0 { // spread over all: at a low rate each commits once, in its turn
					o.all[key] = append(o.all[key], c)
				}
				mu.Unlock()
			}
		})
	}
	wg.Go(func() { g.whisper(ctx, quiet, o, &mu) })
	wg.Wait()
	o.to = time.Now()
	g.arrived(o)
	return o
}

// whisper commits for one quiet group after the other, once each. It starts when the load has been there for a while.
func (g *wanGround) whisper(ctx context.Context, prefix string, o *offered, mu *sync.Mutex) {
	const every = 250 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if time.Since(o.from) < g.load/4 {
			continue
		}
		key := judge.Key{Group: fmt.Sprintf("%s-%d", prefix, n), Topic: wanTopic, Partition: int32(n % wanPartitions)}
		if err := g.commits.commit(g.r.Context, n, key.Group, key.Partition, 7); err != nil {
			g.r.Errorf("commit: %v", err)
			return
		}
		mu.Lock()
		o.quiet[key] = committed{7, time.Now()}
		mu.Unlock()
	}
}

// arrived waits until the newest values stand on the secondary.
func (g *wanGround) arrived(o *offered) {
	newest := map[judge.Key]int64{}
	for _, wanted := range []map[judge.Key]committed{o.newest, o.quiet} {
		for k, c := range wanted {
			newest[k] = c.offset
		}
	}
	settled(g.r, g.secondary, func(held map[judge.Key]int64) error { return atLeast(newest, held) })
}

// found looks the load up in the secondary's log.
func (o *offered) found(r *Run, read []judge.Write) wanLoad {
	seconds := o.to.Sub(o.from).Seconds()
	l := wanLoad{offered: float64(o.acks) / seconds}
	seen := map[judge.Key][]judge.Write{}
	wrote, warm := 0, o.from.Add(o.to.Sub(o.from)/4)
	for _, x := range read {
		if x.Value == nil {
			continue
		}
		if _, busy := o.newest[x.Key]; busy && x.At.After(warm) && x.At.Before(o.to) {
			wrote++
		}
		if _, quiet := o.quiet[x.Key]; quiet || o.all[x.Key] != nil {
			seen[x.Key] = append(seen[x.Key], x)
		}
	}
	l.written = float64(wrote) / o.to.Sub(warm).Seconds()
	for k, c := range o.quiet {
		l.late = append(l.late, lateness(r, k, c, seen[k]))
	}
	slices.Sort(l.late)
	var everybody []time.Duration
	for k, list := range o.all {
		for _, c := range list {
			if c.at.After(warm) {
				everybody = append(everybody, lateness(r, k, c, seen[k]))
			}
		}
	}
	if len(everybody) == 0 {
		r.Fatal("no commit of the sample counts")
	}
	slices.Sort(everybody)
	l.everybody = quantile(everybody, 0.99)
	return l
}

// lateness is the time from the primary's answer to the first value at or past it in the secondary's log.
func lateness(r *Run, k judge.Key, c committed, seen []judge.Write) time.Duration {
	for _, x := range seen {
		if x.Value.Offset >= c.offset {
			return max(0, x.At.Sub(c.at))
		}
	}
	r.Fatalf("%s: %d never came", k, c.offset)
	return 0
}

// burstOf is the rate at which the groups were written for the first time.
func burstOf(read []judge.Write, prefix string, groups int) float64 {
	first := map[string]time.Time{}
	for _, x := range read {
		if _, ok := first[x.Group]; !ok && x.Value != nil && x.Value.Offset == 1 && len(x.Group) > len(prefix) && x.Group[:len(prefix)] == prefix {
			first[x.Group] = x.At
		}
	}
	var times []time.Time
	for _, at := range first {
		times = append(times, at)
	}
	slices.SortFunc(times, time.Time.Compare)
	if len(times) < groups || !times[len(times)-1].After(times[0]) {
		return 0
	}
	return float64(groups) / times[len(times)-1].Sub(times[0]).Seconds()
}

func wanResult(sizes []int, trials [][]wanTrial, line, open float64) Result {
	res := Result{
		Compares: "The real binary, mapping `identity`, with a delaying proxy between it and everything of the secondary; beside it leftoff's committer alone, with the same settings.",
		Conditions: []string{
			fmt.Sprintf("%v of round trip; one broker a cluster, at most %d connections to the coordinator", wanTrip, kafka.DefaultCommitConnections),
			fmt.Sprintf("each group commits one partition at a time; “busy” offers %d commits a second, more than the line carries, “calm” %d", wanOffered, wanRelaxed),
			"a quiet group commits once, meanwhile; lateness runs from the primary's answer to the coordinator's timestamp in the secondary's log, so 40 ms of it is the way there",
		},
		Notes: []string{
			fmt.Sprintf("%d commits on the way / %v = %.0f requests a second is what arithmetic allows; a busy group's commits merge while its request is under way, so commits offered beyond that are not lost but newest-only.", kafka.DefaultCommitsInFlight, wanTrip, kafka.DefaultCommitsInFlight/wanTrip.Seconds()),
			"The committer alone without delay shows what proxy and broker carry: where that is well above the delayed one, it is the line that limits.",
			"The judge reads the secondary's log only when a load has ended.",
		},
		Rows: []Row{
			{What: "committer alone, delayed", Unit: "groups/s", Values: []float64{line}},
			{What: "committer alone, proxy without delay", Unit: "groups/s", Values: []float64{open}},
		},
	}
	for i, groups := range sizes {
		for _, t := range trials[i] {
			if t.busy.offered < 1.2*line {
				res.Notes = append(res.Notes, fmt.Sprintf("%d groups: the load generator offered %.0f commits/s, too few to saturate the line: “busy, written” is the generator's figure, not leftoff's.", groups, t.busy.offered))
			}
		}
		pick := func(f func(wanTrial) float64) (v []float64) {
			for _, t := range trials[i] {
				v = append(v, f(t))
			}
			return v
		}
		name := func(what string) string { return fmt.Sprintf("%d groups: %s", groups, what) }
		late := func(load func(wanTrial) wanLoad, q float64) []float64 {
			return pick(func(t wanTrial) float64 { return milliseconds(quantile(load(t).late, q)) })
		}
		busy := func(t wanTrial) wanLoad { return t.busy }
		calm := func(t wanTrial) wanLoad { return t.calm }
		res.Rows = append(res.Rows,
			Row{What: name("all of them once, from the start"), Unit: "groups/s", Values: pick(func(t wanTrial) float64 { return t.burst }), Budget: 1000, Atleast: true, Floor: line},
			Row{What: name("busy, offered"), Unit: "commits/s", Values: pick(func(t wanTrial) float64 { return t.busy.offered })},
			Row{What: name("busy, written"), Unit: "groups/s", Values: pick(func(t wanTrial) float64 { return t.busy.written }), Budget: 1000, Atleast: true, Floor: line},
			Row{What: name("busy, a quiet group's lateness, p50"), Unit: "ms", Values: late(busy, 0.5)},
			Row{What: name("busy, a quiet group's lateness, max"), Unit: "ms", Values: late(busy, 1)},
			Row{What: name("busy, the others' lateness, p99"), Unit: "ms", Values: pick(func(t wanTrial) float64 { return milliseconds(t.busy.everybody) })},
			Row{What: name("calm, offered"), Unit: "commits/s", Values: pick(func(t wanTrial) float64 { return t.calm.offered })},
			Row{What: name("calm, a quiet group's lateness, p50"), Unit: "ms", Values: late(calm, 0.5)},
			Row{What: name("calm, a quiet group's lateness, max"), Unit: "ms", Values: late(calm, 1)},
			Row{What: name("calm, the others' lateness, p99"), Unit: "ms", Values: pick(func(t wanTrial) float64 { return milliseconds(t.calm.everybody) })},
			Row{What: name("connections through the proxy, all kinds"), Unit: "connections", Values: pick(func(t wanTrial) float64 { return t.connections })},
		)
	}
	return res
}
