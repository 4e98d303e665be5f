package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// Issue 4, scenario 1: on a plain topic of 1,000,000 records of 1 KiB with 50 groups at random lags, match alone reads less
// than 2% of the topic's bytes, both sides together. By default it is a smaller topic, with fewer groups still: what the first
// look at a partition costs does not shrink with it. make soak runs all of it.
func TestMatchReadsLittle(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	n, groups := 300_000, 6
	if rig.Soaking() {
		n, groups = 1_000_000, 50
	}
	random := newRandom(t)
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "bytes") + "."
	topic := copyOf(prefix+"payments", judge.Options{})
	primary.CreateTopic(t, topic.topic, 1, nil)
	fillWide(t, primary, topic.topic, n, random)
	b := watch(t, primary, secondary, prefix)
	if rig.Soaking() {
		startMirrorMaker(t, primary, secondary, prefix, nil)
	} else { // any mirror will do, and this one takes seconds
		secondary.CreateTopic(t, topic.topic, 1, nil)
		copyPlain(t, primary, secondary, topic.topic, n)
	}
	b.waitMirrored(5*time.Minute, topic)

	var names []string
	for i := range groups {
		names = append(names, fmt.Sprintf("%sgroup-%d", prefix, i))
		commit(t, primary, names[i], topic.topic, map[int32]int64{0: random.Int64N(int64(n) + 1)})
	}
	r := startExact(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "match", prefix), 10*time.Second, names)
	read := r.snapshot().Source.Bytes
	left, right := read[replicator.Primary], read[replicator.Secondary]
	whole := int64(n) << 10
	t.Logf("read %d KiB of the primary and %d KiB of the secondary: %.2f%% of the topic's %d MiB, for %d groups",
		left>>10, right>>10, 100*float64(left+right)/float64(whole), whole>>20, groups)
	if left == 0 || right == 0 {
		t.Error("nothing was read of one side, and yet something is exact: this is not the count that was asked for")
	}
	if left+right >= whole*2/100 {
		t.Error("more than 2% of the topic's bytes")
	}
	copies := b.compareCopy(topic)
	if points := b.exact(copies); points != groups {
		t.Errorf("%d resume points of %d groups", points, groups)
	}
	b.lawful(judge.Rules{}, copies)
}

// copyPlain copies the n records of a topic's only partition, times and all.
func copyPlain(t *testing.T, from, to *rig.Cluster, topic string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	read := from.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	write := to.Client(t, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(16<<10), kgo.ProducerBatchCompression(kgo.NoCompression()))
	var failed atomic.Pointer[error]
	for copied := 0; copied < n; {
		fetches := read.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", copied, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			copied++
			write.Produce(ctx, &kgo.Record{Key: r.Key, Value: r.Value, Timestamp: r.Timestamp}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Store(&err)
				}
			})
		})
	}
	if err := write.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := failed.Load(); err != nil {
		t.Fatalf("copy %s: %v", topic, *err)
	}
}

// fillWide produces n records of 1 KiB that nothing compresses, in batches of at most 16 KiB, as Java's producer does.
func fillWide(t *testing.T, c *rig.Cluster, topic string, n int, random *rand.Rand) {
	t.Helper()
	client := c.Client(t, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(16<<10), kgo.ProducerBatchCompression(kgo.NoCompression()))
	var failed atomic.Pointer[error]
	for range n {
		value := make([]byte, 1<<10)
		for i := 0; i < len(value); i += 8 {
			bits := random.Uint64()
			for j := range 8 {
				value[i+j] = byte(bits >> (8 * j))
			}
		}
		client.Produce(context.Background(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(&err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := failed.Load(); err != nil {
		t.Fatalf("produce to %s: %v", topic, *err)
	}
}
