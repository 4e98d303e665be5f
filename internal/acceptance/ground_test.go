package acceptance

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// cleaning is a pair of clusters whose log cleaner looks every second.
func cleaning(t *testing.T) (primary, secondary *rig.Cluster) {
	t.Helper()
	rig.Require(t)
	return rig.StartPair(t, rig.Options{Props: map[string]string{"log.cleaner.backoff.ms": "1000"}})
}

// recordsOf counts the readable records of a topic's partition 0.
func recordsOf(t *testing.T, c *rig.Cluster, topic string) int {
	t.Helper()
	client := c.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	defer client.Close()
	end, n := ends(t, c, topic)[0], 0
	for {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		last := int64(-1)
		fetches.EachRecord(func(r *kgo.Record) { n++; last = r.Offset })
		if last >= end-1 {
			return n
		}
	}
}
