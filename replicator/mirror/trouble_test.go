package mirror

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// A foreign producer writes into the mirror's target: it is found and said, positions stay below its first record, and
// they rise when a person accepts it.
func TestForeignWriter(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "foreign")
		g.create(t, replicator.Primary, topic, 1, nil)
		r := g.mirror(t, t.TempDir(), topic)
		g.produce(t, replicator.Primary, topic, 0, 100)
		g.settle(t, r, topic)
		g.intrude(t, topic, 3)
		await(t, "the foreign records are found", 10*time.Second, func() bool { return r.State()[0].Foreign == 3 })
		g.produce(t, replicator.Primary, topic, 100, 100)
		g.intrude(t, topic, 1)
		g.produce(t, replicator.Primary, topic, 200, 100)
		g.settle(t, r, topic)
		await(t, "all foreign records are found", 10*time.Second, func() bool { return r.State()[0].Foreign == 4 })
		if m := r.Forward(topic, [16]byte{}, 0, 150); m.Position.Offset != 100 || m.Position.Confidence != translate.Floor {
			t.Errorf("before they are accepted: %+v, want 100, floor", m.Position)
		}
		pair, _ := r.index.Lookup(topic)
		pair.Partition(0).AcceptForeign(1 << 40)
		s := g.exact(t, r, topic, judge.Options{Accepted: map[int32]int64{0: 1 << 40}})
		if s.Mirrored != 300 || s.Duplicates > 0 {
			t.Errorf("%+v", s)
		}
	})
}

func (g *ground) intrude(t testing.TB, topic string, n int) {
	t.Helper()
	c := g.client(t, replicator.Secondary, kgo.DefaultProduceTopic(topic))
	for range n {
		if err := c.ProduceSync(context.Background(), &kgo.Record{Value: []byte("intruder " + time.Now().String())}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func (g *ground) delete(t testing.TB, side replicator.Side, topic string) {
	t.Helper()
	adm := g.admin(t, side)
	r, err := adm.DeleteTopic(context.Background(), topic)
	if err = errors.Join(err, r.Err); err != nil {
		t.Fatal(err)
	}
	await(t, "the topic is gone", 30*time.Second, func() bool {
		topics, err := adm.ListTopics(context.Background(), topic)
		return err == nil && !topics.Has(topic)
	})
}

// The primary's topic is deleted and created again: its copies start where the secondary ends.
func TestRecreatedPrimary(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "reborn")
		g.create(t, replicator.Primary, topic, 1, nil)
		r := g.mirror(t, t.TempDir(), topic)
		g.produce(t, replicator.Primary, topic, 0, 100)
		g.settle(t, r, topic)
		g.delete(t, replicator.Primary, topic)
		g.create(t, replicator.Primary, topic, 1, nil)
		g.produce(t, replicator.Primary, topic, 1000, 50)
		await(t, "the new topic is copied", 20*time.Second, func() bool {
			s := r.State()
			return len(s) == 1 && s[0].Copied == 50 && s[0].SecondaryEnd == 150
		})
		g.exact(t, r, topic, judge.Options{Accepted: map[int32]int64{0: 100}})
	})
}

// The secondary's topic is deleted: it is made again, and everything copied again.
func TestRecreatedSecondary(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "refill")
		g.create(t, replicator.Primary, topic, 2, nil)
		r := g.mirror(t, t.TempDir(), topic)
		g.produce(t, replicator.Primary, topic, 0, 100)
		g.settle(t, r, topic)
		old := r.topics[topic].secondaryID
		g.delete(t, replicator.Secondary, topic)
		await(t, "a new pair", 20*time.Second, func() bool {
			r.mu.RLock()
			defer r.mu.RUnlock()
			return r.topics[topic].secondaryID != old
		})
		g.produce(t, replicator.Primary, topic, 100, 50)
		g.settle(t, r, topic)
		if s := g.exact(t, r, topic, judge.Options{}); s.Mirrored != 150 || s.Duplicates+s.Foreign > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// New partitions of the primary are followed.
func TestGrowingTopic(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "grow")
		g.create(t, replicator.Primary, topic, 1, nil)
		r := g.mirror(t, t.TempDir(), topic)
		g.produce(t, replicator.Primary, topic, 0, 100)
		g.settle(t, r, topic)
		if _, err := g.admin(t, replicator.Primary).UpdatePartitions(context.Background(), 3, topic); err != nil {
			t.Fatal(err)
		}
		await(t, "three partitions are copied", 20*time.Second, func() bool { return len(r.State()) == 3 })
		g.produce(t, replicator.Primary, topic, 100, 200)
		g.settle(t, r, topic)
		g.exact(t, r, topic, judge.Options{})
	})
}

// The secondary's log start passes a position: it is raised to it, and copying goes on.
func TestLogStartMoves(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "start")
		g.create(t, replicator.Primary, topic, 1, nil)
		r := g.mirror(t, t.TempDir(), topic)
		g.produce(t, replicator.Primary, topic, 0, 100)
		g.settle(t, r, topic)
		var to kadm.Offsets
		to.AddOffset(topic, 0, 40, -1)
		if _, err := g.admin(t, replicator.Secondary).DeleteRecords(context.Background(), to); err != nil {
			t.Fatal(err)
		}
		await(t, "the position is raised", 10*time.Second, func() bool {
			return r.Forward(topic, [16]byte{}, 0, 10).Position.Offset == 40
		})
		g.produce(t, replicator.Primary, topic, 100, 50)
		g.settle(t, r, topic)
		g.exact(t, r, topic, judge.Options{})
	})
}

// A record that the secondary refuses for its size suspends the partition with a sentence, and nothing is skipped; once
// the setting is raised, copying goes on by itself.
func TestTooLarge(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "large")
		g.create(t, replicator.Primary, topic, 1, nil)
		g.create(t, replicator.Secondary, topic, 1, map[string]string{"max.message.bytes": "5000"})
		r := g.mirror(t, t.TempDir(), topic)
		g.produce(t, replicator.Primary, topic, 0, 300)
		c := g.client(t, replicator.Primary, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.NoCompression()))
		if err := c.ProduceSync(context.Background(), &kgo.Record{Value: bytes.Repeat([]byte("L"), 20_000)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		await(t, "it is said", 20*time.Second, func() bool {
			s := r.State()
			return len(s) == 1 && s[0].Phase == Suspended && strings.Contains(s[0].Detail, "max.message.bytes") && s[0].Copied == 300
		})
		large := "100000"
		if _, err := g.admin(t, replicator.Secondary).AlterTopicConfigs(context.Background(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &large}}, topic); err != nil {
			t.Fatal(err)
		}
		g.produce(t, replicator.Primary, topic, 300, 10)
		g.settle(t, r, topic)
		g.exact(t, r, topic, judge.Options{})
	})
}

// Either region goes away and comes back; with the primary gone a fresh process still answers from the index.
func TestRegionsComeAndGo(t *testing.T) {
	g := embedded(t)
	topic := "away"
	g.create(t, replicator.Primary, topic, 2, nil)
	dir := t.TempDir()
	r := g.mirror(t, dir, topic)
	g.produce(t, replicator.Primary, topic, 0, 500)
	g.settle(t, r, topic)
	for _, region := range g.regions {
		region.Kill()
		time.Sleep(300 * time.Millisecond)
		if err := region.Restart(); err != nil {
			t.Fatal(err)
		}
		g.produce(t, replicator.Primary, topic, r.total(), 200)
		g.settle(t, r, topic)
		g.exact(t, r, topic, judge.Options{})
	}
	want := r.Forward(topic, [16]byte{}, 0, 17)
	r.stop(t)

	g.regions[0].Kill()
	r = g.mirror(t, dir, topic)
	await(t, "positions without a primary", 20*time.Second, func() bool {
		return r.Forward(topic, [16]byte{}, 0, 17).Position == want.Position
	})
	if err := g.regions[0].Restart(); err != nil {
		t.Fatal(err)
	}
	g.produce(t, replicator.Primary, topic, 10_000, 100)
	g.settle(t, r, topic)
	if s := g.exact(t, r, topic, judge.Options{}); s.Foreign > 0 {
		t.Errorf("%+v", s)
	}
}

func (r *running) total() int {
	n := 0
	for _, s := range r.State() {
		n += int(s.Copied)
	}
	return n
}
