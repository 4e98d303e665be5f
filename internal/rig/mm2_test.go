package rig

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMirrorMaker2CopiesAcrossKill(t *testing.T) {
	t.Parallel()
	primary, secondary := Shared(t)
	topic := Name(t, "orders")
	primary.CreateTopic(t, topic, 1, nil)
	from := primary.Client(t)
	produce(t, from, topic, 5)

	began := time.Now()
	m := StartMM2(t, primary, secondary, map[string]string{
		"primary->secondary.topics": topic, "primary->secondary.groups": "none", "replication.policy.class": IdentityPolicy,
	})
	t.Logf("connectors run after %.1fs", time.Since(began).Seconds())
	waitEnd(t, secondary, topic, 5)
	t.Logf("first records after %.1fs", time.Since(began).Seconds())
	if !Soaking() {
		return
	}
	m.Kill()
	produce(t, from, topic, 5)
	m.Restart(t)
	waitEnd(t, secondary, topic, 10) // or more: it repeats what it had not noted down
}

// waitEnd waits until the partition 0 of a topic has at least n records.
func waitEnd(t *testing.T, c *Cluster, topic string, n int) {
	t.Helper()
	cl := c.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	seen := 0
	Eventually(t, startPatience, fmt.Sprintf("%d records of %s", n, topic), func() error {
		fetches := cl.PollFetches(shortly(t))
		seen += fetches.NumRecords()
		if seen < n {
			return fmt.Errorf("%d there (%v)", seen, fetches.Err())
		}
		return nil
	})
}
