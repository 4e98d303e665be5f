package acceptance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// Over a link that keeps offsets, the same offsets resume exactly, however far a group lags.
func TestExactOverIdenticalOffsets(t *testing.T) {
	primary, secondary := rig.Shared(t)
	identical(t, primary, secondary, 5_000)
}

func identical(t *testing.T, primary, secondary *rig.Cluster, n int) {
	prefix := rig.Name(t, "identity") + "."
	topic := prefix + "payments"
	both := []*rig.Cluster{primary, secondary}
	for _, c := range both {
		c.CreateTopic(t, topic, 2, nil)
		fillTimed(t, c, topic, n)
	}
	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "identity", prefix))
	end, begin := ends(t, primary, topic), starts(t, primary, topic)
	var groups []string
	for _, lag := range []int64{0, 1, 1_000, 1 << 40} {
		group := fmt.Sprintf("%slag-%d", prefix, lag)
		commit(t, primary, group, topic, lagging(end, begin, lag))
		groups = append(groups, group)
	}
	r.waitSettled(60*time.Second, groups...)
	copies := b.compare(topic, judge.Options{})
	b.exact(copies)
	b.lawful(judge.Rules{}, copies)
}

// Equal ends prove nothing: where the records differ, nothing is written, and status says so.
func TestEqualEndsAreNoIdentity(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "differs") + "."
	topic, group := prefix+"payments", prefix+"group"
	for i, c := range []*rig.Cluster{primary, secondary} {
		c.CreateTopic(t, topic, 1, nil)
		fill(t, c, topic, i, 1_000, 0) // shifted by one record: the ends agree, no record does
	}
	commit(t, primary, group, topic, map[int32]int64{0: 500})
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "identity", prefix))
	var last replicator.GroupSnapshot
	held := func() bool {
		last, _ = r.group(group)
		return len(last.Entries) == 1 && last.Entries[0].Reason == replicator.SourceDegraded && last.Entries[0].Detail != ""
	}
	if !eventually(30*time.Second, held) {
		t.Fatalf("not held: %+v", last)
	}
	t.Log(last.Entries[0].Detail)
	if got := committed(t, secondary, group, topic); len(got) != 0 {
		t.Fatalf("wrote %v on a guess", got)
	}
}

// fillTimed produces the same records to every cluster: same offsets, same timestamps.
func fillTimed(t *testing.T, c *rig.Cluster, topic string, n int) {
	t.Helper()
	client := c.Client(t, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range n {
		r := paymentRecord(i, 100)
		r.Timestamp, r.Partition = time.UnixMilli(1_700_000_000_000+int64(i)), int32(i%2)
		client.Produce(context.Background(), r, nil)
	}
	if err := client.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}
