package acceptance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// resetWithin is the deadline of a reset; how long it took is in the test's log.
const resetWithin = 10 * time.Second

// usual asserts that something took no longer than usual. Where tests share the machine with others that says nothing.
func usual(t *testing.T, what string, took time.Duration) {
	t.Helper()
	if rig.Soaking() && took > 500*time.Millisecond {
		t.Errorf("%s was there after %v", what, took)
	}
}

// Issue 6, scenario 6: an operator resets groups on the primary with Kafka's own tool, in every way that it has, and the
// secondary follows to exactly the position that T says.
func TestResetsOnThePrimaryAreFollowed(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "reset") + "."
	topic := prefix + "payments"
	hour := fillHour(t, primary, topic)
	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))

	resets := []struct {
		name string
		to   []string
		back bool // else forward
	}{
		{"to-earliest", []string{"--to-earliest"}, true},
		{"to-latest", []string{"--to-latest"}, false},
		{"to-offset", []string{"--to-offset", "137"}, true},
		{"to-offset-into-an-aborted-transaction", []string{"--to-offset", fmt.Sprint(aborted + 7)}, false},
		{"by-duration", []string{"--by-duration", "PT10M"}, false},
		{"to-datetime", []string{"--to-datetime", hour.Add(15 * time.Minute).UTC().Format("2006-01-02T15:04:05.000")}, true},
		{"shift-by-50", []string{"--shift-by", "50"}, false},
		{"shift-by--50", []string{"--shift-by", "-50"}, true},
	}
	var groups []string
	for _, c := range resets {
		groups = append(groups, prefix+c.name)
		commit(t, primary, groups[len(groups)-1], topic, middle)
	}
	r.waitSettled(60*time.Second, groups...)
	copies := b.compare(topic, judge.Options{})
	t.Logf("%-40s %18s %18s %s", "reset", "primary", "secondary", "seen there after")
	for i, c := range resets {
		was := committed(t, secondary, groups[i], topic)
		reset(t, primary, groups[i], topic, c.to...)
		now := committed(t, primary, groups[i], topic)
		for p, u := range now {
			if c.back && u >= middle[p] || !c.back && u <= middle[p] || copies.T(p, u) == was[p] {
				t.Fatalf("%s: the tool moved partition %d from %d to %d: that shows nothing", c.name, p, middle[p], u)
			}
		}
		b.follows(groups[i], topic, copies, now)
		after := committed(t, secondary, groups[i], topic)
		took := b.delay(groups[i], topic, now, after)
		t.Logf("%-40s %18s %18s %v", c.name, inOrder(now), inOrder(after), took.Round(10*time.Microsecond))
		usual(t, c.name, took)
	}
	b.exact(copies)
	b.lawful(judge.Rules{}, copies)
}

// A group that a consumer took over on the secondary stays where that consumer left it, whatever is reset on the primary.
func TestResetOfATakenOverGroup(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "taken") + "."
	topic, group := prefix+"payments", prefix+"group"
	fillHour(t, primary, topic)
	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	commit(t, primary, group, topic, middle)
	r.waitSettled(60*time.Second, group)

	here := rig.StartJavaConsumer(t, secondary, rig.ConsumerOptions{Group: group, Topics: []string{topic}, Limit: 90})
	here.WaitRecords(t, 90)
	here.Commit(t)
	here.Close(t)
	own := committed(t, secondary, group, topic)
	for _, to := range [][]string{{"--to-earliest"}, {"--to-latest"}, {"--shift-by", "-50"}} {
		reset(t, primary, group, topic, to...)
		arrived(t, r, group, committed(t, primary, group, topic))
		untouched(t, r, b, group, replicator.TakenOver)
		if now := committed(t, secondary, group, topic); !maps.Equal(now, own) {
			t.Fatalf("after %v: the consumer's own commits %v became %v", to, own, now)
		}
	}
	b.lawful(judge.Rules{}, b.compare(topic, judge.Options{}))
}

// With policy rewind: never a reset back is held, and said; one forward is followed as ever.
func TestResetBackWithRewindNever(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "never") + "."
	topic, group := prefix+"payments", prefix+"group"
	fillHour(t, primary, topic)
	b := watch(t, primary, secondary, prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	r := startWith(t, s, func(l *daemon.Link) { l.Policy.Rewind = "never" })
	commit(t, primary, group, topic, middle)
	r.waitSettled(60*time.Second, group)
	copies := b.compare(topic, judge.Options{})

	reset(t, primary, group, topic, "--shift-by", "50")
	forward := committed(t, primary, group, topic)
	b.follows(group, topic, copies, forward)
	was := committed(t, secondary, group, topic)

	reset(t, primary, group, topic, "--to-earliest")
	arrived(t, r, group, committed(t, primary, group, topic))
	g, _ := r.group(group)
	for _, e := range g.Entries {
		if e.Reason != replicator.RewindNever || e.Write {
			t.Errorf("%s/%d: reason %q, to be written %v", e.Commit.Topic, e.Commit.Partition, e.Reason, e.Write)
		}
	}
	if now := committed(t, secondary, group, topic); !maps.Equal(now, was) {
		t.Errorf("%v went back to %v", was, now)
	}

	reset(t, primary, group, topic, "--to-offset", fmt.Sprint(forward[0]+50)) // past what stands there: followed again
	b.follows(group, topic, copies, committed(t, primary, group, topic))
	b.lawful(judge.Rules{RewindNever: true}, copies)
}

// With policy tombstones: keep the offsets of a group, or of a topic of it, that are deleted on the primary stay on the secondary,
// and are said to. When the group commits again it is followed again.
func TestDeletedOnThePrimaryStays(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "deleted") + "."
	topic, group, part := prefix+"payments", prefix+"group", prefix+"part"
	fillHour(t, primary, topic)
	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	for _, g := range []string{group, part} {
		commit(t, primary, g, topic, middle)
	}
	r.waitSettled(60*time.Second, group, part)
	was := committed(t, secondary, group, topic)

	primary.ConsumerGroups(t, "--delete", "--group", group)
	primary.ConsumerGroups(t, "--delete-offsets", "--group", part, "--topic", topic+":1")
	gone := func() bool {
		g, _ := r.group(part)
		return len(g.Entries) == len(middle)-1 && maps.Equal(deletions(r.snapshot()), map[string]int{group: len(middle), part: 1})
	}
	if !eventually(resetWithin, gone) {
		t.Fatalf("the deletions are not shown: %+v", r.snapshot().Deleted)
	}
	if left := committed(t, primary, group, topic); len(left) > 0 {
		t.Fatalf("the tool left %v: that shows nothing", left)
	}
	b.caughtUp()
	for _, g := range []string{group, part} {
		if now := committed(t, secondary, g, topic); !maps.Equal(now, was) {
			t.Errorf("%s: %v became %v", g, was, now)
		}
	}

	commit(t, primary, group, topic, map[int32]int64{0: 300, 1: 300, 2: 300})
	copies := b.compare(topic, judge.Options{})
	b.follows(group, topic, copies, map[int32]int64{0: 300, 1: 300, 2: 300})
	if shown := deletions(r.snapshot()); shown[group] > 0 {
		t.Errorf("still shown as deleted: %v", shown)
	}
	b.lawful(judge.Rules{}, copies)
}

// With policy tombstones: delete what is deleted on the primary is deleted on the secondary, within the usual latency, where leftoff wrote it
// and nobody took the group over; the rest stays.
func TestDeletedOnThePrimaryIsDeleted(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "delete") + "."
	topic, group, part, taken, late := prefix+"payments", prefix+"group", prefix+"part", prefix+"taken", prefix+"late"
	fillHour(t, primary, topic)
	b := watch(t, primary, secondary, prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	deletes := func(l *daemon.Link) { l.Policy.Tombstones = "delete" }
	r := startWith(t, s, deletes)
	all := []string{group, part, taken, late}
	for _, g := range all {
		commit(t, primary, g, topic, middle)
	}
	r.waitSettled(60*time.Second, all...)
	here := rig.StartJavaConsumer(t, secondary, rig.ConsumerOptions{Group: taken, Topics: []string{topic}, Limit: 30})
	here.WaitRecords(t, 30)
	here.Commit(t)
	here.Close(t)
	own, was := committed(t, secondary, taken, topic), committed(t, secondary, part, topic)

	primary.ConsumerGroups(t, "--delete", "--group", group, "--group", taken)
	primary.ConsumerGroups(t, "--delete-offsets", "--group", part, "--topic", topic+":1")
	delete(was, 1)
	gone := func() bool {
		return len(committed(t, secondary, group, topic)) == 0 && maps.Equal(committed(t, secondary, part, topic), was)
	}
	if !eventually(resetWithin, gone) {
		t.Fatalf("still there: %v, %v", committed(t, secondary, group, topic), committed(t, secondary, part, topic))
	}
	b.caughtUp()
	key := judge.Key{Group: group, Topic: topic, Partition: 2}
	took := tombstoned(b.history.Secondary, key).Sub(tombstoned(b.history.Primary, key))
	t.Logf("deleted there after %v", took.Round(10*time.Microsecond))
	usual(t, "a deletion", took)
	if now := committed(t, secondary, taken, topic); !maps.Equal(now, own) {
		t.Errorf("the consumer's own commits %v became %v", own, now)
	}

	commit(t, primary, group, topic, map[int32]int64{0: 300, 1: 300, 2: 300}) // it comes back
	copies := b.compare(topic, judge.Options{})
	b.follows(group, topic, copies, map[int32]int64{0: 300, 1: 300, 2: 300})

	r.stop() // what is deleted meanwhile is deleted afterwards
	primary.ConsumerGroups(t, "--delete", "--group", late)
	if left := committed(t, secondary, late, topic); len(left) != len(middle) {
		t.Fatalf("%v without leftoff", left)
	}
	startWith(t, s, deletes)
	if !eventually(30*time.Second, func() bool { return len(committed(t, secondary, late, topic)) == 0 }) {
		t.Fatalf("still there: %v", committed(t, secondary, late, topic))
	}
	if now := committed(t, secondary, taken, topic); !maps.Equal(now, own) {
		t.Errorf("after a restart: the consumer's own commits %v became %v", own, now)
	}
	b.lawful(judge.Rules{}, copies)
}

// tombstoned is when the judge saw the newest tombstone of a key.
func tombstoned(log *judge.Log, key judge.Key) (at time.Time) {
	for _, w := range log.Writes() {
		if w.Key == key && w.Value == nil {
			at = w.Seen
		}
	}
	return at
}

func deletions(s replicator.Snapshot) map[string]int {
	all := map[string]int{}
	for _, g := range s.Deleted {
		all[g.Group] = g.Offsets
	}
	return all
}

// middle is where groups stand before they are reset.
var middle = map[int32]int64{0: 400, 1: 400, 2: 400}

// fillHour makes a topic of three partitions with an hour of records, one in each partition every four seconds, and five transactions of
// right now, of which the fourth was aborted (from aborted on). The first records are gone, so that the copies stand elsewhere.
//
// The transactions come last: their markers are of right now, and Kafka takes a marker for an answer when it looks for a time.
func fillHour(t testing.TB, c *rig.Cluster, topic string) (began time.Time) {
	t.Helper()
	c.CreateTopic(t, topic, int32(len(middle)), nil)
	const every = 4 * time.Second
	began = time.Now().Add(-hourOf * every)
	manual := kgo.RecordPartitioner(kgo.ManualPartitioner())
	plain := c.Client(t, kgo.DefaultProduceTopic(topic), manual, kgo.ProducerLinger(5*time.Millisecond))
	produce := func(client *kgo.Client, n int, at time.Time) {
		for p := range int32(len(middle)) {
			record := paymentRecord(n*len(middle)+int(p), 0)
			record.Partition, record.Timestamp = p, at
			client.Produce(t.Context(), record, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("produce to %s: %v", topic, err)
				}
			})
		}
	}
	for n := range hourOf {
		produce(plain, n, began.Add(time.Duration(n)*every))
	}
	if err := plain.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	writer := c.Client(t, kgo.DefaultProduceTopic(topic), manual, kgo.TransactionalID("hour-"+topic))
	for tx := range 5 {
		if err := writer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			produce(writer, hourOf+tx*20+i, time.Now())
		}
		if err := writer.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := writer.EndTransaction(t.Context(), tx != 3); err != nil {
			t.Fatal(err)
		}
	}
	var gone kadm.Offsets
	for p := range int32(len(middle)) {
		gone.AddOffset(topic, p, int64(100+10*p), -1)
	}
	if _, err := c.Admin().DeleteRecords(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	return began
}

const (
	hourOf  = 900               // records of a partition
	aborted = hourOf + 3*(20+1) // where the aborted transaction begins
)

// reset is what an operator types.
func reset(t testing.TB, c *rig.Cluster, group, topic string, to ...string) {
	t.Helper()
	c.ConsumerGroups(t, append([]string{"--reset-offsets", "--execute", "--group", group, "--topic", topic}, to...)...)
}

// arrived waits until leftoff has read the primary's commits.
func arrived(t testing.TB, r *running, group string, at map[int32]int64) {
	t.Helper()
	read := map[int32]int64{}
	there := func() bool {
		g, _ := r.group(group)
		clear(read)
		for _, e := range g.Entries {
			read[e.Commit.Partition] = e.Commit.Offset
		}
		return maps.Equal(read, at)
	}
	if !eventually(resetWithin, there) {
		t.Fatalf("leftoff has read %v, the primary has %v", read, at)
	}
}

// follows waits until the secondary holds T of each offset.
func (b *bench) follows(group, topic string, copies *judge.Copies, at map[int32]int64) {
	b.t.Helper()
	want := map[int32]int64{}
	for p, u := range at {
		want[p] = copies.T(p, u)
	}
	var now map[int32]int64
	there := func() bool { now = committed(b.t, b.secondary, group, topic); return maps.Equal(now, want) }
	if !eventually(resetWithin, there) {
		b.t.Fatalf("%s: the primary has %v, the secondary %v, and T is %v", group, at, now, want)
	}
	b.caughtUp()
}

// delay is the longest time, of all partitions, between the moments when the judge saw a commit on the primary and its position
// on the secondary.
func (b *bench) delay(group, topic string, at, there map[int32]int64) (longest time.Duration) {
	b.t.Helper()
	for p := range at {
		key := judge.Key{Group: group, Topic: topic, Partition: p}
		from, to := seen(b.history.Primary, key, at[p]), seen(b.history.Secondary, key, there[p])
		longest = max(longest, to.Sub(from))
	}
	return longest
}

// seen is when the newest write of a value was.
func seen(log *judge.Log, key judge.Key, offset int64) (at time.Time) {
	for _, w := range log.Writes() {
		if w.Key == key && w.Value != nil && w.Value.Offset == offset {
			at = w.Seen
		}
	}
	return at
}

func inOrder(at map[int32]int64) string {
	var all []int64
	for p := range int32(len(at)) {
		all = append(all, at[p])
	}
	return fmt.Sprint(all)
}

// startWith is start with settings of one's own.
func startWith(t testing.TB, s spec, change func(*daemon.Link)) *running {
	t.Helper()
	links, logs := s.links(), &logKeeper{}
	for i := range links {
		change(&links[i])
	}
	d := daemon.New(daemon.Options{Links: links, Logger: logs.logger()})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	r := &running{t: t, d: d, spec: s, stop: sync.OnceValue(func() error { cancel(); return <-ended })}
	t.Cleanup(func() {
		if err := r.stop(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("daemon: %v", err)
		}
		if t.Failed() {
			t.Logf("daemon's log:\n%s", logs.tail(80))
		}
	})
	return r
}
