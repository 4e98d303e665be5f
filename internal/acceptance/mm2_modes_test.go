package acceptance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// mode is a way to run MirrorMaker 2.
type mode struct {
	name      string
	props     func(t *testing.T) map[string]string
	renamed   string // prefix of the topics on the secondary
	committed bool   // it does not copy aborted records
	compact   bool   // its offset-syncs topic is compacted down before leftoff first starts
	mapping   string // of the link; mm2 where it is empty
}

func props(p map[string]string) func(*testing.T) map[string]string {
	return func(*testing.T) map[string]string { return p }
}

var modes = []mode{
	{name: "compacted syncs", compact: true, props: props(nil)},
	{name: "exactly once", committed: true, props: func(t *testing.T) map[string]string {
		return map[string]string{
			"secondary.exactly.once.source.support": "enabled",
			"primary.consumer.isolation.level":      "read_committed",
			"dedicated.mode.enable.internal.rest":   "true",
			"listeners":                             "http://" + freeAddress(t),
		}
	}},
	{name: "default policy", renamed: "primary.", props: props(map[string]string{"replication.policy.class": ""})},
	{name: "syncs on the target", mapping: "auto", props: props(map[string]string{"offset-syncs.topic.location": "target"})},
}

// Issue 4, scenario 3: MirrorMaker 2 with exactly-once and read_committed, with prefixed topics, with its offset syncs on the
// target, and with offset syncs that were compacted down before leftoff first starts. And with a topic of that name that
// holds no offset syncs at all.
func TestMirrorMaker2Modes(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := cleaning(t)
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) { m.exact(t, primary, secondary) })
	}
	t.Run("recreated topics", func(t *testing.T) { recreated(t, primary, secondary) })
	t.Run("planned failover", func(t *testing.T) { failsOverWithMirrorMaker2(t, primary, secondary) })
	t.Run("no syncs at all", func(t *testing.T) { notOffsetSyncs(t, primary, secondary) })
}

func (m mode) exact(t *testing.T, primary, secondary *rig.Cluster) {
	prefix := rig.Name(t, "mode") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 2, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 5_000, 0)
	fillTransactions(t, primary, txn, 60, 50, true)
	topics := []copied{
		{plain, m.renamed + plain, judge.Options{}},
		{txn, m.renamed + txn, judge.Options{PrimaryUncommitted: !m.committed}},
	}

	b := watch(t, primary, secondary, prefix)
	mirror := startMirrorMaker(t, primary, secondary, prefix, m.props(t))
	defer mirror.Stop() // before the next one starts
	copies := b.waitMirrored(2*time.Minute, topics...)
	for _, c := range copies {
		if sum := c.Total(); sum.Foreign != 0 || sum.Missing != 0 {
			t.Fatalf("MirrorMaker 2 was to copy what the judge pairs, no more and no less: %s: %+v", c.Primary, sum)
		}
	}
	if m.compact {
		compactSyncs(t, primary, prefix)
	}

	laggards := commitLagging(t, primary, prefix, []int64{0, 1, 10, 100, 1_000, 2_500, 1 << 40}, topicsOf(topics)...)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), cmp.Or(m.mapping, "mm2"), prefix)
	s.Prefix = m.renamed
	startExact(t, s, 20*time.Second, groupsOf(laggards))
	if points := b.exact(copies...); points != 3*len(laggards)/2 { // over two partitions and over one
		t.Errorf("%d resume points of %d groups", points, len(laggards))
	}
	b.lawful(judge.Rules{}, copies...)
}

// compactSyncs lets the cleaner take all but the newest offset sync of each partition. New ones of another topic roll the
// segments.
func compactSyncs(t *testing.T, primary *rig.Cluster, prefix string) {
	t.Helper()
	compactFast(t, primary, offsetSyncs)
	roll := prefix + "roll"
	primary.CreateTopic(t, roll, 1, nil)
	next, left := 0, 0
	thin := func() bool {
		fill(t, primary, roll, next, 5, 0)
		next += 5
		left = recordsOf(t, primary, offsetSyncs)
		return left < 60 // of thousands; there are three partitions, and what is new of the fourth
	}
	if !eventually(60*time.Second, thin) {
		t.Fatalf("%s was not compacted: %d records", offsetSyncs, left)
	}
	t.Logf("%d of %d offset syncs are left", left, ends(t, primary, offsetSyncs)[0])
}

// freeAddress is one on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// notOffsetSyncs: a topic of that name that holds something else, and syncs that lie, take nothing away from what the
// records themselves say; but it is said.
func notOffsetSyncs(t *testing.T, primary, secondary *rig.Cluster) {
	random := newRandom(t)
	prefix := rig.Name(t, "garbage") + "."
	topic, n := prefix+"payments", 3_000
	primary.CreateTopic(t, topic, 1, nil)
	secondary.CreateTopic(t, topic, 1, nil)
	produceBatches(t, primary, topic, unique(random, n), 50)
	written := mirrorByHand(t, primary, secondary, topic, random, in(dropTenth, dropAndRepeat))
	if _, ok := endsOf(primary, offsetSyncs); ok {
		primary.DeleteTopic(t, offsetSyncs)
	}
	haveOffsetSyncs(t, primary, noOffsetSyncs(random, topic))

	b := watch(t, primary, secondary, prefix)
	laggards := commitLagging(t, primary, prefix, []int64{0, 1, 100, 700, 1_000, 1_600, 2_000, 1 << 40}, topic)
	r := startExact(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mm2", prefix), 20*time.Second, groupsOf(laggards))
	said := r.snapshot().Problems
	if !slices.ContainsFunc(said, func(p string) bool { return strings.Contains(p, offsetSyncs) }) {
		t.Errorf("not a word about %s: %q", offsetSyncs, said)
	}
	t.Log(said)
	copies := b.compare(topic, judge.Options{})
	b.exact(copies)
	b.lawful(judge.Rules{}, copies)
	truth := truthOf(written, n, 0, 0)
	for _, u := range []int64{0, 1, int64(n) / 2, int64(n)} {
		if judged := copies.T(0, u); judged != truth.T(u) {
			t.Errorf("the judge says that T(%d) is %d, and the mirror itself %d", u, judged, truth.T(u))
		}
	}
}

// noOffsetSyncs are records of all kinds, and some that look like syncs of the topic and lie.
func noOffsetSyncs(random *rand.Rand, topic string) (all []*kgo.Record) {
	noise := func() []byte {
		b := make([]byte, random.IntN(40))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	for i := range 300 {
		r := &kgo.Record{Key: append([]byte{byte(i)}, noise()...), Value: noise()} // compacted topics refuse records without a key
		if i%10 == 0 {
			r.Key, _ = json.Marshal(fmt.Sprint("order ", i))
			r.Value, _ = json.Marshal(map[string]int{"amount": i})
		}
		all = append(all, r)
	}
	tombstone := offsetSync(topic, 0, 0, 0)
	tombstone.Value = nil
	return append(all,
		offsetSync(topic, 0, 100, 1<<50), offsetSync(topic, 0, -1, -1), offsetSync(topic, 7, 5, 5), offsetSync(topic, -1, 5, 5),
		offsetSync(topic, 0, 500, 900), offsetSync(topic, 0, 501, 901), offsetSync(topic, 0, 2_500, 100), offsetSync("", 0, 1, 1), tombstone)
}
