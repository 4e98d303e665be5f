package acceptance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// fail asks a daemon for something of a failover.
func (r *running) fail(verb api.FailoverVerb, o failover.Order) (api.FailoverAnswer, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return r.d.Failover(ctx, api.FailoverOrder{Link: "link", Verb: verb, Order: o})
}

// failTo takes a failover forward until it stands at a step, or is over.
func (r *running) failTo(within time.Duration, o failover.Order, until ...failover.Step) api.FailoverAnswer {
	r.t.Helper()
	a, err := r.fail(api.FailoverBegin, o)
	there := func() bool {
		if err == nil && (slices.Contains(until, a.State.Step) || a.State.Over()) {
			return true
		}
		verb := api.FailoverAdvance
		if a.State == nil {
			verb = api.FailoverBegin // the daemon is only just starting
		}
		next, failed := r.fail(verb, o)
		if err = failed; err == nil {
			a = next
		}
		return err == nil && (slices.Contains(until, a.State.Step) || a.State.Over())
	}
	if !eventually(within, there) {
		r.t.Fatalf("at %+v, waits for %q: %v", a.State, a.Waits, err)
	}
	return a
}

func (r *running) waitsFor(within time.Duration, o failover.Order, what string) {
	r.t.Helper()
	var a api.FailoverAnswer
	var err error
	if !eventually(within, func() bool {
		a, err = r.fail(api.FailoverAdvance, o)
		return err == nil && strings.Contains(strings.Join(a.Waits, "; "), what)
	}) {
		r.t.Fatalf("does not wait for %q: %+v %q %v", what, a.State, a.Waits, err)
	}
}

// Issue 6, scenarios 1 and 4: a planned failover under load with the built-in mirror. It names who still runs, waits for the mirror,
// and ends with every group at exactly the next record. A primary that goes on afterwards pours nothing into the switched
// topics, and no group is written any more, also by a leftoff that lost its disk.
func TestPlannedFailover(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "planned") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 3, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 20_000, 0)
	fillTransactions(t, primary, txn, 50, 20, true)
	b := watch(t, primary, secondary, prefix)
	laggards := commitLagging(t, primary, prefix, []int64{0, 1, 2, 5, 10, 50, 100, 500, 1_000, 1 << 40}, plain, txn)
	groups := groupsOf(laggards)
	member := joinGroup(t, primary, prefix+"member", plain)

	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	r := start(t, s)
	stop := produceSteadily(t, primary, plain)
	r.waitSettled(time.Minute, groups...)
	order := failover.Order{Who: "tester", Why: "scenario 1"}
	tried, err := r.fail(api.FailoverTry, order)
	if err != nil || len(tried.Trial) != len(failover.Steps(false))-1 {
		t.Fatalf("%+v %v", tried, err)
	}
	if a := r.failTo(30*time.Second, order, failover.Stop); a.State.Step != failover.Stop {
		t.Fatalf("at %s", a.State.Step)
	}
	r.waitsFor(10*time.Second, order, prefix+"member still runs on the primary")
	if _, err := r.fail(api.FailoverBegin, failover.Order{Who: "another", Unplanned: true}); err == nil || !strings.Contains(err.Error(), "tester") {
		t.Errorf("a second operator is told nothing: %v", err)
	}
	member.leave()
	stop()
	done := r.failTo(time.Minute, order)
	if done.State.Step != failover.Done || len(done.State.Groups) != len(groups)+1 || len(done.State.Topics) != 2 {
		t.Fatalf("%+v", done.State)
	}
	for _, p := range done.State.Past {
		t.Logf("%s  %-9s %s", p.At.Format("15:04:05.000"), p.Step, p.Said)
	}
	copies := []*judge.Copies{b.compare(plain, judge.Options{}), b.compare(txn, judge.Options{})}
	b.exact(copies...)
	b.lawful(judge.Rules{}, copies...)

	before := fmt.Sprint(ends(t, secondary, plain), ends(t, secondary, txn))
	held := committed(t, secondary, groups[0], plain)
	goesOn := func() {
		t.Helper()
		fill(t, primary, plain, 900_000, 500, 0)
		commit(t, primary, groups[0], plain, ends(t, primary, plain))
	}
	goesOn()
	unchanged(t, 3*time.Second, func() string {
		return fmt.Sprint(ends(t, secondary, plain), ends(t, secondary, txn), committed(t, secondary, groups[0], plain))
	}, before+" "+fmt.Sprint(held))

	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(s.Index)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(s.Index), 0o755); err != nil {
		t.Fatal(err)
	}
	r = start(t, s)
	goesOn()
	if !eventually(30*time.Second, func() bool { g, ok := r.group(groups[0]); return ok && g.Verdict == "handed_over" }) {
		t.Fatal("with an empty disk it is not known that the group was handed over")
	}
	unchanged(t, 3*time.Second, func() string {
		return fmt.Sprint(ends(t, secondary, plain), ends(t, secondary, txn), committed(t, secondary, groups[0], plain))
	}, before+" "+fmt.Sprint(held))
}

// A failover is turned round while nothing has started on the secondary, and everything follows the primary again: one of a group, of a
// topic, and of all. Then a group that was handed over has run on the secondary: nobody but a person gives it back.
func TestFailoverRollback(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "back") + "."
	topic, group, other := prefix+"payments", prefix+"group", prefix+"other"
	orders, clerk := prefix+"orders", prefix+"clerk"
	all := []string{group, other, clerk}
	end := 0
	grows := func(by int) { // both topics do, and each group has read all of its own but three records
		t.Helper()
		for _, name := range []string{topic, orders} {
			if end == 0 {
				primary.CreateTopic(t, name, 1, nil)
			}
			fill(t, primary, name, end, by, 0)
		}
		end += by
		at := map[int32]int64{0: int64(end - 3)}
		commit(t, primary, group, topic, at)
		commit(t, primary, clerk, orders, at)
		commit(t, primary, other, topic, at)
	}
	grows(1_000)
	b := watch(t, primary, secondary, prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	r := start(t, s)
	r.waitSettled(time.Minute, all...)

	// One group: its topic stays with the mirror, and the others of it are followed.
	order := failover.Order{Who: "tester", Scope: failover.Scope{Groups: []string{group}}}
	there := func() string { return fmt.Sprint(committed(t, secondary, group, topic)) }
	was, done := there(), r.failTo(time.Minute, order).State
	if len(done.Groups) != 1 || done.Groups[0].Group != group || len(done.Topics) != 0 {
		t.Errorf("%+v", done)
	}
	grows(100)
	r.waitSettled(30*time.Second, other, clerk)
	unchanged(t, time.Second/2, there, was)
	r.turnRound(order)
	r.waitSettled(time.Minute, all...)

	// One topic: it is fenced, and its group handed over. The other topic flows.
	order.Scope = failover.Scope{Topics: []string{orders}}
	there = func() string { return fmt.Sprint(ends(t, secondary, orders), committed(t, secondary, clerk, orders)) }
	was, done = there(), r.failTo(time.Minute, order).State
	if len(done.Groups) != 1 || done.Groups[0].Group != clerk || len(done.Topics) != 1 || done.Topics[0].Topic != orders || !done.Topics[0].Fenced {
		t.Errorf("%+v", done)
	}
	grows(100)
	r.waitSettled(30*time.Second, group, other)
	unchanged(t, time.Second/2, there, was)
	r.turnRound(order)
	r.waitSettled(time.Minute, all...)

	// All of it.
	order.Scope = failover.Scope{}
	r.failTo(time.Minute, order)
	grows(500)
	r.turnRound(order)
	r.waitSettled(time.Minute, all...)
	copies := []*judge.Copies{b.compare(topic, judge.Options{}), b.compare(orders, judge.Options{})}
	b.exact(copies...)
	b.lawful(judge.Rules{}, copies...)

	r.failTo(time.Minute, order)
	member := joinGroup(t, secondary, group, topic)
	if !eventually(30*time.Second, func() bool { g, ok := r.group(group); return ok && g.Live }) {
		t.Fatal("the group is not seen on the secondary")
	}
	refused := func(why string) {
		t.Helper()
		if _, err := r.fail(api.FailoverRollback, order); err == nil || !strings.Contains(err.Error(), "failback") {
			t.Errorf("rolled back %s: %v", why, err)
		}
	}
	refused("under a running consumer")
	own := fmt.Sprint(map[int32]int64{0: int64(end)})
	there = func() string { return fmt.Sprint(committed(t, secondary, group, topic)) }
	if !eventually(30*time.Second, func() bool { return there() == own }) {
		t.Fatalf("the consumer stands at %s, want %s", there(), own)
	}
	member.leave()
	for _, restart := range []func(*testing.T, *running, spec) *running{nil, restarted, again} { // as it is, with its disk, and without
		if restart != nil {
			r = restart(t, r, s)
		}
		grows(10)
		arrived(t, r, group, map[int32]int64{0: int64(end - 3)})
		untouched(t, r, b, group, replicator.HandedOver)
		refused("after a consumer ran")
		if now := there(); now != own {
			t.Errorf("the consumer's own commit %s became %s", own, now)
		}
	}
}

// turnRound rolls a failover back.
func (r *running) turnRound(o failover.Order) {
	r.t.Helper()
	a, err := r.fail(api.FailoverRollback, o)
	if !eventually(time.Minute, func() bool {
		if err != nil || !a.State.Over() {
			a, err = r.fail(api.FailoverAdvance, o)
		}
		return err == nil && a.State.Over()
	}) {
		r.t.Fatalf("%+v %v", a, err)
	}
	if a.State.Step != failover.RolledBack {
		r.t.Fatalf("%+v", a.State)
	}
}

// Issue 6, scenario 2: the primary is killed under load. Nothing is skipped, what is read again was committed in the last moments,
// and the figures are lower bounds. The primary that comes back pours nothing into the switched topics.
func TestUnplannedFailover(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	rounds := 1
	if rig.Soaking() {
		rounds = 10
	}
	for n := range rounds {
		unplanned(t, []string{unread, anyhow, unsent}[n%3])
	}
}

// How a mirror stands as the primary dies.
const (
	anyhow = "stands as it comes"
	unread = "has much to read"
	unsent = "has read what the secondary did not take yet"
)

// unplanned fails over from a primary that dies.
func unplanned(t *testing.T, mirror string) {
	random := newRandom(t)
	primary, secondary := rig.StartTwo(t, rig.Options{Name: "primary", Proxied: true}, rig.Options{Name: "secondary", Proxied: mirror == unsent})
	prefix := rig.Name(t, "unplanned") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 3, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 5_000, 0)
	fillTransactions(t, primary, txn, 20, 20, false)
	b := watch(t, primary, secondary, prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	r := start(t, s)
	traffic := newTraffic(t, primary, prefix, plain, txn, random.Uint64())
	if !eventually(time.Minute, func() bool { return r.wroteEach(traffic.groups) }) {
		t.Fatal("not all groups have arrived on the secondary")
	}
	alive := time.Duration(2_000+random.IntN(3_000)) * time.Millisecond
	let := func() {}
	switch mirror {
	case unread:
		let = hold(t, primary, rig.FetchKey, prefix)
	case unsent:
		let = hold(t, secondary, rig.ProduceKey, prefix)
	}
	defer func() { let() }()
	pause(alive)
	primary.KillAll(t)
	killed := time.Now()
	traffic.cancel() // its records wait for the primary

	order := failover.Order{Unplanned: true, Who: "tester", Accept: true}
	if mirror == unsent {
		r.failTo(time.Minute, order, failover.Freeze)
		r.waitsFor(30*time.Second, order, "on their way to the secondary")
		let()
	}
	done := r.failTo(time.Minute, order)
	if done.State.Step != failover.Done {
		t.Fatalf("%+v", done.State)
	}
	for _, p := range done.State.Past {
		t.Logf("%s  %-9s %s", p.At.Format("15:04:05.000"), p.Step, p.Said)
	}
	seen, known := done.State.Seen, r.known(prefix)
	if seen.LastCommit.IsZero() || killed.Sub(seen.LastCommit) > 3*time.Second || seen.NeverMirrored < 0 || mirror == unread && (seen.NeverMirrored == 0 || seen.Uncounted != 1) {
		t.Errorf("what was known: %+v, killed at %v", seen, killed)
	}
	there := fmt.Sprint(ends(t, secondary, plain), ends(t, secondary, txn))

	primary.Restart(t, 1)
	primary.WaitReady(t)
	traffic.stop()
	fill(t, primary, plain, 900_000, 500, 0)
	unchanged(t, 5*time.Second, func() string { return fmt.Sprint(ends(t, secondary, plain), ends(t, secondary, txn)) }, there)

	copies := []*judge.Copies{b.compare(plain, judge.Options{}), b.compare(txn, judge.Options{})}
	b.lawful(judge.Rules{Holds: r.heldSince(b, killed.Add(-3*time.Second))}, copies...)
	b.confirms(done.State, killed, copies...)
	bounded, worst := b.confirmsRereads(done.State.Groups, known, copies...)
	looked := b.resumesWithin(killed, late(), copies...)
	if looked == 0 || bounded == 0 || worst > 0 {
		t.Errorf("%d positions had been committed before the primary died, %d groups have a bound, and one reads %d again that were mirrored", looked, bounded, worst)
	}
	t.Logf("the mirror %s: at least %d never mirrored; %d positions know what was committed %v before; the bounds of %d groups hold, one reads %d again",
		mirror, seen.NeverMirrored, looked, late(), bounded, worst)
}

// wroteEach says that leftoff has written something for each of the groups.
func (r *running) wroteEach(groups []string) bool {
	return !slices.ContainsFunc(groups, func(group string) bool {
		g, _ := r.group(group)
		return !slices.ContainsFunc(g.Entries, func(e replicator.Entry) bool { return e.HasWritten })
	})
}

// heldSince are the keys that leftoff holds, by its own word, of those whose first commit on the primary came later: as it died, or after it
// was back and the groups had been handed over.
func (r *running) heldSince(b *bench, at time.Time) map[judge.Key]string {
	r.t.Helper()
	old := map[judge.Key]bool{}
	for _, w := range b.history.Primary.Writes() {
		if w.Value != nil && w.At.Before(at) {
			old[w.Key] = true
		}
	}
	held := map[judge.Key]string{}
	for _, g := range r.snapshot().Groups {
		for _, e := range g.Entries {
			if k := (judge.Key{Group: g.Group, Topic: e.Commit.Topic, Partition: e.Commit.Partition}); e.Reason != replicator.NoReason && !old[k] {
				held[judge.Key{Group: g.Group, Topic: e.Topic, Partition: e.Commit.Partition}] = e.Reason.String()
			}
		}
	}
	return held
}

// unchanged asserts that something stays as it is.
func unchanged(t *testing.T, d time.Duration, ask func() string, want string) {
	t.Helper()
	changed := ""
	if eventually(d, func() bool { changed = ask(); return changed != want }) {
		t.Fatalf("%s became %s", want, changed)
	}
}

// produceSteadily writes 500 records a second until it is stopped.
func produceSteadily(t *testing.T, c *rig.Cluster, topic string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&traffic{}).produceEvery(ctx, t, c, topic, 5)
	}()
	return func() { cancel(); <-ended }
}

// member is a consumer of a second client library, in a group.
type member struct {
	client *kgo.Client
	stop   context.CancelFunc
	ended  chan struct{}
}

func joinGroup(t *testing.T, c *rig.Cluster, group, topic string) *member {
	t.Helper()
	first, joined := make(chan struct{}), sync.Once{}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitInterval(200*time.Millisecond),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { joined.Do(func() { close(first) }) }))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{client, cancel, make(chan struct{})}
	go func() {
		defer close(m.ended)
		for ctx.Err() == nil {
			client.PollFetches(ctx)
		}
	}()
	t.Cleanup(m.leave)
	select {
	case <-first:
	case <-time.After(30 * time.Second):
		t.Fatalf("group %s has no partition", group)
	}
	return m
}

// leave commits what was read, and leaves the group.
func (m *member) leave() {
	m.stop()
	<-m.ended
	m.client.CloseAllowingRebalance()
}

// failsOverWithMirrorMaker2: a planned failover over somebody else's mirror. It can't be fenced: that is said, and where it goes on
// copying into a switched topic, too.
func failsOverWithMirrorMaker2(t *testing.T, primary, secondary *rig.Cluster) {
	prefix := rig.Name(t, "over") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 2, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 5_000, 0)
	fillTransactions(t, primary, txn, 40, 20, true)
	topics := []copied{copyOf(plain, judge.Options{}), copyOf(txn, judge.Options{PrimaryUncommitted: true})}
	b := watch(t, primary, secondary, prefix)
	mirror := startMirrorMaker(t, primary, secondary, prefix, nil)
	defer mirror.Stop()
	b.waitMirrored(time.Minute, topics...)
	laggards := commitLagging(t, primary, prefix, []int64{0, 1, 10, 100, 1_000, 1 << 40}, plain, txn)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mm2", prefix))
	stop := produceSteadily(t, primary, plain)
	order := failover.Order{Who: "tester"}
	r.failTo(time.Minute, order, failover.Stop, failover.Drain)
	stop()
	done := r.failTo(time.Minute, order)
	if done.State.Step != failover.Done || len(done.State.Groups) != len(laggards) || done.State.Topics[0].Fenced {
		t.Fatalf("%+v", done.State)
	}
	for _, p := range done.State.Past {
		t.Logf("%s  %-9s %s", p.At.Format("15:04:05.000"), p.Step, p.Said)
	}
	copies := b.compareAll(topics)
	b.exact(copies...)
	b.lawful(judge.Rules{}, copies...)
	if said := r.snapshot().Problems; len(said) > 0 {
		t.Errorf("%q", said)
	}
	fill(t, primary, plain, 100_000, 500, 0)
	alarmed := func() bool {
		return slices.ContainsFunc(r.snapshot().Problems, func(p string) bool { return strings.Contains(p, "Try: stop that mirror") })
	}
	if !eventually(30*time.Second, alarmed) {
		t.Errorf("a mirror copies into switched topics, and nothing is said: %q", r.snapshot().Problems)
	}
}
