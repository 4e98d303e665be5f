package acceptance

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
)

// Scenario 10 on real brokers: opposite links over the same two clusters in one process, a group stopped on both sides:
// each link writes what it must, and then there is silence. (The hour of fake time is in silence_test.go.)
func TestOppositeLinksDoNotPlayPingPong(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "opposite") + "."
	west, east, group := prefix+"west", prefix+"east", prefix+"group"
	primary.CreateTopic(t, west, 1, nil)
	secondary.CreateTopic(t, east, 1, nil)
	fill(t, primary, west, 0, 100, 0)
	fill(t, secondary, east, 0, 100, 0)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", west)
	s.Groups = ".*" + group
	s.Opposite, s.Topics2, s.Index2 = true, east, filepath.Join(t.TempDir(), "opposite.db")
	b := watch(t, primary, secondary, prefix)
	commit(t, primary, group, west, map[int32]int64{0: 40})
	commit(t, secondary, group+"-2", east, map[int32]int64{0: 30})
	s.Groups += ".*"
	r := start(t, s)
	arrived := func() bool {
		return committed(t, secondary, group, west)[0] == 40 && committed(t, primary, group+"-2", east)[0] == 30
	}
	if !eventually(60*time.Second, arrived) {
		t.Fatalf("not arrived: %s", r.unsettled([]string{group}))
	}
	b.caughtUp()
	before := len(b.history.Primary.Writes()) + len(b.history.Secondary.Writes())
	pause(5 * time.Second)
	b.caughtUp()
	if after := len(b.history.Primary.Writes()) + len(b.history.Secondary.Writes()); after != before {
		t.Errorf("%d further writes in 5 s of silence", after-before)
	}
}
