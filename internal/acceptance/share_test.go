package acceptance

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/verify"
	"github.com/leftoff/leftoff/translate"
)

// Share groups (KIP-932) as share consumers make them, on a mirrored topic, and consumer groups of the same names on the other side:
//
//	           primary           secondary
//	queue      a share group     nothing; later the share group itself
//	elsewhere  a share group     a consumer group
//	inTheWay   a consumer group  a share group
//	followed   a consumer group  what leftoff writes
//
// Under the first three names leftoff writes nothing, and hurts nobody.
func TestShareGroupsOnBothSides(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "share") + "."
	topic := prefix + "payments"
	queue, elsewhere, inTheWay, followed := prefix+"queue", prefix+"elsewhere", prefix+"in-the-way", prefix+"followed"
	primary.CreateTopic(t, topic, 1, nil)
	const gone = 50 // so that the copies stand elsewhere
	fill(t, primary, topic, 0, gone+toShare, 0)
	if _, err := primary.Admin().DeleteRecords(t.Context(), kadm.Offsets{topic: {0: {At: gone, Topic: topic}}}); err != nil {
		t.Fatal(err)
	}
	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	commit(t, primary, followed, topic, map[int32]int64{0: 200})
	r.waitSettled(time.Minute, followed) // so the copy of the topic is there

	here := rig.StartShareConsumers(t, primary, topic, queue, elsewhere)
	there := rig.StartShareConsumers(t, secondary, topic, inTheWay)[0]
	there.WaitRecords(t, toShare)
	readsAndLeaves(t, secondary, elsewhere, topic)
	for _, c := range here {
		c.WaitRecords(t, toShare)
		c.Close(t)
	}
	if got := b.groups(primary, "share"); !slices.Equal(got, []string{elsewhere, queue}) {
		t.Fatalf("share groups on the primary: %v", got)
	}

	b.heldAsShared(r, inTheWay, topic, 100) // its members are there
	there.Close(t)
	b.heldAsShared(r, inTheWay, topic, 110)
	commit(t, primary, followed, topic, map[int32]int64{0: 210})
	r.waitSettled(30*time.Second, followed)
	for _, g := range []string{queue, elsewhere} {
		if s, ok := r.group(g); ok {
			t.Errorf("%s has no offsets on the primary, and is planned for: %+v", g, s)
		}
	}
	if got := b.groups(secondary); !slices.Equal(got, []string{elsewhere, followed, inTheWay}) {
		t.Errorf("groups on the secondary: %v", got)
	}

	// Nothing is in the way of the share group there, and by hand it can be carried over.
	fill(t, primary, topic, 1_000, 40, 0)
	from, end := carryOver(t, r, primary, secondary, queue, topic), ends(t, primary, topic)[0]-gone
	if n := shares(t, secondary, queue, topic, end); n != end-from {
		t.Errorf("given %d records of those from %d to %d", n, from, end)
	}
	if got := b.groups(secondary, "share"); !slices.Equal(got, []string{inTheWay, queue}) {
		t.Errorf("share groups on the secondary: %v", got)
	}
	b.neverWritten(queue, elsewhere, inTheWay)
	if now := committed(t, secondary, elsewhere, topic)[0]; now != toShare {
		t.Errorf("the consumer's own %d became %d", toShare, now)
	}
	b.verified(map[string]verify.Verdict{followed: verify.SameRecord, inTheWay: verify.NoOffset})
	healthy(t, r)
	b.lawful(judge.Rules{Holds: map[judge.Key]string{{Group: inTheWay, Topic: topic}: "share_group"}}, b.compare(topic, judge.Options{}))

	// Deleted, they are share groups no more: their names are free for others.
	deleteGroups(t, secondary, inTheWay, queue)
	r.waitSettled(30*time.Second, inTheWay)
	deleteGroups(t, primary, queue)
	commit(t, primary, queue, topic, map[int32]int64{0: 120})
	r.waitSettled(30*time.Second, queue)
	b.lawful(judge.Rules{Reclaimed: map[string]bool{inTheWay: true, queue: true}}, b.compare(topic, judge.Options{})) // to the judge members are members
}

func deleteGroups(t *testing.T, c *rig.Cluster, groups ...string) {
	t.Helper()
	deleted, err := c.Admin().DeleteGroups(t.Context(), groups...)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// toShare is how many records there are at first.
const toShare = 300

// readsAndLeaves has a consumer read a topic of one partition to its end, commit, and leave.
func readsAndLeaves(t *testing.T, c *rig.Cluster, group, topic string) {
	t.Helper()
	m := joinGroup(t, c, group, topic)
	defer m.leave()
	end := ends(t, c, topic)[0]
	if !eventually(30*time.Second, func() bool { return committed(t, c, group, topic)[0] == end }) {
		t.Fatalf("%s stands at %v, not %d", group, committed(t, c, group, topic), end)
	}
}

// carryOver sets a share group's start on the secondary to where it is on the primary, as an operator would.
func carryOver(t *testing.T, r *running, primary, secondary *rig.Cluster, group, topic string) (from int64) {
	t.Helper()
	here, err := primary.Admin().DescribeShareGroupOffsets(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := here[group].Offsets.Lookup(topic, 0)
	m, err := r.d.Translate(t.Context(), api.Query{Topic: topic, Offset: o.StartOffset})
	if err != nil || m.Position.Confidence != translate.Exact {
		t.Fatalf("%+v is %+v on the secondary: %v", o, m, err)
	}
	t.Logf("its start is %d on the primary, which is %d on the secondary", o.StartOffset, m.Position.Offset)
	set, err := secondary.Admin().AlterShareGroupOffsets(t.Context(), group, kadm.Offsets{m.Topic: {0: {At: m.Position.Offset, Topic: m.Topic}}})
	if err == nil {
		err = set.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	return m.Position.Offset
}

// shares has a share consumer, of a second client library, take what there is below the end; n is how many records that were.
func shares(t *testing.T, c *rig.Cluster, group, topic string, end int64) (n int64) {
	t.Helper()
	client := c.Client(t, kgo.ShareGroup(group), kgo.ConsumeTopics(topic))
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for next := int64(0); next < end; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("share group %s was given %d records: %v", group, n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { n, next = n+1, max(next, r.Offset+1) })
	}
	if err := client.FlushAcks(ctx); err != nil {
		t.Error(err)
	}
	return n
}

// groups are those of this test on a cluster, of some types or of all, by the cluster's own word, sorted.
func (b *bench) groups(c *rig.Cluster, types ...string) []string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	listed, err := c.Admin().ListGroupsByType(ctx, types)
	if err != nil {
		b.t.Fatal(err)
	}
	all := slices.DeleteFunc(listed.Groups(), func(g string) bool { return !strings.HasPrefix(g, b.prefix) })
	slices.Sort(all)
	return all
}

// heldAsShared commits on the primary, and waits until leftoff holds that because of a share group.
func (b *bench) heldAsShared(r *running, group, topic string, offset int64) {
	b.t.Helper()
	commit(b.t, b.primary, group, topic, map[int32]int64{0: offset})
	var last replicator.GroupSnapshot
	if !eventually(30*time.Second, func() bool {
		last, _ = r.group(group)
		return len(last.Entries) == 1 && last.Entries[0].Commit.Offset == offset && last.Entries[0].Reason == replicator.ShareGroupID && !last.Entries[0].Write
	}) {
		b.t.Fatalf("not held as a share group: %+v", last)
	}
}

// neverWritten asserts that leftoff has written no offset of these groups, not even one that was replaced since.
func (b *bench) neverWritten(groups ...string) {
	b.t.Helper()
	b.caughtUp()
	for _, w := range b.history.Secondary.Writes() {
		if slices.Contains(groups, w.Group) && (w.Value == nil || w.Value.Stamped()) {
			b.t.Errorf("on the secondary: %+v", w)
		}
	}
}

// verified asserts what `leftoff verify`, which asks both clusters about all groups of the primary, finds of those of this test.
func (b *bench) verified(want map[string]verify.Verdict) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var sides [2]*kafka.Cluster
	for i, c := range []*rig.Cluster{b.primary, b.secondary} {
		sides[i] = kafka.Open(kafka.Config{Name: replicator.Side(i).String(), Brokers: c.Bootstrap()}, zap.NewNop())
		defer sides[i].Close()
	}
	report, err := verify.Check(ctx, sides[0], sides[1], verify.Options{Groups: func(g string) bool { return strings.HasPrefix(g, b.prefix) }})
	if err != nil {
		b.t.Fatal(err)
	}
	found := map[string]verify.Verdict{}
	for _, row := range report.Rows {
		found[row.Group] = row.Verdict
	}
	if !maps.Equal(found, want) || len(report.Problems) > 0 {
		b.t.Errorf("verified: %v %q, want %v", found, report.Problems, want)
	}
}
