package kafka

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// join makes a member of a group and waits until the group has it.
func join(t *testing.T, k *kfake.Cluster, group string, opts ...kgo.Opt) {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.ListenAddrs()...), kgo.ConsumerGroup(group), kgo.ConsumeTopics("t"), kgo.ClientID("member")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); cl.Close() })
	go cl.PollFetches(ctx)
	if _, err := k.WaitGroupInfo(within(t), group, func(g *kfake.GroupInfo) bool { return g != nil && len(g.Members) == 1 }); err != nil {
		t.Fatal(err)
	}
}

func TestGroups(t *testing.T) {
	k := fake(t, 2)
	c := open(t, k.ListenAddrs())
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	m.mustCommit(t, "simple", commits("t", 3, 4))
	join(t, k, "classic")
	//lint:ignore SA1029 franz-go's own way to ask for the protocol of KIP-848
	join(t, k, "modern", kgo.WithContext(context.WithValue(context.Background(), "opt_in_kafka_next_gen_balancer_beta", true)))
	groups, err := c.ListGroups(within(t))
	if err != nil || len(groups) != 3 {
		t.Fatalf("%+v, %v", groups, err)
	}
	for _, g := range groups {
		d, err := c.DescribeGroup(within(t), g.Group)
		if err != nil || d.Live() != (g.Group != "simple") {
			t.Errorf("%+v, %v", d, err)
		}
		if d.Live() && d.Members[0].ClientID != "member" {
			t.Errorf("%+v", d)
		}
		if want := map[string]string{"simple": "classic", "classic": "classic", "modern": "consumer"}[g.Group]; d.Type != want || g.Type != want {
			t.Errorf("%s: %q, listed as %q", g.Group, d.Type, g.Type)
		}
	}
	if d, err := c.DescribeGroup(within(t), "nobody"); err != nil || d.Live() || d.State != dead {
		t.Errorf("%+v, %v", d, err)
	}
	for _, live := range []string{"classic", "modern"} {
		results, err := m.Commit(within(t), live, 1, commits("t", 1))
		if err != nil || Classify(results[0]) != Live {
			t.Errorf("%s: %v, %v", live, results, err)
		}
		if err := c.DeleteGroup(within(t), live); Classify(err) != Live {
			t.Errorf("delete %s: %v", live, err)
		}
	}
	if errs, err := c.DeleteOffsets(within(t), "simple", []TopicPartition{{"t", 1}}); err != nil || errs[0] != nil {
		t.Error(errs, err)
	}
	got, err := c.FetchOffsets(within(t), map[string][]TopicPartition{"simple": nil, "nobody": nil})
	want := map[string]map[TopicPartition]CommittedOffset{"nobody": {}, "simple": {{"t", 0}: {Offset: 3, LeaderEpoch: -1, Metadata: "m0"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := c.DeleteGroup(within(t), "simple"); err != nil {
		t.Error(err)
	}
	if err := c.DeleteGroup(within(t), "simple"); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestFetchOffsetsOfManyGroups(t *testing.T) {
	for name, opts := range map[string][]kfake.Opt{"newest": nil, "2.8": {kfake.MaxVersions(kversion.V2_8_0())}} {
		t.Run(name, func(t *testing.T) {
			k := fake(t, 2, opts...)
			c := open(t, k.ListenAddrs())
			m := c.NewCommitter(CommitterOptions{})
			defer m.Close()
			groups := map[string][]TopicPartition{}
			for i := range 450 {
				g := fmt.Sprint("g", i)
				m.mustCommit(t, g, commits("t", int64(i), 1))
				groups[g] = []TopicPartition{{"t", 0}}
			}
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.CoordinatorLoadInProgress, Group: "g7", Count: 2})
			got, err := c.FetchOffsets(within(t), groups)
			if err != nil || len(got) != 450 {
				t.Fatal(len(got), err)
			}
			for i := range 450 {
				if o := got[fmt.Sprint("g", i)]; len(o) != 1 || o[TopicPartition{"t", 0}].Offset != int64(i) {
					t.Fatalf("g%d: %+v", i, o)
				}
			}
		})
	}
}

// The whole of it, against what older brokers speak.
func TestOlderVersions(t *testing.T) {
	for name, v := range map[string]*kversion.Versions{"2.4": kversion.V2_4_0(), "2.8": kversion.V2_8_0(), "3.5": kversion.V3_5_0(), "3.9": kversion.V3_9_0(), "4.0": kversion.V4_0_0()} {
		t.Run(name, func(t *testing.T) {
			k := fake(t, 2, kfake.MaxVersions(v))
			c := open(t, k.ListenAddrs())
			if _, err := c.ClusterID(within(t)); err != nil {
				t.Fatal(err)
			}
			if err := c.CreateTopic(within(t), TopicSpec{Name: "made", Partitions: 1, Replication: 1}); err != nil {
				t.Fatal(err)
			}
			id := mustInit(t, c)
			p := c.NewProducer(ProducerOptions{})
			defer p.Close()
			tp := TopicPartition{"t", 1}
			feed(t, p, id, tp, 3)
			r := read(t, c, FetchOptions{})
			r.assign(tp, 0)
			r.until(map[TopicPartition]int64{tp: 30})
			if at, err := c.ListOffsets(within(t), Latest, []TopicPartition{tp}); err != nil || at[tp].Offset != 30 {
				t.Fatal(at, err)
			}
			m := c.NewCommitter(CommitterOptions{})
			defer m.Close()
			m.mustCommit(t, "g", commits("t", 1, 2))
			if got, err := c.FetchOffsets(within(t), map[string][]TopicPartition{"g": nil}); err != nil || len(got["g"]) != 2 {
				t.Fatal(got, err)
			}
			if groups, err := c.ListGroups(within(t)); err != nil || len(groups) != 1 {
				t.Fatal(groups, err)
			}
			if d, err := c.DescribeGroup(within(t), "nobody"); err != nil || d.Live() {
				t.Fatal(d, err)
			}
		})
	}
}
