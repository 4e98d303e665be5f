package acceptance

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/translate"
)

// Scenario 5, the primary's topic is deleted and created again: commits of the new one map to the new records, which
// stand behind the old ones on the secondary.
func TestTopicRecreatedOnThePrimary(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "recreated") + "."
	topic, group := prefix+"payments", prefix+"group"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 1_000, 0)
	commit(t, primary, group, topic, map[int32]int64{0: 600})
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	r.waitSettled(60*time.Second, group)

	primary.DeleteTopic(t, topic)
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 5_000, 300, 0)
	commit(t, primary, group, topic, map[int32]int64{0: 100})
	const want = 1_000 + 100
	if !eventually(60*time.Second, func() bool { return committed(t, secondary, group, topic)[0] == want }) {
		t.Fatalf("holds %v, want %d: %s", committed(t, secondary, group, topic), want, r.unsettled([]string{group}))
	}
	r.waitSettled(30*time.Second, group)
}

// The secondary's topic is deleted and created again: it is copied anew, and no position of the old one stays.
func TestTopicRecreatedOnTheSecondary(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "lost") + "."
	topic, group := prefix+"payments", prefix+"group"
	primary.CreateTopic(t, topic, 1, nil)
	fillTransactions(t, primary, topic, 20, 10, false) // markers: the copies' offsets differ from the primary's
	end := ends(t, primary, topic)
	commit(t, primary, group, topic, map[int32]int64{0: end[0] - 20})
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	r.waitSettled(60*time.Second, group)

	secondary.DeleteTopic(t, topic)
	b := watch(t, primary, secondary, prefix)
	back := func() bool {
		listed, err := secondary.Admin().ListCommittedOffsets(context.Background(), topic)
		if err != nil || listed.Error() != nil {
			return false
		}
		o, ok := listed.Lookup(topic, 0)
		return ok && o.Offset == 180 && r.unsettled([]string{group}) == ""
	}
	if !eventually(60*time.Second, back) {
		t.Fatalf("not copied anew: %s", r.unsettled([]string{group}))
	}
	b.exact(b.compare(topic, judge.Options{}))
}

// The secondary's log start moves past a position: the position is raised at once, because a consumer below it would get
// OFFSET_OUT_OF_RANGE and, under auto.offset.reset=latest, skip everything.
func TestLogStartPassesAPosition(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "logstart") + "."
	topic, group := prefix+"payments", prefix+"group"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 1_000, 0)
	commit(t, primary, group, topic, map[int32]int64{0: 100})
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	r.waitSettled(60*time.Second, group)
	before := time.Now()
	deleteBelow(t, secondary, topic, 400)
	if !eventually(20*time.Second, func() bool { return committed(t, secondary, group, topic)[0] == 400 }) {
		t.Fatalf("holds %v, want 400: %s", committed(t, secondary, group, topic), r.unsettled([]string{group}))
	}
	t.Logf("raised %v after the log start moved", time.Since(before).Round(time.Millisecond))
}

func deleteBelow(t *testing.T, c *rig.Cluster, topic string, offset int64) {
	t.Helper()
	o := kadm.Offsets{}
	o.AddOffset(topic, 0, offset, -1)
	deleted, err := c.Admin().DeleteRecords(context.Background(), o)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A mirrored topic that ends in an aborted batch: a group that has read everything is exact, not behind for ever.
func TestTopicThatEndsInAnAbortedBatch(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "aborted") + "."
	topic, group := prefix+"payments", prefix+"group"
	primary.CreateTopic(t, topic, 1, nil)
	fillTransactions(t, primary, topic, 10, 10, true)
	commit(t, primary, group, topic, ends(t, primary, topic))
	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	r.waitSettled(60*time.Second, group)
	if g, _ := r.group(group); g.Entries[0].Position.Confidence != translate.Exact {
		t.Fatalf("%+v", g.Entries[0])
	}
	copies := b.compare(topic, judge.Options{})
	b.exact(copies)
	b.lawful(judge.Rules{}, copies)
}
