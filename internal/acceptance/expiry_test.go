package acceptance

import (
	"context"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
)

// Scenario 6: with offsets.retention.minutes=1 on the secondary, an idle group's offsets are still there after three
// minutes, with and without former members; stamped, and without the stamp, where the time without an offset is reported.
func TestIdleOffsetsDoNotExpire(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := rig.StartTwo(t, rig.Options{Name: "primary"}, rig.Options{
		Name: "secondary", Props: map[string]string{"offsets.retention.minutes": "1", "offsets.retention.check.interval.ms": "1000"},
	})
	for _, c := range []struct {
		name    string
		noStamp bool
	}{{"stamped", false}, {"unstamped", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			idle(t, primary, secondary, c.noStamp)
		})
	}
}

func idle(t *testing.T, primary, secondary *rig.Cluster, noStamp bool) {
	prefix := rig.Name(t, "idle") + "."
	topic, never, former := prefix+"payments", prefix+"never", prefix+"former"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 100, 0)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	s.NoStamp = noStamp
	if noStamp {
		s.RefreshAfter = 20 * time.Second
	}
	r := start(t, s)
	for _, g := range []string{never, former} {
		commit(t, primary, g, topic, map[int32]int64{0: 60})
	}
	r.waitSettled(60*time.Second, never, former)

	member := rig.StartJavaConsumer(t, secondary, rig.ConsumerOptions{Group: former, Topics: []string{topic}, Limit: 5})
	member.WaitRecords(t, 5)
	member.Commit(t)
	member.Close(t)
	reclaim(t, r, former)
	r.waitSettled(60*time.Second, never, former)

	watched := absences{}
	end := time.Now().Add(3 * time.Minute)
	for time.Now().Before(end) {
		for _, g := range []string{never, former} {
			_, there := committed(t, secondary, g, topic)[0]
			watched.see(g, there)
		}
		pause(250 * time.Millisecond)
	}
	for _, g := range []string{never, former} {
		if got, ok := committed(t, secondary, g, topic)[0]; !ok || got != 60 {
			t.Errorf("%s after three idle minutes: %d, %v", g, got, ok)
		}
		t.Logf("%s: absent for at most %v, %d times (asked every 250 ms)", g, watched[g].longest, watched[g].times)
		if !noStamp && watched[g].times > 0 {
			t.Errorf("%s: a stamped offset expired", g)
		}
	}
}

// reclaim gives the group back as soon as its members are gone.
func reclaim(t *testing.T, r *running, group string) {
	t.Helper()
	var err error
	gone := func() bool {
		_, err = r.d.Reclaim(context.Background(), "link", group, "test")
		return err == nil
	}
	if !eventually(30*time.Second, gone) {
		t.Fatalf("reclaim: %v", err)
	}
}

// absences measures for how long an offset was not there.
type absences map[string]*absence

type absence struct {
	since   time.Time
	longest time.Duration
	times   int
}

func (a absences) see(group string, there bool) {
	x := a[group]
	if x == nil {
		x = &absence{}
		a[group] = x
	}
	switch {
	case !there && x.since.IsZero():
		x.since = time.Now()
		x.times++
	case there:
		x.since = time.Time{}
	}
	if !x.since.IsZero() {
		x.longest = max(x.longest, time.Since(x.since))
	}
}
