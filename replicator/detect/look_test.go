package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mm2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// side is an embedded cluster, the client under test, and one that writes.
type side struct {
	t *testing.T
	c *kafka.Cluster
	w *kgo.Client
}

func pair(t *testing.T) (primary, secondary *side) {
	return newSide(t, "west"), newSide(t, "east")
}

func newSide(t *testing.T, name string) *side {
	k, err := kfake.NewCluster(kfake.NumBrokers(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	w, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	c := kafka.Open(kafka.Config{Name: name, Brokers: k.ListenAddrs()}, nil)
	t.Cleanup(func() { c.Close() })
	return &side{t, c, w}
}

func (s *side) create(topic string, partitions int32) {
	s.t.Helper()
	if _, err := kadm.NewClient(s.w).CreateTopic(s.t.Context(), partitions, 1, nil, topic); err != nil {
		s.t.Fatal(err)
	}
}

// fill writes events from to to−1, the same on every side, to each partition.
func (s *side) fill(topic string, partitions int32, from, to int) {
	s.t.Helper()
	for p := range partitions {
		for i := from; i < to; i++ {
			s.put(topic, p, fmt.Append(nil, "k", i), fmt.Append(nil, topicless(topic), i), int64(i))
		}
	}
	s.flush()
}

// topicless is what two topics that are copies of each other have in common.
func topicless(topic string) string { return topic[strings.LastIndexByte(topic, '.')+1:] }

func (s *side) put(topic string, partition int32, key, value []byte, at int64) {
	s.w.Produce(s.t.Context(), &kgo.Record{Topic: topic, Partition: partition, Key: key, Value: value, Timestamp: time.UnixMilli(1_700_000_000_000 + 1000*at)}, nil)
}

func (s *side) flush() {
	s.t.Helper()
	if err := s.w.Flush(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *side) syncs(topic string, all ...mm2.Sync) {
	s.t.Helper()
	s.create(topic, 1)
	for _, sync := range all {
		k, v := mm2.AppendSync(nil, nil, sync)
		s.put(topic, 0, k, v, 0)
	}
	s.flush()
}

func (s *side) checkpoints(topic string, all ...mm2.Checkpoint) {
	s.t.Helper()
	s.create(topic, 1)
	for _, c := range all {
		k, v := mm2.AppendCheckpoint(nil, nil, c)
		s.put(topic, 0, k, v, 0)
	}
	s.flush()
}

func (s *side) commit(group, topic string, partition int32, at int64) {
	s.t.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: topic, Partition: partition, At: at, LeaderEpoch: -1})
	if err := kadm.NewClient(s.w).CommitAllOffsets(s.t.Context(), group, o); err != nil {
		s.t.Fatal(err)
	}
}

func report(t *testing.T, a, b *side, o Options) Report {
	t.Helper()
	r, err := Look(t.Context(), a.c, b.c, o)
	if err != nil {
		t.Fatal(err)
	}
	loads(t, r)
	return r
}

func want(t *testing.T, r Report, topic, mapping, there, why string) {
	t.Helper()
	m, w := r.Mapping(topic)
	name, _ := r.There(topic)
	if m != mapping || name != there || !strings.Contains(w, why) {
		t.Errorf("%s: %s as %q, because %s; want %s as %q, %s", topic, m, name, w, mapping, there, why)
	}
}

// TestLookAtMirrors: topics that keep their offsets, topics that do not, one that has the name only, and one that is not
// there.
func TestLookAtMirrors(t *testing.T) {
	a, b := pair(t)
	for _, s := range []*side{a, b} {
		for _, topic := range []string{"kept", "moved", "chance", "alike", "empty"} {
			s.create(topic, 2)
		}
		s.fill("kept", 2, 0, 60)
		for range 20 {
			s.put("alike", 0, nil, []byte("v"), 0)
		}
	}
	a.create("missing", 1)
	a.fill("moved", 2, 0, 60)
	b.fill("moved", 2, 5, 60) // the first five were filtered
	a.fill("chance", 2, 0, 60)
	b.fill("chance", 2, 1000, 1060)
	b.create("other.things", 1)
	said := 0
	r := report(t, a, b, Options{Progress: func(string) { said++ }, Workers: 1})
	want(t, r, "kept", "identity", "kept", "records compared are the same")
	want(t, r, "moved", "match", "moved", "at other offsets")
	want(t, r, "chance", "match", "chance", "perhaps not a copy")
	want(t, r, "alike", "match", "alike", "told apart")
	want(t, r, "empty", "match", "empty", "no records to compare")
	want(t, r, "missing", "", "", "not on the secondary")
	if r.Usable() || r.Prefix != "" || r.MM2 != nil || !strings.Contains(strings.Join(r.Problems, " "), "look at chance yourself") || said < 6 {
		t.Errorf("%+v, progress told %d times", r, said)
	}
	r = report(t, a, b, Options{Select: func(topic string) bool { return topic == "kept" }})
	if !r.Usable() || len(r.Topics) != 1 || r.Mirror != "one that keeps offsets" {
		t.Errorf("%+v", r)
	}
}

func TestLookAtNothing(t *testing.T) {
	a, b := pair(t)
	a.create("orders", 3)
	a.fill("orders", 3, 0, 3)
	r := report(t, a, b, Options{})
	want(t, r, "orders", "mirror", "", "leftoff would copy it")
	if !r.Usable() || r.Mirror != "none" {
		t.Errorf("%+v", r)
	}
}

// TestLookAtMirrorMaker: prefixed topics, a hub with another flow, syncs on the secondary, and group offsets that it writes.
func TestLookAtMirrorMaker(t *testing.T) {
	a, b := pair(t)
	a.create("orders", 2)
	a.create("payments", 1)
	a.create("later", 1)
	a.create("heartbeats", 1)
	a.create("east.refunds", 1) // mirrored from the secondary
	a.create("east.checkpoints.internal", 1)
	b.create("refunds", 1)
	b.create("west.heartbeats", 1)
	for _, alias := range []string{"north.", "west."} {
		b.create(alias+"orders", 2)
	}
	b.create("north.payments", 1)
	b.create("west.payments", 1)
	a.fill("orders", 2, 0, 60)
	a.fill("payments", 1, 0, 60)
	b.fill("west.orders", 2, 7, 60)
	b.fill("west.payments", 1, 0, 60) // equal so far
	b.fill("north.orders", 2, 500, 560)
	b.fill("north.payments", 1, 500, 560)
	b.syncs("mm2-offset-syncs.north.internal", mm2.Sync{Topic: "orders", Upstream: 5, Downstream: 5}, mm2.Sync{Topic: "payments", Upstream: 5, Downstream: 5})
	b.syncs("mm2-offset-syncs.west.internal", mm2.Sync{Topic: "orders", Upstream: 20, Downstream: 13}, mm2.Sync{Topic: "orders", Partition: 1, Upstream: 59, Downstream: 52},
		mm2.Sync{Topic: "payments", Upstream: 5, Downstream: 5})
	b.checkpoints("west.checkpoints.internal", mm2.Checkpoint{CheckpointKey: mm2.CheckpointKey{Group: "billing", Topic: "west.orders"}, Upstream: 30, Downstream: 23},
		mm2.Checkpoint{CheckpointKey: mm2.CheckpointKey{Group: "audit", Topic: "west.orders"}, Upstream: 30, Downstream: 23})
	b.checkpoints("north.checkpoints.internal", mm2.Checkpoint{CheckpointKey: mm2.CheckpointKey{Group: "billing", Topic: "north.orders"}, Upstream: 30, Downstream: 30})
	b.commit("audit", "west.orders", 0, 20)

	r := report(t, a, b, Options{})
	want(t, r, "orders", "mm2", "west.orders", "offset syncs name all partitions")
	want(t, r, "payments", "mm2", "west.payments", "still equal on both sides")
	want(t, r, "later", "", "", "not on the secondary")
	want(t, r, "east.refunds", "", "", "a copy of refunds")
	want(t, r, "heartbeats", "", "", "MirrorMaker 2's own")
	m := r.MM2
	if m == nil || m.SyncsTopic != "mm2-offset-syncs.west.internal" || m.SyncsOn != "secondary" || m.Alias != "west" || m.CheckpointsTopic != "west.checkpoints.internal" || !m.Heartbeats ||
		m.CheckpointGroups != 2 || m.GroupOffsets != 1 || m.EqualOffsets != 0 || r.Prefix != "west." || !r.Usable() || len(r.Notes) != 1 {
		t.Errorf("%+v %+v", r, m)
	}
	b.commit("billing", "west.orders", 0, 23)
	r = report(t, a, b, Options{})
	if m := r.MM2; m == nil || m.EqualOffsets != 1 || len(m.WrittenGroups) != 1 || m.WrittenGroups[0] != "billing" || r.Usable() || !strings.Contains(r.Problems[0], "also writes group offsets: 1 of 2") {
		t.Errorf("%+v %+v", r, m)
	}
	// A link that knows the names.
	r = report(t, a, b, Options{Name: func(topic string) string { return topic }})
	want(t, r, "orders", "", "", "but west.orders is")
	want(t, r, "later", "", "", "not on the secondary")
	if r.Usable() {
		t.Error("usable")
	}
}

func TestLookAtADeadCluster(t *testing.T) {
	a, b := pair(t)
	b.c.Close()
	if _, err := Look(t.Context(), a.c, b.c, Options{}); err == nil || !strings.Contains(err.Error(), "list the secondary's topics") {
		t.Errorf("%v", err)
	}
}
