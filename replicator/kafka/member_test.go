package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leftoff/leftoff/internal/rig"
)

func mustJoin(t *testing.T, c *Cluster, group string, topics ...string) *Member {
	t.Helper()
	m, err := c.JoinGroup(within(t), group, topics, MemberOptions{Session: 6 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Leave(within(t)) })
	return m
}

// A member alone has every partition, is seen by the coordinator, shuts commits from outside out, and leaves nothing behind.
func TestMember(t *testing.T) {
	k := fake(t, 3)
	asMember(t, k.ListenAddrs(), "t", "group")
}

func TestRealMember(t *testing.T) {
	_, secondary := rig.Shared(t)
	topic := rig.Name(t, "member")
	secondary.CreateTopic(t, topic, 3, nil)
	asMember(t, secondary.Bootstrap(), topic, rig.Name(t, "group"))
}

func asMember(t *testing.T, addrs []string, topic, group string) {
	c := open(t, addrs)
	committer := c.NewCommitter(CommitterOptions{})
	defer committer.Close()
	committer.mustCommit(t, group, commits(topic, 3, 4))
	m := mustJoin(t, c, group, topic)
	if got := m.Assigned(); !slices.Equal(got, tps(topic, 3)) || m.Lost() != nil || m.Generation() < 1 {
		t.Errorf("assigned %v, generation %d, lost: %v", got, m.Generation(), m.Lost())
	}
	d, err := c.DescribeGroup(within(t), group)
	if err != nil || len(d.Members) != 1 || d.Members[0].ID != m.ID() || d.ProtocolType != "consumer" {
		t.Errorf("%+v, %v", d, err)
	}
	got, err := c.FetchOffsets(within(t), map[string][]TopicPartition{group: nil})
	if at := got[group][TopicPartition{topic, 0}]; err != nil || at.Offset != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	if results, _ := committer.Commit(within(t), group, 0, commits(topic, 9)); Classify(results[0]) != Live {
		t.Errorf("a commit from outside: %v", results)
	}
	if err := c.DeleteGroup(within(t), group); Classify(err) != Live {
		t.Errorf("deleted under a member: %v", err)
	}
	for range 2 {
		if err := m.Leave(within(t)); err != nil {
			t.Error(err)
		}
	}
	if err := c.DeleteGroup(within(t), group); err != nil {
		t.Error(err)
	}
}

// A member without topics is assigned nothing, and one whose process died is taken out by whoever knows its id.
func TestRealRemoveMembers(t *testing.T) {
	_, secondary := rig.Shared(t)
	c, group := open(t, secondary.Bootstrap()), rig.Name(t, "beacon")
	m := mustJoin(t, c, group)
	if len(m.Assigned()) > 0 {
		t.Error(m.Assigned())
	}
	for range 2 {
		if err := c.RemoveMembers(within(t), group, []string{m.ID()}); err != nil {
			t.Error(err)
		}
	}
	if d, err := c.DescribeGroup(within(t), group); err != nil || d.Live() {
		t.Errorf("%+v, %v", d, err)
	}
	eventually(t, "it notices", func() error {
		if m.Lost() == nil {
			return errors.New("it does not know")
		}
		return nil
	})
	if Classify(m.Lost()) != Live {
		t.Errorf("lost: %v", m.Lost())
	}
}

// A second member makes the first one's heartbeat say so; alone again, one is the leader of all.
func TestTwoMembers(t *testing.T) {
	k := fake(t, 2, kfake.GroupMinSessionTimeout(100*time.Millisecond))
	c := open(t, k.ListenAddrs())
	first, err := c.JoinGroup(within(t), "group", []string{"t"}, MemberOptions{Session: 400 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.JoinGroup(within(t), "group", []string{"t"}, MemberOptions{Session: 400 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(second.Assigned()) != 2 {
		t.Errorf("assigned %v", second.Assigned())
	}
	eventually(t, "the first one is out", func() error {
		if first.Lost() == nil {
			return errors.New("still in")
		}
		return nil
	})
	for _, m := range []*Member{first, second} {
		if err := m.Leave(within(t)); err != nil {
			t.Error(err)
		}
	}
}

func TestShare(t *testing.T) {
	got := share(map[string][]string{"a": {"x", "y"}, "b": {"y"}, "gone": {"x"}}, map[string]int{"a": 3, "b": 2})
	want := map[string]map[string][]int32{"x": {"a": {0, 2}}, "y": {"a": {1}, "b": {0, 1}}}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if fmt.Sprint(got[id]) != fmt.Sprint(want[id]) {
			t.Errorf("%s: %v, want %v", id, got[id], want[id])
		}
	}
	if len(got) != 2 {
		t.Error(got)
	}
}
