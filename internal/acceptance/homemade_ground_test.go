package acceptance

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// homemadeBatch is how many records the home-made mirror sends at a time.
const homemadeBatch = 40

// write is one record that the home-made mirror writes, and the place of its source on the primary.
type write struct {
	source int64
	record *kgo.Record
}

// stage is one thing that a mirror does to what it copies. It gets the records in the order in which they would be written
// and returns those that are, in theirs.
type stage func(*rand.Rand, []write) []write

func in(stages ...stage) stage {
	return func(random *rand.Rand, all []write) []write {
		for _, s := range stages {
			all = s(random, all)
		}
		return all
	}
}

func faithful(_ *rand.Rand, all []write) []write { return all }

// dropTenth filters.
func dropTenth(random *rand.Rand, all []write) []write {
	return slices.DeleteFunc(slices.Clone(all), func(write) bool { return random.IntN(10) == 0 })
}

// dropAndRepeat drops some records and, later on, crashes and copies as many again: the offsets of both sides agree before
// the first and after the last, and nowhere between.
func dropAndRepeat(random *rand.Rand, all []write) []write {
	n := len(all)
	k := 1 + random.IntN(n/20)
	drop, crash := n/4+random.IntN(n/12), n/2+random.IntN(n/4)
	out := slices.Clone(all[:drop])
	out = append(out, all[drop+k:crash]...)
	return append(out, all[crash-k:]...) // begins again k before the crash
}

// unfinished begins to copy the end again, and dies half-way.
func unfinished(random *rand.Rand, all []write) []write {
	n := len(all)
	k := 10 + random.IntN(n/4)
	return append(slices.Clone(all), all[n-k:n-k/2]...)
}

// addHeader marks every record.
func addHeader(_ *rand.Rand, all []write) []write {
	return changed(all, func(r *kgo.Record) {
		r.Headers = append(slices.Clone(r.Headers), kgo.RecordHeader{Key: "mirrored-by", Value: []byte("home")})
	})
}

// transform writes other values: key and time stay.
func transform(_ *rand.Rand, all []write) []write {
	return changed(all, func(r *kgo.Record) {
		var sum [8]byte
		binary.BigEndian.PutUint64(sum[:], fnv(r.Value))
		r.Value = sum[:]
	})
}

func fnv(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

func changed(all []write, change func(*kgo.Record)) []write {
	out := make([]write, len(all))
	for i, w := range all {
		r := *w.record
		change(&r)
		out[i] = write{w.source, &r}
	}
	return out
}

// fiveInFlight lets the five batches that are on their way at a time land in any order.
func fiveInFlight(random *rand.Rand, all []write) []write {
	var out []write
	for window := range slices.Chunk(all, 5*homemadeBatch) {
		batches := slices.Collect(slices.Chunk(window, homemadeBatch))
		random.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
		out = append(out, slices.Concat(batches...)...)
	}
	return out
}

// anyOrder keeps none at all.
func anyOrder(random *rand.Rand, all []write) []write {
	out := slices.Clone(all)
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// filling makes n records of a topic. Times are near now: retention must not take them.
type filling func(random *rand.Rand, n int) []*kgo.Record

var longAgo = time.Now().Add(-30 * time.Minute).Truncate(time.Millisecond)

// unique records have values of their own; times jump back and forth, and some are the same.
func unique(random *rand.Rand, n int) []*kgo.Record {
	all := make([]*kgo.Record, n)
	for i := range all {
		all[i] = paymentRecord(i, 100)
		all[i].Timestamp = longAgo.Add(time.Duration(i*3+random.IntN(3_000)) * time.Millisecond)
	}
	return all
}

// periodic records come back after so many others; with a period of 1 nothing tells them apart.
func periodic(length int) filling {
	return func(_ *rand.Rand, n int) []*kgo.Record {
		all := make([]*kgo.Record, n)
		for i := range all {
			all[i] = &kgo.Record{Key: []byte("gauge"), Value: fmt.Appendf(nil, "reading %d", i%length), Timestamp: longAgo}
		}
		return all
	}
}

// stretch is unique records with a long stretch of identical ones in the middle, in which whatever the mirror does happens.
func stretch(random *rand.Rand, n int) []*kgo.Record {
	all := unique(random, n)
	for i := n / 5; i < n*4/5; i++ {
		all[i] = &kgo.Record{Key: []byte("gauge"), Value: []byte("still"), Timestamp: longAgo}
	}
	return all
}

// bare records have nothing but a value: where the mirror transforms it, nothing is left to recognise them by.
func bare(_ *rand.Rand, n int) []*kgo.Record {
	all := make([]*kgo.Record, n)
	for i := range all {
		all[i] = &kgo.Record{Value: fmt.Appendf(nil, "bare %06d", i), Timestamp: longAgo}
	}
	return all
}

// truth is where everything went: the mirror is ours, so it needs no guess. Secondary positions count from 0.
type truth struct {
	sources      []int64 // by secondary position
	last         []int64 // by source; −1: never copied
	primaryStart int64   // what retention took of either side
	start        int64
}

func truthOf(written []write, n int, primaryStart, start int64) truth {
	x := truth{last: slices.Repeat([]int64{-1}, n), primaryStart: primaryStart, start: start}
	for d, w := range written {
		x.sources = append(x.sources, w.source)
		if int64(d) >= start {
			x.last[w.source] = int64(d)
		}
	}
	return x
}

// T is the definition, word for word.
func (x truth) T(u int64) int64 {
	d := int64(len(x.sources))
	for s := max(u, x.primaryStart); s < int64(len(x.last)); s++ {
		if x.last[s] >= 0 {
			d = min(d, x.last[s])
		}
	}
	return max(d, x.start)
}

// skipped and reread are what resuming at d costs a group that has committed u.
func (x truth) skipped(u, d int64) (n int64) {
	for s := u; s < int64(len(x.last)); s++ {
		if x.last[s] >= 0 && x.last[s] < d {
			n++
		}
	}
	return n
}

func (x truth) reread(u, d int64) (n int64) {
	for _, s := range x.sources[min(max(d, 0), int64(len(x.sources))):] {
		if s < u {
			n++
		}
	}
	return n
}

// produceBatches writes records in order, in batches of exactly the given length.
func produceBatches(t testing.TB, c *rig.Cluster, topic string, records []*kgo.Record, length int) {
	t.Helper()
	client := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ManualFlushing(), kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	defer client.Close()
	ctx := context.Background()
	for batch := range slices.Chunk(records, length) {
		var failed error
		for _, r := range batch {
			sent := *r
			sent.Topic = topic
			client.Produce(ctx, &sent, func(_ *kgo.Record, err error) {
				if err != nil {
					failed = err
				}
			})
		}
		if err := client.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if failed != nil {
			t.Fatalf("produce to %s: %v", topic, failed)
		}
	}
}

// readAll reads a topic from its start to its end, by partition.
func readAll(t testing.TB, c *rig.Cluster, topic string) map[int32][]*kgo.Record {
	t.Helper()
	end, n := ends(t, c, topic), int64(0)
	from := map[int32]kgo.Offset{}
	for p, e := range end {
		from[p] = kgo.NewOffset().AtStart()
		n += e
	}
	client := c.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	defer client.Close()
	all := map[int32][]*kgo.Record{}
	for n > 0 {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { all[r.Partition] = append(all[r.Partition], r); n-- })
	}
	return all
}

// mirrorByHand is the home-made mirror: it consumes partition 0 of a topic of the primary, and produces what the stage
// leaves of it to the same topic of the secondary, partition 0.
func mirrorByHand(t testing.TB, from, to *rig.Cluster, topic string, random *rand.Rand, do stage) []write {
	t.Helper()
	var all []write
	for _, r := range readAll(t, from, topic)[0] {
		copy := &kgo.Record{Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}
		all = append(all, write{r.Offset, copy})
	}
	written := do(random, all)
	records := make([]*kgo.Record, len(written))
	for i, w := range written {
		records[i] = w.record
	}
	produceBatches(t, to, topic, records, homemadeBatch)
	return written
}

// offsetSyncs is MirrorMaker 2's topic for a target of the alias secondary, on the source.
const offsetSyncs = "mm2-offset-syncs.secondary.internal"

// offsetSync encodes one as MirrorMaker 2 does.
func offsetSync(topic string, partition int32, upstream, downstream int64) *kgo.Record {
	key := binary.BigEndian.AppendUint16(nil, uint16(len(topic)))
	key = binary.BigEndian.AppendUint32(append(key, topic...), uint32(partition))
	value := binary.BigEndian.AppendUint64(nil, uint64(upstream))
	return &kgo.Record{Topic: offsetSyncs, Key: key, Value: binary.BigEndian.AppendUint64(value, uint64(downstream))}
}

// sparseSyncs are the syncs that a MirrorMaker 2 in bad luck would have left: the first, the last, and few between, which
// see neither what was dropped nor what was copied again.
func sparseSyncs(topic string, written []write, every int) (all []*kgo.Record) {
	add := func(d int) { all = append(all, offsetSync(topic, 0, written[d].source, int64(d))) }
	for d := 0; d < len(written)-1; d += every {
		add(d)
	}
	add(len(written) - 1)
	return all
}

// haveOffsetSyncs makes the topic where no MirrorMaker 2 has yet.
func haveOffsetSyncs(t testing.TB, c *rig.Cluster, records []*kgo.Record) {
	t.Helper()
	if _, ok := endsOf(c, offsetSyncs); !ok {
		c.CreateTopic(t, offsetSyncs, 1, map[string]string{"cleanup.policy": "compact"})
	}
	client := c.Client(t)
	defer client.Close()
	for _, r := range records {
		r.Topic = offsetSyncs
	}
	if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// commitAll commits one offset of partition 0 in each of many topics at once.
func commitAll(t testing.TB, c *rig.Cluster, group string, at map[string]int64) {
	t.Helper()
	var o kadm.Offsets
	for topic, offset := range at {
		o.AddOffset(topic, 0, offset, -1)
	}
	if err := c.Admin().CommitAllOffsets(context.Background(), group, o); err != nil {
		t.Fatalf("commit %s: %v", group, err)
	}
}
