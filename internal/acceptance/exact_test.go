package acceptance

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

var lags = []int64{0, 1, 3, 10, 100, 1_000, 10_000, 50_000}

// compacting makes the cleaner run within seconds.
var compacting = map[string]string{
	"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.001", "segment.ms": "1000", "max.compaction.lag.ms": "1000",
}

// Scenario 1: plain, transactional and compacted topics of 100,000 records, mirrored by the built-in mirror; groups at
// lags 0 … 50,000 and one at offset 0: nothing skipped, nothing read again.
func TestExactOverTheBuiltInMirror(t *testing.T) {
	t.Parallel()
	primary, secondary := cleaning(t)
	prefix := rig.Name(t, "exact") + "."
	plain, txn, compacted := prefix+"plain", prefix+"txn", prefix+"compacted"
	primary.CreateTopic(t, plain, 2, nil)
	primary.CreateTopic(t, txn, 2, nil)
	primary.CreateTopic(t, compacted, 1, compacting)

	fill(t, primary, compacted, 0, 100_000, 40_000)
	var load sync.WaitGroup
	load.Add(2)
	go func() { defer load.Done(); fill(t, primary, plain, 0, 100_000, 0) }()
	go func() { defer load.Done(); fillTransactions(t, primary, txn, 1_000, 100, true) }()
	load.Wait()
	waitCompacted(t, primary, compacted)

	var groups []string
	for _, topic := range []string{plain, txn, compacted} {
		end, start := ends(t, primary, topic), starts(t, primary, topic)
		for _, lag := range lags {
			group := fmt.Sprintf("%s-lag-%d", topic, lag)
			commit(t, primary, group, topic, lagging(end, start, lag))
			groups = append(groups, group)
		}
		commit(t, primary, topic+"-zero", topic, map[int32]int64{0: 0})
		groups = append(groups, topic+"-zero")
	}

	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	r.waitSettled(90*time.Second, groups...)

	copies := []*judge.Copies{b.compare(plain, judge.Options{}), b.compare(txn, judge.Options{}), b.compare(compacted, judge.Options{Unpaired: judge.UnpairedIsGone})} // it may be compacted again after it was copied
	if n := b.exact(copies...); n < len(groups) {
		t.Errorf("%d resume points of %d groups", n, len(groups))
	}
	for _, c := range copies {
		if m := c.Total(); m.Missing != 0 || m.Foreign != 0 {
			t.Errorf("%s: %+v", c.Primary, m)
		}
	}
	b.lawful(judge.Rules{}, copies...)
}

// waitCompacted waits until the cleaner has really thinned the topic out: fewer records than offsets. It appends now and
// then, because the active segment is never cleaned.
func waitCompacted(t *testing.T, c *rig.Cluster, topic string) {
	t.Helper()
	next := 100_000
	thin := func() bool {
		fill(t, c, topic, next, 10, 40_000)
		next += 10
		return recordsOf(t, c, topic) < 60_000
	}
	if !eventually(60*time.Second, thin) {
		t.Fatalf("%s was not compacted", topic)
	}
}
