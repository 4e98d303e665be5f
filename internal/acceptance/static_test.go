package acceptance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// A static member (group.instance.id) stops without leaving: its group has a member until the session is over. Until then leftoff
// takes it for live on the secondary, and a failover waits for it on the primary.
func TestStaticMembersThatStopped(t *testing.T) {
	primary, secondary := rig.Shared(t)
	for _, c := range []struct {
		name  string
		stop  staticMember
		lasts time.Duration // the session; 0: a broker's, of 45 s and more, which is not waited for
	}{
		{"classic", javaMember(rig.Classic), staticSession},
		{"consumer", javaMember(rig.KIP848), 0},
		{"franz-go", goMember, staticSession},
	} {
		t.Run(c.name, func(t *testing.T) {
			prefix := rig.Name(t, "static") + "."
			topic, here, there := prefix+"payments", prefix+"here", prefix+"there"
			primary.CreateTopic(t, topic, 1, nil)
			fill(t, primary, topic, 0, 1_000, 0)
			b := watch(t, primary, secondary, prefix)
			r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
			for _, g := range []string{here, there} {
				commit(t, primary, g, topic, map[int32]int64{0: 400})
			}
			r.waitSettled(60*time.Second, here, there)

			c.stop(t, primary, here, topic)
			a, err := r.fail(api.FailoverTry, failover.Order{Scope: failover.Scope{Groups: []string{here}}})
			if err != nil || !strings.Contains(finds(a), here+" still runs on the primary") {
				t.Errorf("a failover would not wait for it: %q %v", finds(a), err)
			}

			stopped := time.Now()
			c.stop(t, secondary, there, topic)
			untouched(t, r, b, there, replicator.GroupLive)
			if _, err := r.d.Reclaim(context.Background(), "link", there, "test"); !errors.Is(err, replicator.ErrGroupLive) {
				t.Errorf("reclaimed with a member that has not left: %v", err)
			}
			if c.lasts > 0 {
				reclaim(t, r, there) // once the session is over
				t.Logf("live for %v", time.Since(stopped).Round(time.Second))
				commit(t, primary, there, topic, map[int32]int64{0: 600})
				r.waitSettled(30*time.Second, there)
			}
			b.lawful(judge.Rules{Reclaimed: map[string]bool{there: c.lasts > 0}}, b.compare(topic, judge.Options{}))
		})
	}
}

// staticSession leaves time to look before it is over.
const staticSession = 15 * time.Second

// staticMember joins a group under an instance id, reads a little, and stops as such members do.
type staticMember func(t *testing.T, c *rig.Cluster, group, topic string)

func javaMember(protocol string) staticMember {
	return func(t *testing.T, c *rig.Cluster, group, topic string) {
		o := rig.ConsumerOptions{Group: group, Topics: []string{topic}, Protocol: protocol, Limit: 10, InstanceID: "one"}
		if protocol == rig.Classic {
			o.Props = map[string]string{"session.timeout.ms": "15000"}
		}
		j := rig.StartJavaConsumer(t, c, o)
		j.WaitRecords(t, 10)
		j.Close(t)
	}
}

func goMember(t *testing.T, c *rig.Cluster, group, topic string) {
	t.Helper()
	client := c.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.InstanceID("one"), kgo.SessionTimeout(staticSession), kgo.DisableAutoCommit())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	fetches := client.PollRecords(ctx, 10)
	if err := fetches.Err(); err != nil || fetches.NumRecords() == 0 {
		t.Fatalf("a static member read %d records: %v", fetches.NumRecords(), err)
	}
	client.Close()
}

func finds(a api.FailoverAnswer) string {
	var all []string
	for _, t := range a.Trial {
		all = append(all, t.Finds...)
	}
	return strings.Join(all, "; ")
}
