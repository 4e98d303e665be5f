package acceptance

import (
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// Scenario 8: three-broker clusters; under load a group's coordinator is killed, on either side. Nothing is lost, and
// catching up takes seconds.
func TestCoordinatorKilledUnderLoad(t *testing.T) {
	t.Parallel()
	rig.Require(t)
	primary, secondary := rig.StartPair(t, rig.Options{Brokers: 3})
	prefix := rig.Name(t, "brokers") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 3, nil)
	primary.CreateTopic(t, txn, 1, nil)
	b := watch(t, primary, secondary, prefix)
	random := newRandom(t)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	traffic := newTraffic(t, primary, prefix, plain, txn, random.Uint64())
	for _, side := range []*rig.Cluster{secondary, primary} {
		pause(3 * time.Second)
		victim := side.CoordinatorOf(t, traffic.groups[random.IntN(len(traffic.groups))])
		side.Kill(t, victim)
		pause(3 * time.Second)
		side.Restart(t, victim)
	}
	traffic.stop()
	begin := time.Now()
	r.waitSettled(60*time.Second, traffic.groups...)
	t.Logf("settled %v after the load", time.Since(begin).Round(time.Millisecond))
	copies := []*judge.Copies{b.compare(plain, judge.Options{}), b.compare(txn, judge.Options{})}
	b.exact(copies...)
	b.lawful(judge.Rules{}, copies...)
}
