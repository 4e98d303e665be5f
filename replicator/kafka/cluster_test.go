package kafka

import (
	"errors"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestClusterIDAndTopics(t *testing.T) {
	k := fake(t, 3, kfake.ClusterID("the-id"))
	c := open(t, k.ListenAddrs())
	id, err := c.ClusterID(within(t))
	if err != nil || id != "the-id" {
		t.Fatalf("cluster id %q, %v", id, err)
	}
	brokers, err := c.Brokers(within(t))
	if err != nil || len(brokers) != 3 {
		t.Fatalf("brokers %v, %v", brokers, err)
	}
	topics, err := c.Topics(within(t), []string{"t", "nowhere"})
	if err != nil || len(topics) != 1 {
		t.Fatalf("topics %v, %v", topics, err)
	}
	if info := topics["t"]; len(info.Partitions) != 3 || info.ID == [16]byte{} || info.Internal || info.Err != nil {
		t.Fatalf("topic %+v", info)
	}
	all, err := c.Topics(within(t), nil)
	if err != nil || len(all) != 1 {
		t.Fatalf("all topics %v, %v", all, err)
	}
}

func TestListOffsets(t *testing.T) {
	k := fake(t, 4)
	c := open(t, k.ListenAddrs())
	w := writer(t, k.ListenAddrs())
	for i, tp := range tps("t", 4) {
		write(t, w, tp, 0, i)
	}
	at, err := c.ListOffsets(within(t), Latest, append(tps("t", 4), TopicPartition{"t", 9}, TopicPartition{"nowhere", 0}))
	if err != nil || len(at) != 6 {
		t.Fatalf("%v, %v", at, err)
	}
	for i, tp := range tps("t", 4) {
		if r := at[tp]; r.Err != nil || r.Offset != int64(i) {
			t.Errorf("%v: %+v", tp, r)
		}
	}
	for _, tp := range []TopicPartition{{"t", 9}, {"nowhere", 0}} {
		if r := at[tp]; !errors.Is(r.Err, ErrUnknownTopic) || Classify(r.Err) != Missing {
			t.Errorf("%v: %+v", tp, r)
		}
	}
	early, _ := c.ListOffsets(within(t), Earliest, tps("t", 4))
	for _, tp := range tps("t", 4) {
		if early[tp].Offset != 0 || early[tp].Err != nil {
			t.Errorf("%v: %+v", tp, early[tp])
		}
	}
}

func TestListOffsetsFollowsLeaders(t *testing.T) {
	k := fake(t, 6)
	c := open(t, k.ListenAddrs())
	w := writer(t, k.ListenAddrs())
	for _, tp := range tps("t", 6) {
		write(t, w, tp, 0, 5)
	}
	for round := range 5 {
		for _, tp := range tps("t", 6) {
			if err := k.MoveTopicPartition(tp.Topic, tp.Partition, int32(round%3)); err != nil {
				t.Fatal(err)
			}
		}
		at, err := c.ListOffsets(within(t), Stable, tps("t", 6))
		if err != nil {
			t.Fatal(err)
		}
		for tp, r := range at {
			if r.Err != nil || r.Offset != 5 {
				t.Fatalf("round %d, %v: %+v", round, tp, r)
			}
		}
	}
}

func TestFetchOne(t *testing.T) {
	k := fake(t, 1)
	c := open(t, k.ListenAddrs())
	tp := TopicPartition{"t", 0}
	write(t, writer(t, k.ListenAddrs()), tp, 0, 10)
	got, err := c.FetchOne(within(t), tp, 4, 1)
	if err != nil || got.Records() != 6 || got.Batches[0].Records[0].Offset != 4 || string(got.Batches[0].Records[0].Value) != "value 4" || got.Next != 10 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err = c.FetchOne(within(t), tp, 10, 1); err != nil || got.Records() != 0 || got.Next != 10 || got.HighWatermark != 10 {
		t.Fatalf("at the end: %+v, %v", got, err)
	}
	if _, err = c.FetchOne(within(t), tp, 11, 1); !errors.Is(err, ErrOffsetOutOfRange) || Classify(err) != OutOfRange {
		t.Fatalf("beyond the end: %v", err)
	}
}

func TestCreateTopicAndPartitions(t *testing.T) {
	k := fake(t, 1)
	c := open(t, k.ListenAddrs())
	spec := TopicSpec{Name: "made", Partitions: 3, Replication: -1, Configs: map[string]string{"cleanup.policy": "compact"}}
	if err := c.CreateTopic(within(t), spec); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic(within(t), spec); !errors.Is(err, ErrTopicExists) {
		t.Fatalf("again: %v", err)
	}
	if err := c.CreatePartitions(within(t), "made", 5); err != nil {
		t.Fatal(err)
	}
	topics, err := c.Topics(within(t), []string{"made"})
	if err != nil || len(topics["made"].Partitions) != 5 {
		t.Fatalf("%v, %v", topics, err)
	}
	configs, err := c.TopicConfigs(within(t), "made")
	if err != nil || configs["cleanup.policy"] != (TopicConfig{"compact", true}) {
		t.Fatalf("%v, %v", configs, err)
	}
	if set := configs["retention.ms"].Set; set {
		t.Error("retention.ms was not set on the topic")
	}
}

func TestTemporaryErrorsAreOutwaited(t *testing.T) {
	k := fake(t, 1)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.OffsetNotAvailable, Count: 3})
	c := open(t, k.ListenAddrs())
	at, err := c.ListOffsets(within(t), Latest, tps("t", 1))
	if r := at[TopicPartition{"t", 0}]; err != nil || r.Err != nil || r.Offset != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestMechanismsAreSorted(t *testing.T) {
	if !slices.IsSorted(Mechanisms()) {
		t.Error(Mechanisms())
	}
}
