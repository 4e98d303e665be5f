package acceptance

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// Scenario 9, a foreign producer writes into the mirror's target: no position passes its records until a person accepts
// them, and status says so.
func TestForeignRecordsAreNotSkipped(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "foreign") + "."
	topic, group, early := prefix+"payments", prefix+"group", prefix+"early"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 1_000, 0)
	commit(t, primary, early, topic, map[int32]int64{0: 300})
	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	r.waitSettled(60*time.Second, early)
	if !eventually(30*time.Second, func() bool { return endIs(secondary, topic, 1_000) }) {
		t.Fatal("not mirrored")
	}

	intruder := secondary.Client(t, kgo.DefaultProduceTopic(topic))
	for i := range 5 {
		if err := intruder.ProduceSync(context.Background(), &kgo.Record{Value: fmt.Appendf(nil, "intruder %d", i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, primary, topic, 1_000, 500, 0)
	commit(t, primary, group, topic, map[int32]int64{0: 1_200})

	var e replicator.Entry
	capped := func() bool {
		g, ok := r.group(group)
		if !ok || len(g.Entries) == 0 {
			return false
		}
		e = g.Entries[0]
		return e.HasWritten && e.Written == 1_000 && e.Position.Confidence == translate.Floor && strings.Contains(e.Detail, "1000")
	}
	if !eventually(30*time.Second, capped) {
		t.Fatalf("not held at the intruder's first record: %+v", e)
	}
	t.Log(e.Detail)
	b.lawful(judge.Rules{}, b.compare(topic, judge.Options{}))
	if g, _ := r.group(early); g.Entries[0].Position.Confidence != translate.Exact {
		t.Errorf("a group below the foreign records lost its exactness: %+v", g.Entries[0])
	}
}

// A produce is held back in the network, its process is killed, another one goes on, and then the old request lands.
func TestLateProduceOfAKilledProcess(t *testing.T) {
	t.Parallel()
	rig.Require(t)
	primary, secondary := rig.StartTwo(t, rig.Options{Name: "primary"}, rig.Options{Name: "secondary", Proxied: true})
	for _, diskLost := range []bool{false, true} {
		t.Run(fmt.Sprint("disk lost ", diskLost), func(t *testing.T) { lateProduce(t, primary, secondary, diskLost) })
	}
}

func lateProduce(t *testing.T, primary, secondary *rig.Cluster, diskLost bool) {
	prefix := rig.Name(t, "late") + "."
	topic, group := prefix+"payments", prefix+"group"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 1_000, 0)
	b := watch(t, primary, secondary, prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	child := startChild(t, s)
	if !eventually(60*time.Second, func() bool { return endIs(secondary, topic, 1_000) }) {
		t.Fatal("not mirrored")
	}

	hold := secondary.Proxy(t, 1).HoldRequest(rig.ProduceKey)
	fill(t, primary, topic, 1_000, 100, 0)
	select {
	case <-hold.Caught:
	case <-time.After(30 * time.Second):
		t.Fatal("no produce came by")
	}
	child.Process.Kill()
	child.Wait()
	if diskLost {
		if err := os.Remove(s.Index); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, primary, topic, 1_100, 400, 0)
	commit(t, primary, group, topic, map[int32]int64{0: 1_050})
	r := start(t, s)
	r.waitSettled(60*time.Second, group)
	hold.Release()
	fill(t, primary, topic, 1_500, 100, 0)
	commit(t, primary, group, topic, map[int32]int64{0: 1_300})
	r.waitSettled(60*time.Second, group)
	if !eventually(30*time.Second, func() bool { return b.compare(topic, judge.Options{}).Total().Mirrored == 1_600 }) {
		t.Fatalf("mirrored: %+v", b.compare(topic, judge.Options{}).Total())
	}
	r.waitSettled(30*time.Second, group)
	copies := b.compare(topic, judge.Options{})
	t.Logf("%+v", copies.Total())
	if n := copies.Total().Foreign; n != 0 {
		t.Errorf("%d foreign records", n)
	}
	if !diskLost { // the producer's next epoch fences the dead process
		if n := copies.Total().Duplicates; n != 0 {
			t.Errorf("%d duplicates", n)
		}
		b.exact(copies)
	}
	b.atT(copies)
	b.lawful(judge.Rules{}, copies)
}

// endIs asks without failing: the topic may not be there yet.
func endIs(c *rig.Cluster, topic string, want int64) bool {
	listed, err := c.Admin().ListEndOffsets(context.Background(), topic)
	if err != nil {
		return false
	}
	o, ok := listed.Lookup(topic, 0)
	return ok && o.Err == nil && o.Offset == want
}
