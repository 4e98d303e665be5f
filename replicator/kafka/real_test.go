package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/internal/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// stored reads what stands in __consumer_offsets for a group, raw.
func stored(t *testing.T, k *rig.Cluster, group string) (values []kmsg.OffsetCommitValue, versions []int16) {
	t.Helper()
	cl := k.Client(t, kgo.ConsumeTopics(offsetsTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(values) == 0 {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			var key kmsg.OffsetCommitKey
			var value kmsg.OffsetCommitValue
			if len(r.Key) > 1 && r.Key[1] <= 1 && key.ReadFrom(r.Key) == nil && key.Group == group && value.ReadFrom(r.Value) == nil {
				values, versions = append(values, value), append(versions, value.Version)
			}
		})
		if ctx.Err() != nil {
			t.Fatal("nothing stored")
		}
	}
	return values, versions
}

// The stamp: a version 4 commit is stored as v1, with exactly the retention sent.
func TestRealCommitKeepsTheStamp(t *testing.T) {
	_, secondary := rig.Shared(t)
	topic := rig.Name(t, "stamped")
	secondary.CreateTopic(t, topic, 2, nil)
	c := open(t, secondary.Bootstrap())
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	group := rig.Name(t, "group")
	const retention = 90*24*time.Hour + 1234*time.Millisecond
	results, err := m.Commit(within(t), group, retention, commits(topic, 7, 0))
	if err = errors.Join(append(results, err)...); err != nil {
		t.Fatal(err)
	}
	values, versions := stored(t, secondary, group)
	for i, v := range values {
		if versions[i] != 1 || v.ExpireTimestamp-v.CommitTimestamp != retention.Milliseconds() || v.LeaderEpoch > 0 {
			t.Errorf("stored %+v", v)
		}
	}
	got, err := c.FetchOffsets(within(t), map[string][]TopicPartition{group: nil, "nobody": nil})
	if err != nil || len(got) != 2 || got[group][TopicPartition{topic, 0}] != (CommittedOffset{Offset: 7, LeaderEpoch: -1, Metadata: "m0"}) || len(got["nobody"]) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if !c.coordinators.guesses || c.coordinators.wrong > 0 || c.coordinators.right == 0 {
		t.Errorf("the hash rule: %d right, %d wrong", c.coordinators.right, c.coordinators.wrong)
	}
	if err := c.DeleteGroup(within(t), group); err != nil {
		t.Error(err)
	}
}

func TestRealCommitRefusals(t *testing.T) {
	_, secondary := rig.Shared(t)
	topic := rig.Name(t, "refused")
	secondary.CreateTopic(t, topic, 1, nil)
	c := open(t, secondary.Bootstrap())
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	offsets := []CommitOffset{{Topic: topic, Offset: 1}, {Topic: topic, Partition: 9, Offset: 1}, {Topic: "nowhere", Offset: 1}}
	for _, retention := range []time.Duration{0, time.Hour} {
		results, err := m.Commit(within(t), rig.Name(t, "group"), retention, offsets)
		if err != nil || results[0] != nil || Classify(results[1]) != Missing || Classify(results[2]) != Missing {
			t.Errorf("%v, %v", results, err)
		}
	}
	large := []CommitOffset{{Topic: topic, Offset: 1, Metadata: string(make([]byte, 5000))}}
	if results, err := m.Commit(within(t), rig.Name(t, "group"), time.Hour, large); err != nil || results[0] != ErrMetadataDropped {
		t.Errorf("%v, %v", results, err)
	}
	for _, protocol := range []string{"classic", "consumer"} {
		group := rig.Name(t, protocol)
		join := rig.StartJavaConsumer(t, secondary, rig.ConsumerOptions{Topics: []string{topic}, Group: group, Protocol: protocol, Reset: "earliest"})
		join.WaitAssigned(t, 1)
		for _, retention := range []time.Duration{0, time.Hour} {
			if results, err := m.Commit(within(t), group, retention, offsets[:1]); err != nil || Classify(results[0]) != Live {
				t.Errorf("%s: %v, %v", protocol, results, err)
			}
		}
		if d, err := c.DescribeGroup(within(t), group); err != nil || !d.Live() || d.Type != protocol {
			t.Errorf("%+v, %v", d, err)
		}
		join.Close(t)
		rig.Eventually(t, patience, "empty", func() error {
			results, err := m.Commit(within(t), group, time.Hour, offsets[:1])
			return errors.Join(append(results, err)...)
		})
		if d, err := c.DescribeGroup(within(t), group); err != nil || d.Live() || d.State != "Empty" {
			t.Errorf("%+v, %v", d, err)
		}
	}
}

// More than a batch of the offsets topic holds: 300 times 4 kB of metadata.
func TestRealCommitLargeRequests(t *testing.T) {
	_, secondary := rig.Shared(t)
	topic := rig.Name(t, "large")
	secondary.CreateTopic(t, topic, 300, nil)
	m := open(t, secondary.Bootstrap()).NewCommitter(CommitterOptions{})
	defer m.Close()
	offsets := make([]CommitOffset, 300)
	for i := range offsets {
		offsets[i] = CommitOffset{Topic: topic, Partition: int32(i), Offset: int64(i), Metadata: strings.Repeat("m", 4000)}
	}
	group := rig.Name(t, "group")
	results, err := m.Commit(within(t), group, time.Hour, offsets)
	if err = errors.Join(append(results, err)...); err != nil {
		t.Fatal(err)
	}
}

func TestRealProduceAndFetch(t *testing.T) {
	primary, _ := rig.Shared(t)
	topic := rig.Name(t, "copied")
	primary.CreateTopic(t, topic, 4, nil)
	c := open(t, primary.Bootstrap())
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	r := read(t, c, FetchOptions{})
	ends := map[TopicPartition]int64{}
	for _, tp := range tps(topic, 4) {
		feed(t, p, id, tp, 50)
		ends[tp] = 500
		r.assign(tp, 0)
	}
	r.until(ends)
	tp := TopicPartition{topic, 0}
	states, err := c.DescribeProducers(within(t), tp)
	if err != nil || len(states) != 1 || states[0].ID != id.ID || states[0].LastSequence != 499 || states[0].OpenTxnStart != -1 {
		t.Errorf("%+v, %v", states, err)
	}
	var a answers
	p.Produce(tp, batchOf(id, tp, 480, 10), a.done(0))
	p.Produce(tp, batchOf(id, tp, 700, 10), a.done(1))
	got, _ := a.wait(t, 2)
	if got[0].Err != nil || got[0].BaseOffset != 480 || Classify(got[1].Err) != Sequence {
		t.Errorf("%+v", got)
	}
}

// Transactions: control batches are there, aborted records are listed under read committed, and an open transaction holds read committed back.
func TestRealTransactions(t *testing.T) {
	primary, _ := rig.Shared(t)
	topic := rig.Name(t, "transactions")
	primary.CreateTopic(t, topic, 1, nil)
	tp := TopicPartition{topic, 0}
	w := primary.Client(t, kgo.TransactionalID(rig.Name(t, "tx")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := w.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			if err := w.ProduceSync(within(t), &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%d %d", i, n)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.EndTransaction(within(t), end); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, primary.Bootstrap())
	for _, isolation := range []Isolation{ReadUncommitted, ReadCommitted} {
		f := c.NewFetcher(FetchOptions{Isolation: isolation})
		f.Assign(tp, 0)
		var batches []Batch
		var aborted []AbortedTxn
		for next := int64(0); next < 8; {
			some, err := f.Poll(within(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range some {
				next, batches, aborted = s.Next, append(batches, s.Batches...), append(aborted, s.Aborted...)
			}
		}
		f.Close()
		controls := 0
		for _, b := range batches {
			if !b.Transactional {
				t.Errorf("not transactional: %+v", b)
			}
			if b.Control {
				controls++
				if kind := b.Records[0].Key[3]; kind != byte(1-(controls-1)) { // commit, then abort
					t.Errorf("marker %d: %v", controls, b.Records[0].Key)
				}
			}
		}
		if controls != 2 || (isolation == ReadCommitted) != (len(aborted) == 1 && aborted[0].FirstOffset == 4) {
			t.Errorf("isolation %d: %d markers, aborted %v", isolation, controls, aborted)
		}
	}
}

func TestRealAdmin(t *testing.T) {
	_, secondary := rig.Shared(t)
	c := open(t, secondary.Bootstrap())
	if id, err := c.ClusterID(within(t)); err != nil || id != secondary.ID() {
		t.Fatal(id, err)
	}
	topic := rig.Name(t, "made")
	spec := TopicSpec{Name: topic, Partitions: 3, Replication: -1, Configs: map[string]string{"cleanup.policy": "compact", "retention.ms": "12345"}}
	if err := c.CreateTopic(within(t), spec); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic(within(t), spec); !errors.Is(err, ErrTopicExists) {
		t.Errorf("again: %v", err)
	}
	if err := c.CreatePartitions(within(t), topic, 6); err != nil {
		t.Fatal(err)
	}
	configs, err := c.TopicConfigs(within(t), topic)
	if err != nil || configs["retention.ms"] != (TopicConfig{"12345", true}) || configs["max.message.bytes"].Set {
		t.Errorf("%v, %v", configs, err)
	}
	topics, err := c.Topics(within(t), []string{topic, "nowhere"})
	if err != nil || len(topics) != 1 || len(topics[topic].Partitions) != 6 {
		t.Errorf("%+v, %v", topics, err)
	}
	spec.Name, spec.Configs = rig.Name(t, "odd"), map[string]string{"cleanup.policy": "sometimes"}
	if err := c.CreateTopic(within(t), spec); err == nil || Classify(err) != Fatal {
		t.Errorf("odd config: %v", err)
	}
}
