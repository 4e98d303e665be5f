package acceptance

import (
	"os"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// The secondary's topics have names of their own, and its `__consumer_offsets` speaks of those: what leftoff wrote is
// recognised there, and what somebody else wrote is respected, also after leftoff lost its disk.
func TestRenamedTopics(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "renamed") + "."
	topic, there, group, strange := prefix+"payments", "west."+prefix+"payments", prefix+"group", prefix+"strange"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 1_000, 0)
	commit(t, primary, group, topic, map[int32]int64{0: 400})
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	s.Prefix = "west."
	r := start(t, s)
	r.waitSettled(60*time.Second, group)
	holds := func(group string, want int64) bool { return committed(t, secondary, group, there)[0] == want }
	if !eventually(30*time.Second, func() bool { return holds(group, 400) && r.snapshot().Stamp == "kept" }) {
		t.Fatalf("holds %v, stamp %s", committed(t, secondary, group, there), r.snapshot().Stamp)
	}

	commit(t, secondary, group, there, map[int32]int64{0: 100}) // over ours: taken over
	commit(t, secondary, strange, there, map[int32]int64{0: 700})
	taken := func() bool {
		g, ok := r.group(group)
		return ok && g.Verdict != ""
	}
	if !eventually(30*time.Second, taken) {
		t.Fatalf("not taken over: %+v", r.snapshot().Groups)
	}
	if !eventually(30*time.Second, func() bool { return r.snapshot().Sides[replicator.Secondary].Pairs == 2 }) {
		t.Fatalf("the secondary's commits were not seen: %+v", r.snapshot().Sides)
	}
	held := func(group string, why replicator.Reason, at int64) bool {
		g, ok := r.group(group)
		return ok && len(g.Entries) == 1 && g.Entries[0].Reason == why && g.Entries[0].Written == at && holds(group, at)
	}
	commit(t, primary, group, topic, map[int32]int64{0: 500})
	commit(t, primary, strange, topic, map[int32]int64{0: 600})
	both := func() bool {
		return held(group, replicator.TakenOver, 100) && held(strange, replicator.AheadOnSecondary, 700)
	}
	if !eventually(30*time.Second, both) {
		t.Fatalf("not respected: %+v", r.snapshot().Groups)
	}

	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.Index); err != nil {
		t.Fatal(err)
	}
	r = start(t, s)
	if !eventually(60*time.Second, both) {
		t.Fatalf("not respected after the disk was lost: %+v", r.snapshot().Groups)
	}
}
