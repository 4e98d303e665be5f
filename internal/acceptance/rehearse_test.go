package acceptance

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/drill"
	"github.com/leftoff/leftoff/replicator/failover"
)

// The daemon drills by itself, keeps the report, leaves no group behind, and waits while a failover is under way.
func TestDaemonDrillsByItself(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "rehearse") + "."
	topic, group, member := prefix+"payments", prefix+"group", prefix+"member"
	primary.CreateTopic(t, topic, 2, nil)
	fill(t, primary, topic, 0, 3_000, 100)
	commit(t, primary, group, topic, map[int32]int64{0: 400, 1: 700})
	dir := filepath.Join(t.TempDir(), "drills", "link")
	r := startWith(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix), func(l *daemon.Link) {
		l.Drill = daemon.Drill{Every: 20 * time.Second, Dir: dir, Keep: 2}
	})
	var last replicator.DrillState
	wait := func(what string, yes func() bool) {
		t.Helper()
		now := func() bool {
			d := r.snapshot().Drill
			if d == nil {
				return false // the daemon is only just starting
			}
			last = *d
			return yes()
		}
		if !eventually(time.Minute, now) {
			t.Fatalf("%s: %+v", what, last)
		}
	}
	wait("no drill has passed", func() bool { return last.Result == string(drill.Passed) && last.Positions["same_record"] == 2 })
	text, err := os.ReadFile(last.Report)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := drill.Check(text); err != nil || filepath.Dir(last.Report) != dir {
		t.Errorf("%s: %v", last.Report, err)
	}
	noShadows(t, secondary)

	runs := joinGroup(t, primary, member, topic)
	order := failover.Order{Who: "tester"}
	r.failTo(30*time.Second, order, failover.Stop)
	first := last.Report
	wait("not held by a failover", func() bool { return strings.HasPrefix(last.Held, "a failover is under way, at stop") })
	if last.Report != first {
		t.Errorf("drilled all the same: %+v", last)
	}
	a, err := r.fail(api.FailoverRollback, order)
	back := func() bool {
		if err == nil && a.State.Over() {
			return true
		}
		a, err = r.fail(api.FailoverAdvance, order)
		return false
	}
	if !eventually(30*time.Second, back) {
		t.Fatalf("not rolled back: %+v %v", a.State, err)
	}
	runs.leave()
	wait("no drill after the failover was rolled back", func() bool { return last.Report != first && last.Held == "" && last.Result == string(drill.Passed) })
	noShadows(t, secondary)
}

func noShadows(t *testing.T, c *rig.Cluster) {
	t.Helper()
	listed, err := c.Admin().ListGroups(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range listed.Groups() {
		if strings.HasPrefix(g, drill.Prefix) {
			t.Errorf("%s is left behind", g)
		}
	}
}
