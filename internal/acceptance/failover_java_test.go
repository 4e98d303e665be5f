package acceptance

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/failover"
)

// Issue 6, scenario 1, with consumers as applications have them, Java of both protocols and franz-go: 20 of them
// read under load, are stopped for a planned failover at mixed lags, and are started again in the other region. Each reads
// on at the next record: what it read on both sides is every record, once and in order.
func TestPlannedFailoverOfApplications(t *testing.T) {
	rig.RequireSoak(t)
	t.Parallel()
	applicationsFailOver(t, wayBack{mapping: "mirror"}, 20)
}

func TestPlannedFailoverOfApplicationsOverMirrorMaker2(t *testing.T) {
	rig.RequireSoak(t)
	t.Parallel()
	for _, m := range []wayBack{{mapping: "mm2"}, {mapping: "auto", renamed: "primary."}} {
		t.Run(m.mapping, func(t *testing.T) { applicationsFailOver(t, m, 20) })
	}
}

func applicationsFailOver(t *testing.T, m wayBack, groups int) {
	random := newRandom(t)
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "apps") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	spread := map[string]int32{plain: 3, txn: 2}
	for topic, n := range spread {
		primary.CreateTopic(t, topic, n, nil)
	}
	produceBatches(t, primary, plain, inTurn(3_000, spread[plain], 50), 50)
	fillTransactions(t, primary, txn, 60, 20, true)
	topics := []copied{{plain, m.there(plain), judge.Options{}}, {txn, m.there(txn), judge.Options{}}}
	b := watch(t, primary, secondary, prefix)
	stopMirror := func() {}
	if m.mapping != "mirror" {
		stopMirror = m.mirror(t, primary, secondary, prefix).Stop
		b.waitMirrored(2*time.Minute, topics...)
	}
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), m.mapping, prefix)
	s.Prefix = m.renamed
	r := start(t, s)

	apps := newApps(random, groups, prefix, plain, txn)
	startHere(t, primary, apps)
	stopLoad := produceBoth(t, primary, plain, txn)
	defer stopLoad()
	waitFor(t, apps, "read on the primary", func(a *app) bool { return a.begun(spread) })
	order := failover.Order{Who: "tester", Why: "scenario 1"}
	r.failTo(time.Minute, order, failover.Stop)
	for _, a := range apps[:len(kinds)] {
		r.waitsFor(10*time.Second, order, a.Group+" still runs on the primary")
	}
	for _, a := range apps[len(kinds):] {
		a.here.Leave(t) // under load
	}
	stopLoad()
	was := map[string]partitions{plain: readable(t, primary, plain), txn: readable(t, primary, txn)}
	waitFor(t, apps[:len(kinds)], "read to the end", func(a *app) bool { return a.through(a.here, was, a.Topics) })
	for _, a := range apps[:len(kinds)] {
		a.here.Leave(t)
	}
	done := r.failTo(time.Minute, order)
	if done.State.Step != failover.Done || len(done.State.Groups) != len(apps) || len(done.State.Topics) != len(topics) {
		t.Fatalf("%+v", done.State)
	}
	for _, p := range done.State.Past {
		t.Logf("%s  %-9s %s", p.At.Format("15:04:05.000"), p.Step, p.Said)
	}
	stopMirror()
	copies := b.compareAll(topics)
	if n, want := b.exact(copies...), resumePoints(apps, spread); n != want {
		t.Errorf("%d resume points, want %d", n, want)
	}
	b.mixedLags(apps, copies)
	b.readOn(t, m, apps, topics, copies, was)
	b.lawful(judge.Rules{}, copies...)
}

// readOn starts the applications on the secondary, which is in use by then, and asserts that each reads on at the next record.
func (b *bench) readOn(t *testing.T, m wayBack, apps []*app, topics []copied, copies []*judge.Copies, was map[string]partitions) {
	plain, txn := topics[0].name, topics[1].name
	fill(t, b.secondary, plain, 800_000, 300, 100)
	fillTransactions(t, b.secondary, txn, 10, 20, false)
	now := map[string]partitions{plain: readable(t, b.secondary, plain), txn: readable(t, b.secondary, txn)}
	startThere(t, b.secondary, apps, m)
	waitFor(t, apps, "read to the end on the secondary", func(a *app) bool { return a.through(a.there, now, a.namesThere(m)) })
	for _, a := range apps {
		a.there.Leave(t)
	}
	for i, c := range topics {
		for _, a := range apps {
			if slices.Contains(a.Topics, c.topic) {
				a.wentOn(t, b.primary, copies[i], was[c.topic], now[c.name])
			}
		}
	}
}

// franzGo is a kind of consumer, beside the protocols of Java's.
const franzGo = "franz-go"

var kinds = []string{rig.Classic, rig.KIP848, franzGo}

// app is an application: a group of one consumer, which reads here, on the primary, and goes on there.
type app struct {
	rig.ConsumerOptions
	kind        string
	poll        int // records at most at a time
	here, there consumer
}

// consumer is of any client library.
type consumer interface {
	Records() []rig.Consumed
	Delivered(topic string, partition int32) (last int64, ok bool)
	Failure() string
	Leave(t testing.TB) // commits what was delivered
}

// newApps are n of them, at most 20, of each kind in turn. The first of each kind read as fast as they can; the others are slow, or stop early.
func newApps(random *rand.Rand, n int, prefix, plain, txn string) (all []*app) {
	topics := [][]string{{plain, txn}, {plain}, {txn}}
	for i := range n {
		nth := i / len(kinds)
		a := &app{kind: kinds[i%len(kinds)], poll: 500}
		a.Topics = topics[nth%len(topics)]
		a.Group = fmt.Sprintf("%s%s-%d", prefix, a.kind, nth)
		a.Committed = slices.Contains(a.Topics, txn)
		a.CommitEvery = 20 + random.IntN(50)
		switch {
		case nth == 0:
		case nth%2 == 0 || a.kind == franzGo:
			a.poll, a.Pause = 10+random.IntN(40), time.Duration(10+random.IntN(40))*time.Millisecond
		default: // it need not reach every partition: the client commits all of them
			a.CommitEvery, a.Props = 0, map[string]string{"enable.auto.commit": "true", "auto.commit.interval.ms": "500"}
			a.Limit = 1 + random.IntN([]int{10, 800, 800}[nth/2])
		}
		all = append(all, a)
	}
	return all
}

func startHere(t testing.TB, c *rig.Cluster, apps []*app) {
	for i, j := range startApps(t, c, apps, func(a *app) rig.ConsumerOptions {
		o := a.ConsumerOptions
		o.Reset = "earliest"
		return o
	}) {
		apps[i].here = j
	}
}

// startThere starts the same applications where their groups have to have an offset.
func startThere(t testing.TB, c *rig.Cluster, apps []*app, m wayBack) {
	for i, j := range startApps(t, c, apps, func(a *app) rig.ConsumerOptions {
		o := a.ConsumerOptions
		o.Reset, o.Limit, o.Pause, o.Topics = "none", 0, 0, a.namesThere(m)
		return o
	}) {
		apps[i].there = j
	}
}

func (a *app) namesThere(m wayBack) (names []string) {
	for _, topic := range a.Topics {
		names = append(names, m.there(topic))
	}
	return names
}

// startApps starts the Java consumers in one process and the others in this one.
func startApps(t testing.TB, c *rig.Cluster, apps []*app, options func(*app) rig.ConsumerOptions) []consumer {
	t.Helper()
	all := make([]consumer, len(apps))
	var java []rig.ConsumerOptions
	var places []int
	for i, a := range apps {
		o := options(a)
		if a.kind == franzGo {
			all[i] = startFranzGo(t, c, o, a.poll)
			continue
		}
		o.Protocol = a.kind
		o.Props = map[string]string{
			"max.poll.records": strconv.Itoa(a.poll), "fetch.min.bytes": strconv.Itoa(fetchLeast), "max.partition.fetch.bytes": strconv.Itoa(fetchMost(o)),
		}
		maps.Copy(o.Props, a.Props)
		java, places = append(java, o), append(places, i)
	}
	for n, j := range rig.StartJavaConsumers(t, c, java...) {
		all[places[n]] = j
	}
	return all
}

// fetchLeast keeps 20 consumers from asking for each record that comes.
const fetchLeast = 4 << 10

// fetchMost of a partition makes slow consumers turn from one to the next often, so that they are in the middle of all of them.
func fetchMost(o rig.ConsumerOptions) (bytes int) {
	if o.Pause > 0 {
		return 4 << 10
	}
	return 1 << 20
}

// begun says that it has read as much as it may, or something of each partition.
func (a *app) begun(spread map[string]int32) bool {
	if a.Limit > 0 {
		return len(a.here.Records()) >= a.Limit
	}
	for _, topic := range a.Topics {
		for p := range spread[topic] {
			if _, ok := a.here.Delivered(topic, p); !ok {
				return false
			}
		}
	}
	return true
}

// through says that one of its consumers has read everything there is, of the topics that are its.
func (a *app) through(by consumer, all map[string]partitions, topics []string) bool {
	for _, topic := range topics {
		for p, records := range all[topic] {
			if last, ok := by.Delivered(topic, p); !ok || last < records[len(records)-1].Offset {
				return false
			}
		}
	}
	return true
}

// wentOn asserts that it read on at the next record of each partition: was is what the primary has, now what the secondary has.
func (a *app) wentOn(t *testing.T, primary *rig.Cluster, copies *judge.Copies, was, now partitions) {
	t.Helper()
	commits := committed(t, primary, a.Group, copies.Primary)
	for p, all := range now {
		u, where := commits[p], fmt.Sprintf("%s, %s/%d", a.Group, copies.Primary, p)
		here, there := only(a.here.Records(), copies.Primary, p), only(a.there.Records(), copies.Secondary, p)
		if n := below(was[p], u); n != len(here) {
			t.Errorf("%s: it read %d records and committed %d, below which there are %d", where, len(here), u, n)
		}
		if !slices.Equal(values(was[p]), values(all[:min(len(was[p]), len(all))])) {
			t.Errorf("%s: the secondary does not hold what the primary holds", where)
		}
		if len(there) == 0 {
			t.Errorf("%s: committed %d, and did not go on", where, u)
			continue
		}
		if v := copies.Judge(p, u, there[0].Offset); !v.Exact() {
			t.Errorf("%s: committed %d, and went on at %d: %s", where, u, there[0].Offset, v)
		}
		if read := append(values(here), values(there)...); !slices.Equal(read, values(all)) {
			t.Errorf("%s: read %d records here and %d there, from %d on: not each of the %d, once and in order", where, len(here), len(there), there[0].Offset, len(all))
		}
	}
}

// resumePoints counts the partitions that the groups read.
func resumePoints(apps []*app, spread map[string]int32) (n int) {
	for _, a := range apps {
		for _, topic := range a.Topics {
			n += int(spread[topic])
		}
	}
	return n
}

// partitions are the records of a topic, in order.
type partitions map[int32][]rig.Consumed

func only(all []rig.Consumed, topic string, p int32) (some []rig.Consumed) {
	for _, r := range all {
		if r.Topic == topic && r.Partition == p {
			some = append(some, r)
		}
	}
	return some
}

func below(all []rig.Consumed, offset int64) (n int) {
	for _, r := range all {
		if r.Offset < offset {
			n++
		}
	}
	return n
}

func values(all []rig.Consumed) []string {
	some := make([]string, len(all))
	for i, r := range all {
		some[i] = r.Value
	}
	return some
}

// readable reads all committed records of a topic that nobody writes any more.
func readable(t testing.TB, c *rig.Cluster, topic string) partitions {
	t.Helper()
	end, at, from := ends(t, c, topic), map[int32]int64{}, map[int32]kgo.Offset{}
	for p := range end {
		from[p] = kgo.NewOffset().AtStart()
	}
	client := c.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords()) // what ends in a marker ends, too
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	all := partitions{}
	for !maps.Equal(at, end) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read %s to %v, at %v: %v", topic, end, at, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if at[r.Partition] = r.Offset + 1; !r.Attrs.IsControl() {
				all[r.Partition] = append(all[r.Partition], consumed(r))
			}
		})
	}
	return all
}

func consumed(r *kgo.Record) rig.Consumed {
	return rig.Consumed{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Key: rig.Sum(r.Key), Value: rig.Sum(r.Value)}
}

// waitFor waits until something holds of each of them.
func waitFor(t *testing.T, apps []*app, what string, holds func(*app) bool) {
	t.Helper()
	var late *app
	if !eventually(2*time.Minute, func() bool {
		for _, late = range apps {
			if f := late.failure(); f != "" {
				t.Fatalf("%s: %s", late.Group, f)
			}
			if !holds(late) {
				return false
			}
		}
		return true
	}) {
		t.Fatalf("%s has not %s", late.Group, what)
	}
}

func (a *app) failure() string {
	for _, c := range []consumer{a.here, a.there} {
		if c != nil && c.Failure() != "" {
			return c.Failure()
		}
	}
	return ""
}

// mixedLags asserts that the groups were stopped at the end, at the start, and between.
func (b *bench) mixedLags(apps []*app, copies []*judge.Copies) {
	b.t.Helper()
	lag := map[string]int64{}
	for _, r := range b.history.Resumes(copies...) {
		lag[r.Group] += r.Lag
	}
	distinct, most := map[int64]bool{}, int64(0)
	rows := [][]string{{"group", "topics", "limit", "records at a time", "pause", "behind"}}
	for i, a := range apps {
		n := lag[a.Group]
		if distinct[n], most = true, max(most, n); i < len(kinds) && n != 0 {
			b.t.Errorf("%s read to the end, and is %d records behind", a.Group, n)
		}
		rows = append(rows, []string{strings.TrimPrefix(a.Group, b.prefix), fmt.Sprint(len(a.Topics)), fmt.Sprint(a.Limit), fmt.Sprint(a.poll), a.Pause.String(), fmt.Sprint(n)})
	}
	b.t.Log(printed(rows...))
	if len(distinct) < len(apps)*2/5 || most < 2_500 {
		b.t.Errorf("the lags are not mixed: %d different ones, up to %d", len(distinct), most)
	}
}

// inTurn are n records without a key, so many at a time to one partition.
func inTurn(n int, partitions int32, length int) []*kgo.Record {
	all := make([]*kgo.Record, n)
	for i := range all {
		all[i] = paymentRecord(i, 0)
		all[i].Partition = int32(i/length) % partitions
	}
	return all
}

// produceBoth writes 500 plain records and 20 transactions a second until it is stopped.
func produceBoth(t testing.TB, c *rig.Cluster, plain, txn string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	tr := &traffic{cancel: cancel}
	tr.done.Go(func() { tr.produceEvery(ctx, t, c, plain, 5) })
	tr.done.Go(func() { tr.transact(ctx, t, c, txn) })
	return tr.stop
}
