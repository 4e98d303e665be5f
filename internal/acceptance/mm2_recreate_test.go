package acceptance

import (
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// recreated: the topic is deleted and created again under a running MirrorMaker 2, first on the secondary, then on the primary.
// Old anchors, syncs and runs must not be used: what was committed since then is exact over the new records.
func recreated(t *testing.T, primary, secondary *rig.Cluster) {
	prefix := rig.Name(t, "again") + "."
	topic := prefix + "payments"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 2_000, 0)
	b := watch(t, primary, secondary, prefix)
	mirror := startMirrorMaker(t, primary, secondary, prefix, map[string]string{"refresh.topics.interval.seconds": "2"})
	defer mirror.Stop()
	b.waitMirrored(time.Minute, copyOf(topic, judge.Options{}))
	before := commitLagging(t, primary, prefix+"before-", []int64{0, 700}, topic)
	r := startExact(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mm2", prefix), 20*time.Second, groupsOf(before))

	secondary.DeleteTopic(t, topic)
	if !eventually(time.Minute, func() bool { _, there := endsOf(secondary, topic); return there }) {
		t.Fatal("MirrorMaker 2 did not create the topic again")
	}
	lost := copyUntilThere(t, primary, secondary, topic, 2_000)
	if copies := b.compare(topic, judge.Options{}); copies.Total().Missing == 0 {
		t.Logf("MirrorMaker 2 copied everything again")
	}
	after := commitLagging(t, primary, prefix+"after-", []int64{0, 1, 150}, topic)
	r.settles(time.Minute, groupsOf(after)...)
	copies := b.compare(topic, judge.Options{})
	b.of(t, prefix+"after-").exact(copies)

	primary.DeleteTopic(t, topic)
	primary.CreateTopic(t, topic, 1, nil)
	copyUntilThere(t, primary, secondary, topic, lost)
	renewed := commitLagging(t, primary, prefix+"renewed-", []int64{0, 1, 150}, topic)
	r.settles(time.Minute, groupsOf(renewed)...)
	copies = b.compare(topic, judge.Options{Unpaired: judge.UnpairedIsGone})
	b.of(t, prefix+"renewed-").exact(copies)
}

// copyUntilThere appends records to the primary until some of them are on the secondary and nothing is on its way. It returns the
// next number to write.
func copyUntilThere(t *testing.T, primary, secondary *rig.Cluster, topic string, next int) int {
	t.Helper()
	last, since := int64(-1), time.Now()
	rounds := 0
	there := func() bool {
		end, ok := endsOf(secondary, topic)
		switch {
		case !ok:
			return false
		case end[0] != last:
			last, since = end[0], time.Now()
		case rounds < 3 && time.Since(since) > time.Second:
			fill(t, primary, topic, next, 200, 0)
			next, rounds, since = next+200, rounds+1, time.Now()
		}
		return rounds == 3 && time.Since(since) > 2*time.Second && last >= 600
	}
	if !eventually(2*time.Minute, there) {
		t.Fatalf("MirrorMaker 2 does not copy: %d records on the secondary", last)
	}
	return next
}
