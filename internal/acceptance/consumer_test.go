package acceptance

import (
	"fmt"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// Issue 6, scenario 4: a Java consumer commits on the primary, is stopped, and is started against the secondary under the same
// group id: it resumes at exactly the next record. While it runs there leftoff does not write it, nor after it stopped
// again, nor after leftoff was started again, with its disk or without; while a consumer on the primary goes on committing all the time.
// Until it is reclaimed.
func TestConsumerMovesToTheSecondary(t *testing.T) {
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) { moves(t, protocol) })
	}
}

func moves(t *testing.T, protocol string) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "move-"+protocol) + "."
	topic, group := prefix+"payments", prefix+"app"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 1_000, 0)
	b := watch(t, primary, secondary, prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	r := start(t, s)

	options := rig.ConsumerOptions{Group: group, Topics: []string{topic}, Protocol: protocol, Reset: "earliest", Limit: 400}
	there := rig.StartJavaConsumer(t, primary, options)
	there.WaitRecords(t, 400)
	there.Commit(t)
	there.Close(t)
	r.waitSettled(30*time.Second, group)

	options.Reset, options.Limit = "none", 100
	here := rig.StartJavaConsumer(t, secondary, options)
	first := here.WaitRecords(t, 100)[0]
	if want := string(paymentRecord(400, 0).Value); first.Value != rig.Sum([]byte(want)) {
		t.Fatalf("resumed at offset %d with another record than the next one", first.Offset)
	}

	// It lives on the secondary now: what a consumer on the primary commits no longer reaches it.
	stop := produceSteadily(t, primary, topic)
	rival := joinGroup(t, primary, group, topic)
	goesOn(t, r, primary, group, topic)
	untouched(t, r, b, group, replicator.GroupLive)
	here.Commit(t)
	own := committed(t, secondary, group, topic)
	here.Close(t)
	for _, restart := range []func(*testing.T, *running, spec) *running{nil, restarted, again} { // as it is, with its disk, and without
		if restart != nil {
			r = restart(t, r, s)
		}
		goesOn(t, r, primary, group, topic)
		untouched(t, r, b, group, replicator.TakenOver)
	}
	if now := committed(t, secondary, group, topic); fmt.Sprint(now) != fmt.Sprint(own) {
		t.Errorf("the consumer's own commit %v became %v", own, now)
	}
	b.lawful(judge.Rules{}, b.compare(topic, judge.Options{}))

	stop()
	rival.leave()
	reclaim(t, r, group)
	r.waitSettled(30*time.Second, group)
	b.exact(b.compare(topic, judge.Options{}))
}

// goesOn waits until leftoff has read commits of a group that are made on the primary from now on.
func goesOn(t *testing.T, r *running, primary *rig.Cluster, group, topic string) {
	t.Helper()
	was, read := committed(t, primary, group, topic)[0], int64(0)
	newer := func() bool {
		g, _ := r.group(group)
		for _, e := range g.Entries {
			read = e.Commit.Offset
		}
		return read > was
	}
	if !eventually(30*time.Second, newer) {
		t.Fatalf("leftoff has read the commit of %d, and on the primary was %d", read, was)
	}
}

// restarted stops a daemon, and starts it again on its disk.
func restarted(t *testing.T, r *running, s spec) *running {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	return start(t, s)
}

// untouched waits until leftoff has read the primary's newest commit and holds the group back for the reason, and checks
// that it wrote nothing since the consumer came.
func untouched(t *testing.T, r *running, b *bench, group string, why replicator.Reason) {
	t.Helper()
	var last replicator.GroupSnapshot
	held := func() bool {
		g, ok := r.group(group)
		last = g
		return ok && len(g.Entries) > 0 && g.Entries[0].Reason == why && !g.Entries[0].Write
	}
	if !eventually(30*time.Second, held) {
		t.Fatalf("group %s is not held as %s: %+v", group, why, last)
	}
	b.caughtUp()
	lived := false
	for _, w := range b.history.Secondary.Writes() {
		if w.Group != group || w.Value == nil {
			continue
		}
		if !w.Value.Stamped() {
			lived = true
		} else if lived {
			t.Fatalf("leftoff wrote %d after the group's own commit", w.Value.Offset)
		}
	}
}
