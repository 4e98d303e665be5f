package mirror

import (
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// A produce of a killed process is held back by a proxy, and lands after its successor has started: before that one sent
// anything, and after. It is either fenced, or found and accounted for; nothing is skipped, no record is taken for foreign.
func TestLateProduce(t *testing.T) {
	if testing.Short() {
		t.Skip("real Kafka under -short")
	}
	rig.Require(t)
	primary, secondary := rig.StartTwo(t, rig.Options{Name: "primary"}, rig.Options{Name: "secondary", Proxied: true})
	direct := &ground{brokers: [2][]string{primary.Bootstrap(), secondary.Direct()}}
	proxied := &ground{brokers: [2][]string{primary.Bootstrap(), secondary.Bootstrap()}}
	for name, c := range map[string]struct{ sentBefore, lostDisk bool }{
		"before the successor sends":          {},
		"after the successor has sent":        {sentBefore: true},
		"the disk is lost, before it sends":   {lostDisk: true},
		"the disk is lost, after it has sent": {sentBefore: true, lostDisk: true},
	} {
		t.Run(name, func(t *testing.T) {
			topic := rig.Name(t, "late")
			direct.create(t, replicator.Primary, topic, 1, nil)
			dir := t.TempDir()
			direct.produce(t, replicator.Primary, topic, 0, 100)
			p := proxied.spawn(t, dir+"/index.db", topic)
			await(t, "the first records are copied", 20*time.Second, func() bool { return direct.end(t, replicator.Secondary, topic) == 100 })

			held := secondary.Proxy(t, 1).HoldRequest(rig.ProduceKey)
			direct.produce(t, replicator.Primary, topic, 100, 50)
			<-held.Caught
			kill(t, p)

			if c.lostDisk {
				dir = t.TempDir()
			}
			r := direct.mirror(t, dir, topic)
			if c.sentBefore {
				direct.settle(t, r, topic)
			} else {
				await(t, "the successor has looked", 20*time.Second, func() bool { return len(r.State()) == 1 && r.State()[0].Copied > 0 })
			}
			held.Release()
			direct.produce(t, replicator.Primary, topic, 150, 50)
			direct.settle(t, r, topic)
			time.Sleep(500 * time.Millisecond) // what is late has landed, or was refused, and the idle look has seen it
			direct.settle(t, r, topic)
			s := direct.exact(t, r, topic, judge.Options{})
			t.Logf("%+v; %+v", s, r.State())
			if s.Mirrored != 200 || s.Foreign > 0 || r.State()[0].Foreign > 0 {
				t.Errorf("%+v; %+v", s, r.State())
			}
		})
	}
}
