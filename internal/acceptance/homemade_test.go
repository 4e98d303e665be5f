package acceptance

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// trait is one way in which a mirror may be difficult, and a topic to show it on.
type trait struct {
	name    string
	records filling
	mirror  stage
	stamped bool // the secondary's topic has LogAppendTime
	// provable: whoever looks closely enough can put every group at T.
	provable bool
	judge    *judge.Options // how the judge pairs the copies; nil: it can't, and only the mirror itself knows
	syncs    int            // with mm2, a sync for so many written records; 0: none
	trim     side           // which side's start retention has taken
}

type side int

const (
	neither side = iota
	primarySide
	secondarySide
)

// everything is every trait at once.
var everything = in(dropTenth, dropAndRepeat, fiveInFlight, addHeader)

var traits = []trait{
	{name: "faithful", records: unique, mirror: faithful, provable: true, judge: &judge.Options{}, syncs: 700},
	{name: "drops a tenth", records: unique, mirror: dropTenth, provable: true, judge: &judge.Options{}, syncs: 700},
	{name: "drops, then repeats", records: unique, mirror: dropAndRepeat, provable: true, judge: &judge.Options{}, syncs: 1 << 30},
	{name: "dies copying again", records: unique, mirror: unfinished, judge: &judge.Options{}, syncs: 300},
	{name: "adds a header", records: unique, mirror: addHeader, provable: true, judge: &judge.Options{IgnoreHeaders: true}},
	{name: "LogAppendTime", records: unique, mirror: faithful, stamped: true, provable: true, judge: &judge.Options{IgnoreTimestamp: true}, syncs: 700},
	{name: "five in flight", records: unique, mirror: fiveInFlight, provable: true, judge: &judge.Options{}, syncs: 300},
	{name: "all together", records: unique, mirror: everything, stamped: true, judge: &judge.Options{IgnoreHeaders: true, IgnoreTimestamp: true}, syncs: 500},
	{name: "primary's start gone", records: unique, mirror: dropTenth, provable: true, judge: &judge.Options{Unpaired: judge.UnpairedIsGone}, trim: primarySide},
	{name: "secondary's start gone", records: unique, mirror: dropTenth, provable: true, judge: &judge.Options{}, trim: secondarySide},

	{name: "identical, faithful", records: periodic(1), mirror: faithful, syncs: 700},
	{name: "identical, drops, repeats", records: periodic(1), mirror: dropAndRepeat, syncs: 1 << 30},
	{name: "identical, all", records: periodic(1), mirror: everything, stamped: true, syncs: 500},
	{name: "stretch, faithful", records: stretch, mirror: faithful, syncs: 700},
	{name: "stretch, drops, repeats", records: stretch, mirror: dropAndRepeat, syncs: 1 << 30},
	{name: "periodic, faithful", records: periodic(7), mirror: faithful, syncs: 700},
	{name: "periodic, drops, repeats", records: periodic(7), mirror: dropAndRepeat, syncs: 1 << 30},
	{name: "periodic, all", records: periodic(100), mirror: everything, stamped: true, syncs: 500},

	{name: "transforms values", records: unique, mirror: in(dropAndRepeat, transform)},
	{name: "transforms, nothing left", records: bare, mirror: in(dropAndRepeat, transform), syncs: 1 << 30},
	{name: "any order", records: unique, mirror: anyOrder, judge: &judge.Options{}, syncs: 300},
}

// ground is a trait on both clusters.
type ground struct {
	trait
	topic   string
	n       int64
	truth   truth
	offsets []int64 // what the groups have committed
}

// Issue 4, scenario 4: mappings match and mm2 against a mirror made at home, which does what mirrors do at their worst. Never
// ahead of T, whatever the seed; exact where that can be proven; and a bound where not.
func TestHomeMadeMirror(t *testing.T) {
	primary, secondary := rig.Shared(t)
	random := newRandom(t)
	rounds, n := 1, 3_000
	if rig.Soaking() {
		rounds, n = 8, 10_000
	}
	for range rounds {
		homeMadeMirror(t, primary, secondary, random, n)
	}
}

func homeMadeMirror(t *testing.T, primary, secondary *rig.Cluster, random *rand.Rand, n int) {
	prefix := rig.Name(t, "home") + "."
	const groups = 16
	var grounds []*ground
	var syncs []*kgo.Record
	for i, tr := range traits {
		g := lay(t, primary, secondary, fmt.Sprintf("%s%02d-%s", prefix, i, strings.Map(plainly, tr.name)), tr, random, n)
		g.choose(random, groups)
		grounds = append(grounds, g.ground)
		syncs = append(syncs, g.syncs...)
	}
	swapped := swapPartitions(t, primary, secondary, prefix+"swapped", random, n)
	haveOffsetSyncs(t, primary, syncs)

	b := watch(t, primary, secondary, prefix)
	mappings := []string{"match", "mm2"}
	if rig.Soaking() {
		mappings = append(mappings, "auto")
	}
	for _, mapping := range mappings {
		t.Run(mapping, func(t *testing.T) {
			own := prefix + mapping + "-"
			var names []string
			for i := range groups {
				at := map[string]int64{}
				for _, g := range grounds {
					at[g.topic] = g.offsets[i]
				}
				names = append(names, fmt.Sprintf("%s%02d", own, i))
				commitAll(t, primary, names[i], at)
			}
			astray := own + "swapped"
			commit(t, primary, astray, swapped, map[int32]int64{0: int64(n) / 6, 1: int64(n) / 4, 2: 0})

			s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), mapping, prefix)
			s.Groups = regexp.QuoteMeta(own) + ".*"
			r := start(t, s)
			begin := time.Now()
			r.waitResting(90*time.Second, append(names, astray)...)
			t.Logf("%s: at rest %v after the start", mapping, time.Since(begin).Round(time.Millisecond))
			wants := provable(grounds, names)
			eventually(5*time.Second, func() bool { return exactAll(r.plan(), wants) }) // checkHomeMade says what is not
			t.Logf("%s: nothing more to be had %v after the start", mapping, time.Since(begin).Round(time.Millisecond))
			checkHomeMade(t, b.of(t, own), r, grounds, names)
			checkSwapped(t, b.of(t, own), r, astray, swapped)
		})
	}
}

func plainly(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '-'
}

// laid is a ground, and the syncs that a MirrorMaker 2 would have left of it.
type laid struct {
	*ground
	syncs []*kgo.Record
}

// lay fills the topic on the primary and lets the home-made mirror copy it.
func lay(t *testing.T, primary, secondary *rig.Cluster, topic string, tr trait, random *rand.Rand, n int) laid {
	t.Helper()
	configs := map[string]string{}
	if tr.stamped {
		configs["message.timestamp.type"] = "LogAppendTime"
	}
	primary.CreateTopic(t, topic, 1, nil)
	secondary.CreateTopic(t, topic, 1, configs)
	produceBatches(t, primary, topic, tr.records(random, n), 1+random.IntN(100))
	written := mirrorByHand(t, primary, secondary, topic, random, tr.mirror)
	g := &ground{trait: tr, topic: topic, n: int64(n)}
	var primaryStart, start int64
	switch tr.trim {
	case primarySide:
		primaryStart = int64(n) / 4
		deleteBelow(t, primary, topic, primaryStart)
	case secondarySide:
		start = int64(len(written)) / 3
		deleteBelow(t, secondary, topic, start)
	}
	g.truth = truthOf(written, n, primaryStart, start)
	l := laid{ground: g}
	if tr.syncs > 0 {
		l.syncs = sparseSyncs(topic, written, tr.syncs)
	}
	return l
}

// choose picks what the groups commit: some lags, some of the places where T does not simply go on, and anything.
func (g *ground) choose(random *rand.Rand, groups int) {
	low := g.truth.primaryStart
	for _, lag := range []int64{0, 1, 3, 100, 1_000, g.n} {
		g.offsets = append(g.offsets, max(low, g.n-lag))
	}
	var turns []int64
	for u := low + 1; u < g.n; u++ {
		if g.truth.T(u)-g.truth.T(u-1) != 1 {
			turns = append(turns, u)
		}
	}
	for len(turns) > 0 && len(g.offsets) < groups-5 {
		g.offsets = append(g.offsets, turns[random.IntN(len(turns))]+random.Int64N(3)-1)
	}
	for len(g.offsets) < groups {
		g.offsets = append(g.offsets, low+random.Int64N(g.n-low+1))
	}
}

// swapPartitions is a mirror that writes the records of one partition to another.
func swapPartitions(t *testing.T, primary, secondary *rig.Cluster, topic string, random *rand.Rand, n int) string {
	t.Helper()
	primary.CreateTopic(t, topic, 3, nil)
	secondary.CreateTopic(t, topic, 3, nil)
	records := unique(random, n)
	for i, r := range records {
		r.Partition = int32(i % 3)
	}
	produceBatches(t, primary, topic, records, 50)
	for _, r := range records {
		r.Partition = (r.Partition + 1) % 3
	}
	produceBatches(t, secondary, topic, records, 50)
	return topic
}

// waitResting waits until leftoff has made up its mind about everything the groups have committed, each thing once, and has
// written it. It may come back later to what it could not prove.
func (r *running) waitResting(within time.Duration, groups ...string) {
	r.t.Helper()
	last, rested := "", map[replicator.Key]bool{}
	if !eventually(within, func() bool { last = r.restless(groups, rested); return last == "" }) {
		r.t.Errorf("not at rest within %v: %s", within, last)
	}
}

// restless names the first thing that has not been at rest so far, or nothing.
func (r *running) restless(groups []string, rested map[replicator.Key]bool) (first string) {
	s := r.snapshot()
	if !s.Writable {
		return fmt.Sprintf("still catching up: %+v", s.Sides)
	}
	known := map[string]replicator.GroupSnapshot{}
	for _, g := range s.Groups {
		known[g.Group] = g
	}
	waits := 0
	for _, name := range groups {
		if len(known[name].Entries) == 0 {
			return fmt.Sprintf("group %s is not known", name)
		}
		for _, e := range known[name].Entries {
			held := e.Reason != replicator.NoReason && e.Reason != replicator.CatchingUp && e.Reason != replicator.Unreachable
			written := e.Reason == replicator.NoReason && e.HasWritten && e.Written == e.Position.Offset
			if !e.Pending && !e.Write && (held || written) {
				rested[e.Commit.Key] = true
			} else if !rested[e.Commit.Key] {
				if waits++; waits == 1 {
					first = fmt.Sprintf("%s: %+v (%s, %s)", name, e, e.Position.Confidence, e.Reason)
				}
			}
		}
	}
	if waits > 1 {
		first += fmt.Sprintf(", and %d more", waits-1)
	}
	return first
}

// plan is what the daemon says of every key.
func (r *running) plan() map[replicator.Key]replicator.Entry {
	r.t.Helper()
	all := map[replicator.Key]replicator.Entry{}
	for _, g := range r.snapshot().Groups {
		for _, e := range g.Entries {
			all[e.Commit.Key] = e
		}
	}
	return all
}

// written is the plan at a moment when all of it was written.
func (r *running) written() map[replicator.Key]replicator.Entry {
	r.t.Helper()
	var all map[replicator.Key]replicator.Entry
	var due replicator.Entry
	done := func() bool {
		all = r.plan()
		for _, e := range all {
			if e.Write || e.Reason == replicator.NoReason && e.HasWritten && e.Written != e.Position.Offset {
				due = e
				return false
			}
		}
		return true
	}
	if !eventually(20*time.Second, done) {
		r.t.Errorf("due, and not written for 20 s: %+v (%s)", due, due.Position.Confidence)
	}
	return all
}

// provable are the keys that can be exact.
func provable(grounds []*ground, names []string) (keys []replicator.Key) {
	for _, g := range grounds {
		for _, name := range names {
			if g.provable {
				keys = append(keys, replicator.Key{Group: name, Topic: g.topic})
			}
		}
	}
	return keys
}

func exactAll(plan map[replicator.Key]replicator.Entry, keys []replicator.Key) bool {
	for _, k := range keys {
		if plan[k].Position.Confidence != translate.Exact {
			return false
		}
	}
	return true
}

// tally is a row of the table.
type tally struct {
	by            [translate.Exact + 1]int
	held, atT     int
	headless      int // floors, see there
	reread, worst int64
}

// checkHomeMade holds everything that was written, and what was said of it, against the truth.
func checkHomeMade(t *testing.T, b *bench, r *running, grounds []*ground, names []string) {
	t.Helper()
	entries := r.written()
	b.caughtUp()
	rows := [][]string{{"trait", "exact", "floor", "behind", "unmapped", "held", "at T", "re-read mean", "max"}}
	for _, g := range grounds {
		var sum tally
		for i, name := range names {
			e, ok := entries[replicator.Key{Group: name, Topic: g.topic}]
			if !ok {
				t.Errorf("%s: group %s has no plan for it", g.name, name)
				continue
			}
			g.check(t, &sum, g.offsets[i], e)
			if g.provable && g.headless(g.offsets[i]) && e.Position.Confidence == translate.Floor {
				sum.headless++
			}
		}
		if g.provable && sum.atT+sum.headless < len(names) {
			t.Errorf("%s: %d of %d positions are at T", g.name, sum.atT, len(names))
		}
		rows = append(rows, sum.row(g.name, len(names)))
	}
	var copies []*judge.Copies
	for _, g := range grounds {
		copies = append(copies, g.neverAhead(t, b, names)...)
	}
	b.lawful(judge.Rules{}, copies...)
	t.Logf("%s: %s, for %d positions%s", r.spec.Mapping, r.spent(), len(names)*len(grounds), printed(rows...))
}

// headless: retention has taken the primary's start, and nothing from there up to an offset was copied. Copies of what was deleted may lie
// before the first that can still be compared, so that it is a floor.
func (g *ground) headless(u int64) bool {
	return g.trim == primarySide && g.truth.T(u) == g.truth.T(g.truth.primaryStart)
}

// check holds one position against the truth.
func (g *ground) check(t *testing.T, sum *tally, u int64, e replicator.Entry) {
	t.Helper()
	if !e.HasWritten {
		sum.held++
		if e.Reason == replicator.NoReason || e.Detail == "" {
			t.Errorf("%s: nothing written for %d, and no reason said: %+v", g.name, u, e)
		}
		return
	}
	d, T := e.Written, g.truth.T(u)
	skipped, again := g.truth.skipped(u, d), g.truth.reread(u, d)
	what := fmt.Sprintf("%s: committed %d, written %d as %s, T is %d, %d skipped, %d re-read of at most %d (%s)",
		g.name, u, d, e.Position.Confidence, T, skipped, again, e.Position.Reread, e.Detail)
	sum.by[e.Position.Confidence]++
	sum.reread += again
	sum.worst = max(sum.worst, again)
	if d == T || again == 0 && d < T {
		sum.atT++
	} else if g.provable && !g.headless(u) {
		t.Errorf("not at T: %s", what)
	}
	if skipped > 0 || d > T {
		t.Errorf("AHEAD: %s", what)
	}
	if d != e.Position.Offset {
		return // it is due, and what is said is said of another value
	}
	switch e.Position.Confidence {
	case translate.Exact:
		if d != T && again > 0 {
			t.Errorf("called exact, and is not: %s", what)
		}
	case translate.Floor:
		if avoidable := T - d; e.Position.Reread < avoidable { // what lies at T and above is read again wherever T is written, too
			t.Errorf("the bound does not hold: %s", what)
		}
		if e.Detail == "" {
			t.Errorf("a floor that does not say what would make it exact: %s", what)
		}
	case translate.Unmapped:
		if e.Detail == "" {
			t.Errorf("unmapped without a word: %s", what)
		}
	}
}

func (s *tally) row(name string, n int) []string {
	row := []string{name}
	for _, c := range []translate.Confidence{translate.Exact, translate.Floor, translate.Behind, translate.Unmapped} {
		row = append(row, fmt.Sprint(s.by[c]))
	}
	mean := fmt.Sprintf("%.1f", float64(s.reread)/float64(n))
	return append(row, fmt.Sprint(s.held), fmt.Sprint(s.atT), mean, fmt.Sprint(s.worst))
}

// neverAhead holds everything ever written against T, and T against the judge's where the judge can pair the copies.
func (g *ground) neverAhead(t *testing.T, b *bench, names []string) []*judge.Copies {
	t.Helper()
	for _, w := range b.history.Secondary.Writes() {
		i := slices.Index(names, w.Group)
		if i < 0 || w.Topic != g.topic || w.Value == nil {
			continue
		}
		if T := g.truth.T(g.offsets[i]); w.Value.Offset > T {
			t.Errorf("AHEAD: %s: %s wrote %d at %v for %d, T is %d", g.name, w.Group, w.Value.Offset, w.At, g.offsets[i], T)
		}
	}
	if g.judge == nil {
		return nil
	}
	c := b.compare(g.topic, *g.judge)
	for _, u := range g.offsets {
		if judged := c.T(0, u); judged != g.truth.T(u) {
			t.Errorf("%s: the judge says that T(%d) is %d, and the mirror itself %d: one of them is wrong", g.name, u, judged, g.truth.T(u))
		}
	}
	return []*judge.Copies{c}
}

// checkSwapped: of a mirror that changes partitions nothing is known but where the log starts, and it is said why.
func checkSwapped(t *testing.T, b *bench, r *running, group, topic string) {
	t.Helper()
	g, _ := r.group(group)
	if len(g.Entries) != 3 {
		t.Fatalf("%d entries of %s", len(g.Entries), group)
	}
	for _, e := range g.Entries {
		if e.Position.Confidence != translate.Unmapped && e.Reason != replicator.PartitionMismatch {
			t.Errorf("changed partitions, and taken for %s: %+v", e.Position.Confidence, e)
		}
		if e.Detail == "" {
			t.Errorf("not a word about the partitions: %+v", e)
		}
	}
	t.Log(g.Entries[0].Detail)
	for _, w := range b.history.Secondary.Writes() {
		if w.Group == group && w.Topic == topic && w.Value != nil && w.Value.Offset != 0 {
			t.Errorf("wrote %d to %s/%d, of which nothing is known", w.Value.Offset, topic, w.Partition)
		}
	}
}
