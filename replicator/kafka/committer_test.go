package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func commits(topic string, offsets ...int64) []CommitOffset {
	out := make([]CommitOffset, len(offsets))
	for i, o := range offsets {
		out[i] = CommitOffset{Topic: topic, Partition: int32(i), Offset: o, Metadata: fmt.Sprint("m", i)}
	}
	return out
}

func (m *Committer) mustCommit(t *testing.T, group string, offsets []CommitOffset) {
	t.Helper()
	results, err := m.Commit(within(t), group, time.Hour, offsets)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r != nil {
			t.Fatalf("offset %d: %v", i, r)
		}
	}
}

// holds checks what a group has on the cluster, through another client.
func holds(t *testing.T, addrs []string, group string, want []CommitOffset) {
	t.Helper()
	got, err := kadm.NewClient(writer(t, addrs)).FetchOffsets(within(t), group)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		o, ok := got.Lookup(w.Topic, w.Partition)
		if !ok || o.At != w.Offset || o.Metadata != w.Metadata || o.LeaderEpoch != -1 {
			t.Errorf("%s %s/%d: %+v, want %+v", group, w.Topic, w.Partition, o.Offset, w)
		}
	}
}

func TestCommit(t *testing.T) {
	k := fake(t, 3)
	var versions, retentions sync.Map
	k.ControlKey(int16(kmsg.OffsetCommit), func(q kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		req := q.(*kmsg.OffsetCommitRequest)
		versions.Store(req.Version, true)
		retentions.Store(req.RetentionTimeMillis, true)
		return nil, nil, false
	})
	c := open(t, k.ListenAddrs())
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	m.mustCommit(t, "g", commits("t", 5, 0, 7))
	holds(t, k.ListenAddrs(), "g", commits("t", 5, 0, 7))
	if _, ok := versions.Load(int16(4)); !ok {
		t.Error("not committed with version 4")
	}
	if _, ok := retentions.Load(int64(3600_000)); !ok {
		t.Error("retention was not sent")
	}
	results, err := m.Commit(within(t), "g", 0, commits("t", 6))
	if err != nil || results[0] != nil {
		t.Fatal(results, err)
	}
	if _, ok := versions.Load(int16(8)); !ok {
		t.Error("not committed with version 8")
	}
	holds(t, k.ListenAddrs(), "g", commits("t", 6, 0, 7))
}

func TestCommitManyGroupsInParallel(t *testing.T) {
	k := fake(t, 3)
	c := open(t, k.ListenAddrs())
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	var wg sync.WaitGroup
	for g := range 100 {
		wg.Go(func() {
			for round := range 5 {
				results, err := m.Commit(context.Background(), fmt.Sprint("g", g), time.Hour, commits("t", int64(round), int64(g), 1))
				if err = errors.Join(append(results, err)...); err != nil {
					t.Error(err)
				}
			}
		})
		if g == 50 {
			k.RehashCoordinators()
		}
	}
	wg.Wait()
	for _, g := range []int{0, 17, 99} {
		holds(t, k.ListenAddrs(), fmt.Sprint("g", g), commits("t", 4, int64(g), 1))
	}
}

func TestCommitOutwaitsCoordinators(t *testing.T) {
	for _, e := range []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator} {
		t.Run(e.Message, func(t *testing.T) {
			k := fake(t, 3)
			fault := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: e, Count: 3})
			m := open(t, k.ListenAddrs()).NewCommitter(CommitterOptions{})
			defer m.Close()
			m.mustCommit(t, "g", commits("t", 5, 0, 7))
			holds(t, k.ListenAddrs(), "g", commits("t", 5, 0, 7))
			if fault.Hits() != 3 {
				t.Errorf("%d hits", fault.Hits())
			}
		})
	}
}

func TestCommitSurvivesDroppedConnections(t *testing.T) {
	k := fake(t, 1)
	var n atomic.Int64
	k.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if n.Add(1)%2 == 1 {
			return nil, errors.New("dropped"), true
		}
		return nil, nil, false
	})
	m := open(t, k.ListenAddrs()).NewCommitter(CommitterOptions{})
	defer m.Close()
	for i := range 10 {
		m.mustCommit(t, "g", commits("t", int64(i)))
		holds(t, k.ListenAddrs(), "g", commits("t", int64(i)))
	}
}

// A wrong guess by Kafka's hash rule costs a question, and the rule is dropped after a few.
func TestCommitWhereTheHashRuleIsWrong(t *testing.T) {
	k := fake(t, 1)
	if err := k.CreateTopic(offsetsTopic, 50, nil); err != nil {
		t.Fatal(err)
	}
	c := open(t, k.ListenAddrs())
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	for i := range 30 {
		m.mustCommit(t, fmt.Sprint("g", i), commits("t", 3))
	}
	if c.coordinators.guesses {
		t.Error("the rule is still believed")
	}
}

func TestCommitErrorsByPartition(t *testing.T) {
	k := fake(t, 4)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: "t", Partitions: []int32{1}, Err: kerr.TopicAuthorizationFailed, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: "t", Partitions: []int32{2}, Err: kerr.UnknownTopicOrPartition, Count: -1})
	m := open(t, k.ListenAddrs()).NewCommitter(CommitterOptions{})
	defer m.Close()
	results, err := m.Commit(within(t), "g", time.Hour, commits("t", 1, 2, 3, 4))
	if err != nil || results[0] != nil || results[3] != nil {
		t.Fatal(results, err)
	}
	if Classify(results[1]) != Unauthorized || !strings.Contains(results[1].Error(), "--operation Read --topic t") {
		t.Error(results[1])
	}
	if Classify(results[2]) != Missing || !errors.Is(results[2], ErrUnknownTopic) {
		t.Error(results[2])
	}
	holds(t, k.ListenAddrs(), "g", []CommitOffset{commits("t", 1)[0], commits("t", 1, 2, 3, 4)[3]})
}

func TestCommitDropsMetadataThatIsTooLarge(t *testing.T) {
	k := fake(t, 2)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: "t", Partitions: []int32{1}, Err: kerr.OffsetMetadataTooLarge, Count: 1})
	m := open(t, k.ListenAddrs()).NewCommitter(CommitterOptions{})
	defer m.Close()
	results, err := m.Commit(within(t), "g", time.Hour, commits("t", 1, 2))
	if err != nil || results[0] != nil || results[1] != ErrMetadataDropped {
		t.Fatal(results, err)
	}
	want := commits("t", 1, 2)
	want[1].Metadata = ""
	holds(t, k.ListenAddrs(), "g", want)
}

func TestCommitSplitsLargeRequests(t *testing.T) {
	k := fake(t, 2500)
	var largest, requests atomic.Int64
	k.ControlKey(int16(kmsg.OffsetCommit), func(q kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		requests.Add(1)
		req := q.(*kmsg.OffsetCommitRequest)
		n := 0
		for _, rt := range req.Topics {
			n += len(rt.Partitions)
		}
		largest.Store(max(largest.Load(), int64(n)))
		if n <= 300 {
			return nil, nil, false
		}
		res := req.ResponseKind().(*kmsg.OffsetCommitResponse) // what a batch over max.message.bytes is answered
		for _, rt := range req.Topics {
			out := kmsg.NewOffsetCommitResponseTopic()
			out.Topic = rt.Topic
			for _, p := range rt.Partitions {
				rp := kmsg.NewOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, -1
				out.Partitions = append(out.Partitions, rp)
			}
			res.Topics = append(res.Topics, out)
		}
		return res, nil, true
	})
	m := open(t, k.ListenAddrs()).NewCommitter(CommitterOptions{})
	defer m.Close()
	offsets := make([]int64, 2500)
	for i := range offsets {
		offsets[i] = int64(i)
	}
	m.mustCommit(t, "g", commits("t", offsets...))
	holds(t, k.ListenAddrs(), "g", commits("t", offsets...))
	if largest.Load() != maxCommits {
		t.Errorf("largest request: %d", largest.Load())
	}
}

// The fence: groups with members are refused, in both protocols.
func TestCommitIsRefusedByLiveGroups(t *testing.T) {
	k := fake(t, 1)
	m := open(t, k.ListenAddrs()).NewCommitter(CommitterOptions{})
	defer m.Close()
	member, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go member.PollFetches(ctx)
	if _, err := k.WaitGroupStable(within(t), "g", 1); err != nil {
		t.Fatal(err)
	}
	results, err := m.Commit(within(t), "g", time.Hour, commits("t", 1))
	if err != nil || Classify(results[0]) != Live {
		t.Fatal(results, err)
	}
}

func TestCommitEndsWithItsContext(t *testing.T) {
	k := fake(t, 1)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
	m := open(t, k.ListenAddrs()).NewCommitter(CommitterOptions{})
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	results, _ := m.Commit(ctx, "g", time.Hour, commits("t", 1))
	if Classify(results[0]) != Retry {
		t.Fatal(results)
	}
}

func TestCommitToNobody(t *testing.T) {
	c := open(t, []string{"127.0.0.1:1"})
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	results, err := m.Commit(ctx, "g", time.Hour, commits("t", 1, 2))
	if Classify(err) != Unreachable || len(results) != 2 || !errors.Is(results[0], ErrUnreachable) {
		t.Fatal(results, err)
	}
}

func TestCoordinatingPartition(t *testing.T) {
	for group, want := range map[string]int32{"my-group": 12, "orders": 31, "group-ü": 2, "": 0} {
		if got := CoordinatingPartition(group, 50); got != want {
			t.Errorf("%q: %d, want %d", group, got, want)
		}
	}
	// "polygenelubricants" hashes to Integer.MIN_VALUE in Java.
	if got := CoordinatingPartition("polygenelubricants", 50); got != 0 {
		t.Errorf("MinInt32: %d", got)
	}
}
