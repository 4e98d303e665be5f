package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// Issue 6, scenario 5, with MirrorMaker 2 there and leftoff's mirror back: what TestFailback says, and MirrorMaker 2 copies none of what
// came home once it was told where to go on.
func TestFailbackOverMirrorMaker2(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{})
	ways := []wayBack{{mapping: "mm2", burns: true}}
	if rig.Soaking() {
		ways = append(ways, wayBack{mapping: "match"}, wayBack{mapping: "auto", renamed: "primary."})
	}
	for _, m := range ways {
		t.Run(m.mapping, func(t *testing.T) { m.goes(t, primary, secondary) })
	}
}

// wayBack is what differs.
type wayBack struct {
	mapping string
	renamed string // prefix of the topics on the secondary: MirrorMaker 2's default policy
	burns   bool   // leftoff loses its machine on the way home
}

// there is a topic's name on the secondary.
func (m wayBack) there(topic string) string { return m.renamed + topic }

func (m wayBack) mirror(t *testing.T, primary, secondary *rig.Cluster, prefix string) *rig.MM2 {
	props := map[string]string{"primary.consumer.isolation.level": "read_committed"}
	if m.renamed != "" {
		props["replication.policy.class"] = ""
	}
	return startMirrorMaker(t, primary, secondary, prefix, props)
}

// commitAbroad is commitLagging on the secondary, of the groups that are called after the primary's topics.
func (m wayBack) commitAbroad(t *testing.T, secondary *rig.Cluster, prefix string, lags []int64, topics ...string) (all []laggard) {
	t.Helper()
	for _, topic := range topics {
		end, begin := ends(t, secondary, m.there(topic)), starts(t, secondary, m.there(topic))
		for _, lag := range lags {
			l := laggard{fmt.Sprintf("%s%s-lag-%d", prefix, topic, lag), topic, lag}
			commit(t, secondary, l.group, m.there(topic), lagging(end, begin, lag))
			all = append(all, l)
		}
	}
	return all
}

func (m wayBack) goes(t *testing.T, primary, secondary *rig.Cluster) {
	prefix := rig.Name(t, "home") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	topics := []string{plain, txn}
	primary.CreateTopic(t, plain, 2, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 3_000, 0)
	fillTransactions(t, primary, txn, 30, 20, true)
	b := watch(t, primary, secondary, prefix)
	mm2 := m.mirror(t, primary, secondary, prefix)
	defer mm2.Stop()
	b.waitMirrored(2*time.Minute, copied{plain, m.there(plain), judge.Options{}}, copied{txn, m.there(txn), judge.Options{}})
	away := commitLagging(t, primary, prefix+"away-", []int64{0, 1, 10, 500, 1_000, 1 << 40}, topics...) // go on in the other region
	idle := commitLagging(t, primary, prefix+"idle-", []int64{0, 20, 300}, topics...)                    // do nothing there

	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), m.mapping, prefix)
	s.Prefix = m.renamed
	r := start(t, s)
	r.waitSettled(time.Minute, append(groupsOf(away), groupsOf(idle)...)...)
	order := failover.Order{Who: "tester"}
	if done := r.failTo(time.Minute, order); done.State.Step != failover.Done {
		t.Fatalf("%+v", done.State)
	}
	mm2.Stop()
	switched := map[string]map[int32]int64{plain: ends(t, secondary, m.there(plain)), txn: ends(t, secondary, m.there(txn))}

	fill(t, primary, plain, 500_000, 70, 20)
	fill(t, secondary, m.there(plain), 600_000, 900, 0) // without keys: one of the partitions gets all of it
	fillTransactions(t, secondary, m.there(txn), 20, 10, true)
	abroad := m.commitAbroad(t, secondary, prefix+"away-", []int64{0, 1, 10, 500, 1_000, 1 << 40}, topics...)
	for _, topic := range topics { // where the one ends and the other begins
		for _, by := range []int64{-1, 0, 1} {
			at, now := map[int32]int64{}, ends(t, secondary, m.there(topic))
			for n, end := range switched[topic] {
				at[n] = min(end+by, now[n]) // a partition that nothing was produced to ends there
			}
			l := laggard{fmt.Sprintf("%saway-%s-at%+d", prefix, topic, by), topic, 0}
			commit(t, secondary, l.group, m.there(topic), at)
			abroad = append(abroad, l)
		}
	}
	member := joinGroup(t, secondary, abroad[0].group, m.there(plain))

	r.exportsLost(primary, &order, 70)
	r.waitsFor(time.Minute, order, abroad[0].group+" still runs on the secondary")
	if m.burns {
		r = again(t, r, s)
	}
	member.leave()
	r.waitsFor(2*time.Minute, order, "--mirror-moved")
	home := r.begin(api.FailoverWhere, order)
	for _, p := range home.State.Past {
		t.Logf("%s  %-9s %s", p.At.Format("15:04:05.000"), p.Step, p.Said)
	}
	if len(home.State.Accepted) != 0 {
		t.Errorf("a person had to accept: %q", home.State.Accepted)
	}

	for _, topic := range topics {
		back := homeward(t, primary, secondary, topic, m.there(topic))
		for _, l := range abroad {
			if l.topic != topic {
				continue
			}
			there, here := committed(t, secondary, l.group, m.there(topic)), committed(t, primary, l.group, topic)
			for n, v := range there {
				if want := back.T(n, v); here[n] != want {
					t.Errorf("%s, %s/%d: at %d over there, and at %d here: want %d (switched at %d)", l.group, topic, n, v, here[n], want, switched[topic][n])
				}
			}
		}
	}

	// Life at home begins before MirrorMaker 2 is moved: what it writes now is past where it goes on.
	fill(t, primary, plain, 700_000, 100, 0)
	moveMirrorMaker(t, secondary, home.State.Home.Resume)
	order.Choice = failover.Moved
	if home = r.failTo(time.Minute, order); home.State.Step != failover.AtHome {
		t.Fatalf("%+v", home.State)
	}
	before := ends(t, secondary, m.there(plain))
	mm2.Restart(t)
	fill(t, primary, plain, 800_000, 100, 0)
	if !eventually(time.Minute, func() bool { return total(ends(t, secondary, m.there(plain))) >= total(before)+200 }) {
		t.Fatalf("%v became %v: %q", before, ends(t, secondary, m.there(plain)), r.snapshot().Problems)
	}
	later := commitLagging(t, primary, prefix+"away-", []int64{0, 10, 150, 500}, topics...)
	r.waitSettled(time.Minute, groupsOf(later)...)
	unchanged(t, 3*time.Second, func() string {
		return fmt.Sprint(total(ends(t, secondary, m.there(plain))), ends(t, secondary, m.there(txn)))
	},
		fmt.Sprint(total(before)+200, ends(t, secondary, m.there(txn))))
	r.waitSettled(30*time.Second, append(groupsOf(later), groupsOf(idle)...)...)
	for _, topic := range topics {
		forth := b.compareCopy(copied{topic, m.there(topic), judge.Options{}})
		exported := map[string]int64{plain: 70}[topic]
		if sum := forth.Total(); sum.Duplicates != 0 || sum.Foreign != 0 || sum.Missing+sum.Waiting != exported {
			t.Errorf("%s: the secondary lacks %d records, want the %d exported ones: %+v", topic, sum.Missing+sum.Waiting, exported, sum)
		}
		for _, l := range append(later, idle...) {
			here, there := committed(t, primary, l.group, topic), committed(t, secondary, l.group, m.there(topic))
			for n, u := range here {
				if want := forth.T(n, u); l.topic == topic && there[n] != want {
					t.Errorf("%s, %s/%d: at %d at home, and at %d over there: want %d", l.group, topic, n, u, there[n], want)
				}
			}
		}
	}
	if said := r.snapshot().Problems; len(said) > 0 {
		t.Errorf("%q", said)
	}
}

// again is leftoff on another machine, with an empty disk.
func again(t *testing.T, r *running, s spec) *running {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(s.Index)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(s.Index), 0o755); err != nil {
		t.Fatal(err)
	}
	return start(t, s)
}

// The same after the primary died under load with MirrorMaker 2 in the middle of its work: nothing that any side accepted is neither on the
// primary nor in the export. And as long as MirrorMaker 2 copies into the switched topics, nobody comes home.
func TestUnplannedFailbackOverMirrorMaker2(t *testing.T) {
	rig.RequireSoak(t)
	t.Parallel()
	random := newRandom(t)
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "dies") + "."
	plain := prefix + "plain"
	primary.CreateTopic(t, plain, 2, nil)
	fill(t, primary, plain, 0, 3_000, 0)
	b := watch(t, primary, secondary, prefix)
	mm2 := startMirrorMaker(t, primary, secondary, prefix, nil)
	defer mm2.Stop()
	b.waitMirrored(2*time.Minute, copyOf(plain, judge.Options{}))
	away := commitLagging(t, primary, prefix+"away-", []int64{0, 20, 400, 1 << 40}, plain)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "match", prefix))
	r.waitSettled(time.Minute, groupsOf(away)...)
	stop := produceSteadily(t, primary, plain)
	pause(time.Duration(1_000+random.IntN(2_000)) * time.Millisecond)
	primary.KillAll(t)
	order := failover.Order{Who: "tester", Unplanned: true, Accept: true}
	if done := r.failTo(time.Minute, order); done.State.Step != failover.Done {
		t.Fatalf("%+v", done.State)
	}
	order = failover.Order{Who: "tester"}
	switched := ends(t, secondary, plain)
	fill(t, secondary, plain, 60_000_000, 700, 50)
	commitLagging(t, secondary, prefix+"away-", []int64{0, 20, 400, 1 << 40}, plain)

	// It comes back with its producer, and MirrorMaker 2 pours what it has over there.
	primary.Restart(t, 1)
	primary.WaitReady(t)
	stop()
	fill(t, primary, plain, 70_000_000, 50, 50)
	r.begin(api.FailoverReturn, order)
	r.waitsFor(time.Minute, order, "top the mirror")
	order.Accept = true
	mm2.Stop()

	p := r.begin(api.FailoverAdvance, order)
	if !eventually(time.Minute, func() bool {
		var err error
		p, err = r.fail(api.FailoverAdvance, order)
		return err == nil && (p.Needs || p.State.Step != failover.Diverge)
	}) {
		t.Fatalf("%+v", p)
	}
	var file bytes.Buffer
	from := kafka.Open(kafka.Config{Name: "primary", Brokers: primary.Bootstrap()}, nil)
	defer from.Close()
	spans, err := failover.ExportDivergence(context.Background(), from, p.Diverged, &file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("switched at %v; exported %+v", switched, spans)
	exported := int64(strings.Count(file.String(), "\n"))
	missing := b.compare(plain, judge.Options{}).Total()
	if missing.Missing+missing.Waiting > exported {
		t.Errorf("the secondary never got %d records, and %d are exported", missing.Missing+missing.Waiting, exported)
	}
	was := map[string]int{} // values on the secondary, which holds what it accepted and what was copied
	everyRecord(t, secondary, plain, func(r *kgo.Record) { was[string(r.Value)]++ })

	order.Choice, order.Diverged = failover.Export, p.Diverged
	r.waitsFor(2*time.Minute, order, "--mirror-moved")
	is := map[string]int{}
	everyRecord(t, primary, plain, func(r *kgo.Record) { is[string(r.Value)]++ })
	for value := range was {
		if is[value] == 0 {
			t.Errorf("did not come home: %s", value)
		}
	}
	home := r.begin(api.FailoverWhere, order)
	moveMirrorMaker(t, secondary, home.State.Home.Resume)
	order.Choice = failover.Moved
	if home = r.failTo(time.Minute, order); home.State.Step != failover.AtHome {
		t.Fatalf("%+v", home.State)
	}
	for _, p := range home.State.Past {
		t.Logf("%s  %-9s %s", p.At.Format("15:04:05.000"), p.Step, p.Said)
	}
	before := total(ends(t, secondary, plain))
	mm2.Restart(t)
	fill(t, primary, plain, 80_000_000, 100, 50)
	want := fmt.Sprint(before + 100)
	if !eventually(time.Minute, func() bool { return total(ends(t, secondary, plain)) >= before+100 }) {
		t.Fatalf("the mirror copies nothing: %d", total(ends(t, secondary, plain)))
	}
	unchanged(t, 3*time.Second, func() string { return fmt.Sprint(total(ends(t, secondary, plain))) }, want)
}

// homeward compares what stands on the secondary with the primary: every record is there, once.
func homeward(t *testing.T, primary, secondary *rig.Cluster, topic, there string) *judge.Copies {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	back, err := judge.Compare(ctx, judge.At(secondary.Direct()...), judge.At(primary.Direct()...), there, topic,
		judge.Options{Unpaired: judge.UnpairedIsGone}) // what was exported stays on the primary
	if err != nil {
		t.Fatal(err)
	}
	sum := back.Total()
	t.Logf("%s: %+v", topic, sum)
	if sum.Missing != 0 || sum.Waiting != 0 || sum.Duplicates != 0 {
		t.Errorf("%s: not all came home, or came twice: %+v", topic, sum)
	}
	return back
}

// mm2Offsets is where a dedicated MirrorMaker 2 keeps how far it has read the primary: on the cluster it copies to.
const mm2Offsets = "mm2-offsets.primary.internal"

// moveMirrorMaker does what docs/failover.md tells people to do, to one that is stopped.
func moveMirrorMaker(t *testing.T, secondary *rig.Cluster, to []failover.Resume) {
	t.Helper()
	known := map[string]*kgo.Record{} // by key, the newest
	everyRecord(t, secondary, mm2Offsets, func(r *kgo.Record) { known[string(r.Key)] = r })
	client := secondary.Client(t) // which spreads keys as Java's producer does
	for _, m := range to {
		key, _ := json.Marshal([]any{"MirrorSourceConnector", map[string]any{"cluster": "primary", "partition": m.Partition, "topic": m.Topic}})
		value, _ := json.Marshal(map[string]any{"offset": m.Offset - 1})
		was, ok := known[string(key)]
		if !ok {
			t.Fatalf("MirrorMaker 2 keeps nothing under %s", key)
		}
		t.Logf("%s: %s becomes %s", key, was.Value, value)
		r := &kgo.Record{Topic: mm2Offsets, Key: key, Value: value}
		if err := client.ProduceSync(context.Background(), r).FirstErr(); err != nil || r.Partition != was.Partition {
			t.Fatalf("to partition %d, and MirrorMaker 2's is in %d: %v", r.Partition, was.Partition, err)
		}
	}
}

// everyRecord reads all partitions of a topic to where they end now.
func everyRecord(t *testing.T, c *rig.Cluster, topic string, yield func(*kgo.Record)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	left, from := map[int32]int64{}, map[int32]kgo.Offset{}
	for n, end := range ends(t, c, topic) {
		if end > starts(t, c, topic)[n] {
			left[n], from[n] = end, kgo.NewOffset().AtStart()
		}
	}
	client := c.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}), kgo.KeepControlRecords())
	defer client.Close()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				yield(r)
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
}
