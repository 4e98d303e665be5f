package acceptance

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// A sink connector is a consumer group, connect-NAME. Offsets that are set through Connect are followed; after a planned failover a
// connector of the same name in the other region's Connect goes on at the next record: the lines of both are every record, once and in
// order. Of the workers' own group, and of Connect's topics, nothing is written.
func TestConnectSinkGoesOnThere(t *testing.T) {
	rig.RequireSoak(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "sink") + "."
	topic, name, workers := prefix+"payments", prefix+"to-file", prefix+"workers"
	group := "connect-" + name
	primary.CreateTopic(t, topic, sinkPartitions, nil)
	b := watch(t, primary, secondary, "connect-"+prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	s.Topics, s.Groups = regexp.QuoteMeta(topic), "(connect-)?"+s.Groups
	r := start(t, s)
	load := &sinkLoad{topic: topic}
	load.produce(t, primary, 900)

	// Both regions have a Connect of their own, as a rule under the same names, and the connector may be there already, stopped.
	here := rig.StartConnect(t, primary, rig.ConnectOptions{Group: workers})
	there := rig.StartConnect(t, secondary, rig.ConnectOptions{Group: workers})
	dir := t.TempDir()
	sink := func(side string) map[string]string { return rig.FileSink(topic, filepath.Join(dir, side), 2) }

	there.Create(t, name, sink("there"), true)
	first := map[int32]int64{0: 200, 1: 50, 2: 1}
	here.Create(t, name, sink("here"), true)
	here.AlterOffsets(t, name, topic, first)
	r.waitSettled(time.Minute, group)
	if at := committed(t, secondary, group, topic); len(at) != len(first) {
		t.Fatalf("set through Connect %v, on the secondary %v", first, at)
	}
	here.Resume(t, name)
	here.WaitRunning(t, name, 2)
	stop := load.steadily(t, primary)
	waitLines(t, dir, "here", 900)

	order := failover.Order{Who: "tester", Why: "connect"}
	r.failTo(time.Minute, order, failover.Stop)
	r.waitsFor(10*time.Second, order, group+" still runs on the primary")
	here.Close(t)
	stop()
	load.produce(t, primary, 300) // which this sink has not seen
	done := r.failTo(time.Minute, order)
	if done.State.Step != failover.Done || len(done.State.Groups) != 1 || done.State.Groups[0].Group != group || len(done.State.Topics) != 1 {
		t.Fatalf("%+v", done.State)
	}
	copies := b.compare(topic, judge.Options{})
	if n := b.exact(copies); n != sinkPartitions {
		t.Errorf("%d resume points", n)
	}

	there.Resume(t, name)
	load.produce(t, secondary, 300)
	last := load.produced()
	waitLines(t, dir, "there", last.beyond(first)-len(linesOf(t, dir, "here")))
	there.Close(t)
	wentOn(t, linesOf(t, dir, "here"), linesOf(t, dir, "there"), first, last)

	workersAreLeftAlone(t, b, r, workers)
	b.lawful(judge.Rules{}, copies)
}

const sinkPartitions = 3

// sinkLoad produces records that say where they belong: their partition, and their place in it.
type sinkLoad struct {
	topic string
	next  [sinkPartitions]atomic.Int64
}

// spread are numbers by partition.
type spread map[int32]int64

// beyond counts the records from an offset on.
func (s spread) beyond(first map[int32]int64) (n int) {
	for p, end := range s {
		n += int(end - first[p])
	}
	return n
}

func (l *sinkLoad) produced() spread {
	all := spread{}
	for p := range l.next {
		all[int32(p)] = l.next[p].Load()
	}
	return all
}

// produce takes n records to each partition, and returns when they are there.
func (l *sinkLoad) produce(t testing.TB, c *rig.Cluster, n int) {
	t.Helper()
	client := c.Client(t, kgo.DefaultProduceTopic(l.topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond))
	defer client.Close()
	if err := l.send(t.Context(), client, n); err != nil {
		t.Fatalf("produce to %s: %v", l.topic, err)
	}
}

func (l *sinkLoad) send(ctx context.Context, client *kgo.Client, n int) error {
	var all []*kgo.Record
	for p := range l.next {
		for range n {
			all = append(all, &kgo.Record{Partition: int32(p), Value: fmt.Appendf(nil, "%d %d", p, l.next[p].Add(1)-1)})
		}
	}
	return client.ProduceSync(ctx, all...).FirstErr()
}

// steadily produces some 300 records a second until it is stopped.
func (l *sinkLoad) steadily(t testing.TB, c *rig.Cluster) (stop func()) {
	t.Helper()
	client := c.Client(t, kgo.DefaultProduceTopic(l.topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	ending, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ending:
				ended <- nil
				return
			}
			if err := l.send(t.Context(), client, 5); err != nil {
				ended <- err
				return
			}
		}
	}()
	return func() {
		t.Helper()
		close(ending)
		if err := <-ended; err != nil {
			t.Fatalf("produce to %s: %v", l.topic, err)
		}
	}
}

// linesOf are the lines that the sink of a side has written so far.
func linesOf(t testing.TB, dir, side string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, side))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	return lines[:len(lines)-1] // the last is not whole yet, or nothing
}

func waitLines(t testing.TB, dir, side string, n int) {
	t.Helper()
	if !eventually(time.Minute, func() bool { return len(linesOf(t, dir, side)) >= n }) {
		t.Fatalf("the sink %s has written %d lines, want %d", side, len(linesOf(t, dir, side)), n)
	}
}

// wentOn asserts that the lines of both are every record of each partition from the first on, once and in order.
func wentOn(t *testing.T, here, there []string, first map[int32]int64, last spread) {
	t.Helper()
	next, began := maps.Clone(first), map[int32]int64{}
	for i, line := range slices.Concat(here, there) {
		partition, place, _ := strings.Cut(line, " ")
		p, err := strconv.ParseInt(partition, 10, 32)
		n, err2 := strconv.ParseInt(place, 10, 64)
		if err != nil || err2 != nil {
			t.Fatalf("line %d: %q", i, line)
		}
		if _, ok := began[int32(p)]; i >= len(here) && !ok {
			began[int32(p)] = n
		}
		if want := next[int32(p)]; n != want {
			t.Fatalf("line %d (%d of them here, then %d there): record %d of partition %d, want %d", i, len(here), len(there), n, p, want)
		}
		next[int32(p)]++
	}
	t.Logf("%d lines here, %d there, which began with records %v", len(here), len(there), began)
	if !maps.Equal(next, last) {
		t.Errorf("the lines end before %v, the records before %v", next, last)
	}
	if len(here) < 900 || len(there) < 600*sinkPartitions || len(began) != sinkPartitions {
		t.Error("too few lines on one side: that shows nothing")
	}
}

// workersAreLeftAlone asserts that the group that Connect's workers form, which the link does not leave out, has no offsets for leftoff to
// follow, and that it changes nothing that there is one.
func workersAreLeftAlone(t *testing.T, b *bench, r *running, workers string) {
	t.Helper()
	b.caughtUp()
	for _, side := range []*judge.Log{b.history.Primary, b.history.Secondary} {
		if len(side.Memberships(workers)) == 0 {
			t.Errorf("%s never had a member: that shows nothing", workers)
		}
		for _, w := range side.Writes() {
			if w.Group == workers {
				t.Errorf("an offset of the workers' group: %+v", w)
			}
		}
	}
	if g, ok := r.group(workers); ok {
		t.Errorf("the workers' group is followed: %+v", g)
	}
	healthy(t, r)
}

// healthy asserts that leftoff has nothing to complain about, and knows all that it has read.
func healthy(t *testing.T, r *running) {
	t.Helper()
	s := r.snapshot()
	if len(s.Problems) > 0 || s.Counters.UnknownTypes+s.Counters.Unreadable > 0 {
		t.Errorf("%q %+v", s.Problems, s.Counters)
	}
	for side := range s.Sides {
		if e := s.Sides[side].Error; e != "" {
			t.Errorf("%s: %s", replicator.Side(side), e)
		}
	}
}
