package acceptance

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/failover"
)

// wordCount is a Kafka Streams application with exactly-once on the primary, under load, and leftoff's mirror of all its topics.
type wordCount struct {
	t                             *testing.T
	primary, secondary            *rig.Cluster
	r                             *running
	app, input, output            string
	repartition, changelog, stuck string
	load                          context.CancelFunc
}

const stuckRecords = 300

// Issue 6, scenario 8: the primary is lost at a random moment with the mirror 300 records behind. Outputs and state on the secondary are
// complete for every input that the application will not read again. Before that, the mirror has been behind once already and has
// caught up, and the group with it. It is alone on the machine: the application's load is not to be the test's load on others.
func TestStreamsOutputsAreThere(t *testing.T) {
	rig.Require(t)
	rounds := 1
	if rig.Soaking() {
		rounds = 6
	}
	random := newRandom(t)
	for range rounds {
		streamsFailover(t, random)
	}
}

func streamsFailover(t *testing.T, random *rand.Rand) {
	w := newWordCount(t, random, "auto")
	w.fallBehind()
	w.waitsFor()
	w.catchesUp()
	w.fallBehind()
	pause(time.Duration(random.IntN(2_000)) * time.Millisecond)
	w.primary.KillAll(t)
	w.load()

	done := w.r.failTo(time.Minute, failover.Order{Unplanned: true, Who: "tester", Accept: true})
	if done.State.Step != failover.Done {
		t.Fatalf("%+v", done.State)
	}
	if !slices.ContainsFunc(done.State.Past, func(p failover.Passed) bool { return strings.Contains(p.Said, replicator.WaitingForOutputs.String()) }) {
		t.Errorf("the report says nothing of commits that wait for outputs: %+v", done.State.Past)
	}
	if missing := w.missing(); len(missing) > 0 {
		t.Errorf("%d things are missing behind the offsets, such as %q", len(missing), missing[0])
	}
}

// The same without the policy: offsets run ahead of outputs. That the test above can fail.
func TestStreamsOutputsAreMissingWithoutAfter(t *testing.T) {
	rig.RequireSoak(t)
	t.Parallel()
	w := newWordCount(t, newRandom(t), "none")
	w.fallBehind()
	w.primary.KillAll(t)
	w.load()
	pause(2 * time.Second)
	if missing := w.missing(); len(missing) == 0 {
		t.Error("nothing is missing, so that there is nothing to wait for")
	}
}

func newWordCount(t *testing.T, random *rand.Rand, after string) *wordCount {
	prefix := rig.Name(t, "words") + "."
	w := &wordCount{t: t, app: prefix + "app", input: prefix + "lines", output: prefix + "counts"}
	w.repartition, w.changelog = w.app+"-words-repartition", w.app+"-counts-changelog"
	w.stuck = []string{w.output, w.changelog, w.repartition}[random.IntN(3)]
	t.Logf("the mirror will be behind with %s", w.stuck)
	w.primary, w.secondary = rig.StartPair(t, rig.Options{})
	w.primary.CreateTopic(t, w.input, 2, nil)
	w.primary.CreateTopic(t, w.output, 2, nil)
	w.r = startWith(t, newSpec(t, w.primary.Bootstrap(), w.secondary.Bootstrap(), "mirror", prefix), func(l *daemon.Link) { l.Policy.After = after })
	ctx, cancel := context.WithCancel(t.Context())
	w.load = cancel
	go produceWords(ctx, w.primary.Client(t, kgo.DefaultProduceTopic(w.input)))
	rig.StartStreams(t, w.primary, rig.StreamsOptions{Application: w.app, Input: w.input, Output: w.output})
	if !eventually(2*time.Minute, func() bool { return sum(w.positions(w.secondary, w.repartition)) > 500 }) {
		g, _ := w.r.group(w.app)
		t.Fatalf("the application's offsets do not arrive: %+v, on the primary %v", g, w.positions(w.primary, w.repartition))
	}
	return w
}

// produceWords produces some 300 lines a second, each with a number of its own.
func produceWords(ctx context.Context, client *kgo.Client) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; {
		for range 3 {
			line := fmt.Sprintf("word%02d %d", n%40, n)
			client.Produce(ctx, &kgo.Record{Key: fmt.Append(nil, n%7), Value: []byte(line)}, nil)
			n++
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// positions are the application's, nil where they can't be asked for.
func (w *wordCount) positions(c *rig.Cluster, topic string) map[int32]int64 {
	fetched, err := c.Admin().FetchOffsets(context.Background(), w.app)
	if err != nil {
		return nil
	}
	all := map[int32]int64{}
	fetched.Each(func(o kadm.OffsetResponse) {
		if o.Topic == topic && o.Err == nil && o.At >= 0 {
			all[o.Partition] = o.At
		}
	})
	return all
}

func sum(offsets map[int32]int64) (n int64) {
	for _, o := range offsets {
		n += o
	}
	return n
}

// stall makes the secondary refuse the records of one topic, while all others are copied and commits go on as ever.
func (w *wordCount) stall(on bool) {
	w.t.Helper()
	value := "1048588"
	if on {
		value = "10"
	}
	answers, err := w.secondary.Admin().AlterTopicConfigs(context.Background(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &value}}, w.stuck)
	if err == nil {
		for _, a := range answers {
			err = a.Err
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// fallBehind stalls the mirror until it is behind. Offsets are more than records by the transactions' markers, few of them by now.
func (w *wordCount) fallBehind() {
	w.t.Helper()
	w.stall(true)
	before := sum(ends(w.t, w.primary, w.stuck))
	if !eventually(time.Minute, func() bool { now, ok := endsOf(w.primary, w.stuck); return ok && sum(now) > before+stuckRecords*3/2 }) {
		w.t.Fatalf("%s does not grow any more, after %d", w.stuck, before)
	}
}

// waitsFor sees a held commit that names what it waits for.
func (w *wordCount) waitsFor() {
	w.t.Helper()
	var last []replicator.Entry
	if !eventually(30*time.Second, func() bool {
		g, _ := w.r.group(w.app)
		for _, e := range g.Entries {
			if e.Reason == replicator.WaitingForOutputs && strings.Contains(e.Detail, w.stuck) {
				w.t.Logf("%s/%d: %s", e.Commit.Topic, e.Commit.Partition, e.Detail)
				return true
			}
		}
		last = g.Entries
		return false
	}) {
		w.t.Fatalf("nothing waits for %s: %+v", w.stuck, last)
	}
}

// catchesUp lets the mirror go on, and waits until the secondary has what the group had committed before that.
func (w *wordCount) catchesUp() {
	w.t.Helper()
	want := map[replicator.Key]int64{}
	g, _ := w.r.group(w.app)
	for _, e := range g.Entries {
		want[e.Commit.Key] = e.Position.Offset
	}
	w.stall(false)
	began := time.Now()
	if !eventually(time.Minute, func() bool {
		g, _ := w.r.group(w.app)
		for _, e := range g.Entries {
			if !e.HasWritten || e.Written < want[e.Commit.Key] {
				return false
			}
		}
		return len(g.Entries) >= len(want)
	}) {
		g, _ := w.r.group(w.app)
		w.t.Fatalf("the mirror goes on, and the offsets do not follow to %v: %+v", want, g.Entries)
	}
	w.t.Logf("the offsets followed %v after the mirror could go on", time.Since(began).Round(time.Millisecond))
}

// missing lists what is not on the secondary although the application will not read its input again there.
func (w *wordCount) missing() (all []string) {
	w.t.Helper()
	lines, words := w.readable(w.input), w.readable(w.repartition)
	counted := map[string]bool{}
	for _, r := range words {
		counted[string(r.Value)] = true
	}
	read := 0
	at := w.positions(w.secondary, w.input)
	for _, r := range lines {
		if r.Offset < at[r.Partition] {
			if read++; !counted[string(r.Value)] {
				all = append(all, fmt.Sprintf("line %s of %d/%d in %s", r.Value, r.Partition, r.Offset, w.repartition))
			}
		}
	}
	need := map[string]int64{}
	at = w.positions(w.secondary, w.repartition)
	for _, r := range words {
		if r.Offset < at[r.Partition] {
			need[string(r.Key)]++
		}
	}
	state, outputs := map[string]int64{}, map[string]int64{}
	for _, r := range w.readable(w.changelog) {
		state[string(r.Key)] = int64(binary.BigEndian.Uint64(r.Value[len(r.Value)-8:]))
	}
	for _, r := range w.readable(w.output) {
		outputs[string(r.Key)], _ = strconv.ParseInt(string(r.Value), 10, 64)
	}
	for word, n := range need {
		if state[word] < n {
			all = append(all, fmt.Sprintf("%s: %s has %d of %d", word, w.changelog, state[word], n))
		}
		if outputs[word] < n {
			all = append(all, fmt.Sprintf("%s: %s has %d of %d", word, w.output, outputs[word], n))
		}
	}
	w.t.Logf("%d of %d lines and %v of %d words will not be read again", read, len(lines), sum(at), len(words))
	if read == 0 || len(need) == 0 {
		w.t.Error("there is nothing to be complete for")
	}
	return all
}

// readable are the records of a topic on the secondary that a consumer would read, in order within each partition.
func (w *wordCount) readable(topic string) (all []*kgo.Record) {
	w.t.Helper()
	ends := ends(w.t, w.secondary, topic)
	from := map[int32]kgo.Offset{}
	for p, end := range ends {
		if end > 0 {
			from[p] = kgo.NewOffset().AtStart()
		}
	}
	client := w.secondary.Client(w.t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer client.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	for len(from) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			w.t.Fatalf("read %s: %v", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			all = append(all, r)
			if r.Offset >= ends[r.Partition]-1 {
				delete(from, r.Partition)
			}
		})
	}
	return all
}
