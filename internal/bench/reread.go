package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/api"
)

// rereadMeasure is item 2: what a failover costs a group that lags.
var rereadMeasure = Measure{
	Name: "reread", Short: "records skipped and read again after a failover, by lag, for plain, transactional and compacted topics",
	Run: measureReread,
}

var rereadLags = []int64{0, 1, 10, 100, 1_000, 10_000, 50_000}

// follower is one who carries the offsets of groups of its own over.
type follower struct {
	name    string
	mapping string // empty: MirrorMaker 2
	prefix  string // of its groups
	rename  string // of the topics on the secondary
}

var followers = []follower{
	{name: "leftoff, mapping mirror", mapping: "mirror", prefix: "own", rename: "own."},
	{name: "leftoff, mapping mm2", mapping: "mm2", prefix: "over"},
	{name: "leftoff, mapping match", mapping: "match", prefix: "match"},
	{name: "MirrorMaker 2", prefix: "theirs"},
}

// cost is what one resume point costs; missing: no offset at all.
type cost struct {
	skipped, reread int64
	missing         bool
}

// costs of a follower: by kind of topic and lag, one a run.
type costs map[string]map[int64][]cost

func measureReread(r *Run) Result {
	n, lags := 100_000, rereadLags
	if r.Short {
		n, lags = 6_000, []int64{0, 10, 1_000}
	}
	r.Say("starting two clusters")
	primary, secondary := rig.StartPair(r.TB, rig.Options{Props: map[string]string{"log.cleaner.backoff.ms": "1000"}})
	all := map[string]costs{}
	for _, f := range followers {
		all[f.name] = costs{}
	}
	for run := range r.Runs {
		g := &rereadGround{r: r, primary: primary, secondary: secondary, run: run, lags: lags}
		g.measure(n, all)
	}
	return rereadResult(all, n, lags)
}

type rereadGround struct {
	r                  *Run
	primary, secondary *rig.Cluster
	run                int
	lags               []int64
	topics             []kind
}

// kind is a topic and how the judge pairs its copies by MirrorMaker 2, which copies aborted records, too.
type kind struct {
	name, topic string
	options     judge.Options
}

func (g *rereadGround) say(format string, args ...any) {
	g.r.Say("run %d of %d: %s", g.run+1, g.r.Runs, fmt.Sprintf(format, args...))
}

func (g *rereadGround) measure(n int, all map[string]costs) {
	prefix := fmt.Sprintf("lag%d.", g.run)
	g.say("three topics of %d records", n)
	g.topics = g.fill(prefix, n)
	history, err := judge.Watch(g.r.Context, judge.At(g.primary.Direct()...), judge.At(g.secondary.Direct()...))
	if err != nil {
		g.r.Fatal(err)
	}
	g.r.Cleanup(history.Close)

	g.say("MirrorMaker 2 copies them")
	m := startMirrorMaker(g.r, g.primary, g.secondary, strings.ReplaceAll(prefix, ".", `\.`)+".*", "theirs.*", nil)
	defer m.Kill()
	g.waitCopied("")
	for _, f := range followers {
		g.commitLagging(f)
	}
	for _, f := range followers {
		if f.mapping == "" {
			continue
		}
		g.say("%s starts", f.name)
		g.follow(f, prefix)
	}
	g.waitTheirs(history)
	for _, f := range followers {
		g.say("judging %s", f.name)
		g.judge(history, f, all[f.name])
	}
}

// fill makes the topics: one partition each, so that a lag is one of the topic.
func (g *rereadGround) fill(prefix string, n int) []kind {
	plain, txn, compacted := prefix+"plain", prefix+"txn", prefix+"compacted"
	g.primary.CreateTopic(g.r.TB, plain, 1, nil)
	g.primary.CreateTopic(g.r.TB, txn, 1, nil)
	g.primary.CreateTopic(g.r.TB, compacted, 1, map[string]string{
		"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.001", "segment.ms": "1000", "max.compaction.lag.ms": "1000",
	})
	keys := n * 4 / 10
	fillPayments(g.r, g.primary, compacted, 0, n, keys)
	fillPayments(g.r, g.primary, plain, 0, n, 0)
	fillTransactions(g.r, g.primary, txn, n/100, 100)
	g.say("waiting until the compacted one is compacted")
	next := n
	await(g.r, time.Minute, "the cleaner has thinned "+compacted+" out", func() error {
		fillPayments(g.r, g.primary, compacted, next, 10, keys) // the active segment is never cleaned
		next += 10
		if left := countRecords(g.r, g.primary, compacted); left >= n*6/10 {
			return fmt.Errorf("still %d records", left)
		}
		pause(g.r, 200*time.Millisecond)
		return nil
	})
	return []kind{
		{"plain", plain, judge.Options{}},
		{"transactional", txn, judge.Options{PrimaryUncommitted: true}},
		{"compacted", compacted, judge.Options{Unpaired: judge.UnpairedIsGone}}, // cleaned again after it was copied
	}
}

func (g *rereadGround) group(f follower, k kind, lag int64) string {
	return fmt.Sprintf("%s-%s-lag-%d", f.prefix, k.topic, lag)
}

func (g *rereadGround) commitLagging(f follower) {
	for _, k := range g.topics {
		listed, err := g.primary.Admin().ListCommittedOffsets(g.r.Context, k.topic)
		if err == nil {
			err = listed.Error()
		}
		if err != nil {
			g.r.Fatal(err)
		}
		end := listed[k.topic][0].Offset
		for _, lag := range g.lags {
			var o kadm.Offsets
			o.AddOffset(k.topic, 0, max(0, end-lag), -1)
			if err := g.primary.Admin().CommitAllOffsets(g.r.Context, g.group(f, k, lag), o); err != nil {
				g.r.Fatalf("commit: %v", err)
			}
		}
	}
}

// follow runs leftoff until it says that everything is exact, or for as long as that may take; the judge has the last word.
func (g *rereadGround) follow(f follower, prefix string) {
	p := buildProgram(g.r, f.mapping, prefix, f.prefix+"-"+prefix, g.primary, g.secondary)
	if f.rename != "" {
		p.fresh(f.rename)
	}
	w := p.start()
	defer w.stop()
	client := api.NewClient(w.url())
	want := len(g.topics) * len(g.lags)
	for begin := time.Now(); time.Since(begin) < time.Minute; pause(g.r, 200*time.Millisecond) {
		if err := w.died(); err != nil {
			g.r.Fatal(err)
		}
		s, err := client.Status(g.r.Context)
		if err != nil || len(s.Links) == 0 {
			continue
		}
		if t := s.Links[0].Totals; s.Links[0].Writable && t.Offsets == want && t.Exact == want && t.Due == 0 && t.Held == 0 && t.GroupsInFlight == 0 {
			return
		}
	}
	g.say("%s is not exact everywhere", f.name)
}

// waitCopied waits until the judge finds no record that still waits.
func (g *rereadGround) waitCopied(rename string) {
	await(g.r, 3*time.Minute, "the topics are copied", func() error {
		for _, k := range g.topics {
			c, err := g.compare(k, rename)
			if err != nil {
				return err
			}
			if t := c.Total(); t.Waiting != 0 || t.Mirrored == 0 || len(c.Unmirrored) > 0 {
				pause(g.r, time.Second)
				return fmt.Errorf("%s: %+v", k.topic, t)
			}
		}
		return nil
	})
}

// compare reads the topic on both sides. Leftoff's own mirror doesn't copy aborted records.
func (g *rereadGround) compare(k kind, rename string) (*judge.Copies, error) {
	if rename != "" {
		k.options.PrimaryUncommitted = false
	}
	ctx, cancel := context.WithTimeout(g.r.Context, time.Minute)
	defer cancel()
	return judge.Compare(ctx, judge.At(g.primary.Direct()...), judge.At(g.secondary.Direct()...), k.topic, rename+k.topic, k.options)
}

// waitTheirs gives MirrorMaker 2, whose interval is a second, ten seconds more to commit what it ever will.
func (g *rereadGround) waitTheirs(h *judge.History) {
	for begin := time.Now(); time.Since(begin) < 10*time.Second; pause(g.r, 200*time.Millisecond) {
		ledger, missing := h.Secondary.Ledger(), 0
		for _, k := range g.topics {
			for _, lag := range g.lags {
				if w, ok := ledger[judge.Key{Group: g.group(followers[3], k, lag), Topic: k.topic}]; !ok || w.Value == nil {
					missing++
				}
			}
		}
		if missing == 0 {
			break
		}
	}
}

func (g *rereadGround) judge(h *judge.History, f follower, into costs) {
	ctx, cancel := context.WithTimeout(g.r.Context, time.Minute)
	defer cancel()
	if err := h.CaughtUp(ctx); err != nil {
		g.r.Fatal(err)
	}
	for _, k := range g.topics {
		c, err := g.compare(k, f.rename)
		if err != nil {
			g.r.Fatalf("compare %s: %v", k.topic, err)
		}
		found := map[string]judge.Resume{}
		for _, x := range h.Resumes(c) {
			found[x.Group] = x
		}
		if into[k.name] == nil {
			into[k.name] = map[int64][]cost{}
		}
		for _, lag := range g.lags {
			x, ok := found[g.group(f, k, lag)]
			if !ok {
				g.r.Fatalf("the judge knows no group %s", g.group(f, k, lag))
			}
			into[k.name][lag] = append(into[k.name][lag], cost{x.Verdict.Skipped, x.Verdict.Reread, x.Value == nil})
		}
	}
}

func rereadResult(all map[string]costs, n int, lags []int64) Result {
	res := Result{
		Compares: "Groups that lag by so many offsets fail over: leftoff with its own mirror, over MirrorMaker 2 and over any mirror, and MirrorMaker 2's own syncing of offsets, all on the same topics.",
		Conditions: []string{
			fmt.Sprintf("one partition of %s records each: plain; transactions of 100, every tenth aborted, the last one, too; compacted for real to less than 60%%", figure(float64(n))),
			"everything was mirrored before the groups committed and leftoff started; new topics for each run",
			"MirrorMaker 2 tuned: every interval 1 s, offset.lag.max 0",
		},
		Notes: []string{
			"The judge, which shares no code with leftoff, reads both topics whole, pairs the copies by content, and counts what resuming at the value in the secondary's `__consumer_offsets` skips and repeats. Nothing here is a time, so nobody's speed is in it.",
			"A group without any offset on the secondary has no re-read to count, and its row says so by fewer values: `auto.offset.reset` would decide. It counts as not exact.",
		},
	}
	for _, k := range []string{"plain", "transactional", "compacted"} {
		for _, lag := range lags {
			res.Rows = append(res.Rows, rereadRow(k, lag, "MirrorMaker 2", all["MirrorMaker 2"][k][lag]))
			res.Rows = append(res.Rows, rereadRow(k, lag, "leftoff, the worst of its mappings", worst(all, k, lag)))
		}
	}
	for _, f := range followers {
		exact, skipped := totals(all[f.name])
		e := Row{What: f.name + ": resume points with nothing skipped and nothing read again", Unit: "%", Values: exact}
		if f.mapping != "" {
			e.Budget, e.Atleast = 100, true
		}
		res.Rows = append(res.Rows, e, Row{What: f.name + ": records skipped, all lags and topics", Unit: "records", Values: skipped})
	}
	return res
}

func rereadRow(kind string, lag int64, who string, of []cost) Row {
	row := Row{What: fmt.Sprintf("%s, lag %s: %s", kind, figure(float64(lag)), who), Unit: "records read again"}
	for _, c := range of {
		if !c.missing {
			row.Values = append(row.Values, float64(c.reread))
		}
	}
	return row
}

// worst of leftoff's mappings, run by run.
func worst(all map[string]costs, kind string, lag int64) (of []cost) {
	for _, f := range followers {
		if f.mapping == "" {
			continue
		}
		for run, c := range all[f.name][kind][lag] {
			if run == len(of) {
				of = append(of, cost{})
			}
			of[run].reread = max(of[run].reread, c.reread)
			of[run].missing = of[run].missing || c.missing
		}
	}
	return of
}

// totals are by run: the share of exact resume points, and the records skipped.
func totals(c costs) (exact, skipped []float64) {
	points := []int{}
	for _, byLag := range c {
		for _, byRun := range byLag {
			for run, x := range byRun {
				for run >= len(points) {
					points, exact, skipped = append(points, 0), append(exact, 0), append(skipped, 0)
				}
				points[run]++
				skipped[run] += float64(x.skipped)
				if !x.missing && x.skipped == 0 && x.reread == 0 {
					exact[run]++
				}
			}
		}
	}
	for run := range exact {
		exact[run] *= 100 / float64(points[run])
	}
	return exact, skipped
}
