package acceptance

import (
	"fmt"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// Kafka 3.9.2 on both sides: one smoke scenario for each mapping source, nothing skipped and nothing read again.
func TestKafka39(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{Version: rig.V39})
	t.Run("mirror", func(t *testing.T) { mirrored(t, primary, secondary) })
	t.Run("identity", func(t *testing.T) { identical(t, primary, secondary, 2_000) })
}

// mirrored is scenario 1 in small: a plain and a transactional topic, which ends in an aborted transaction.
func mirrored(t *testing.T, primary, secondary *rig.Cluster) {
	prefix := rig.Name(t, "smoke") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 2, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 2_000, 0)
	fillTransactions(t, primary, txn, 20, 20, true)

	b := watch(t, primary, secondary, prefix)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	var groups []string
	for _, topic := range []string{plain, txn} {
		end, begin := ends(t, primary, topic), starts(t, primary, topic)
		for _, lag := range []int64{0, 1, 100, 1 << 40} {
			group := fmt.Sprintf("%s-lag-%d", topic, lag)
			commit(t, primary, group, topic, lagging(end, begin, lag))
			groups = append(groups, group)
		}
	}
	r.waitSettled(30*time.Second, groups...)

	copies := []*judge.Copies{b.compare(plain, judge.Options{}), b.compare(txn, judge.Options{})}
	if n := b.exact(copies...); n != 8+4 { // four groups over two partitions, and four over one
		t.Errorf("%d resume points of %d groups", n, len(groups))
	}
	for _, c := range copies {
		if m := c.Total(); m.Missing != 0 || m.Foreign != 0 || m.Duplicates != 0 {
			t.Errorf("%s: %+v", c.Primary, m)
		}
	}
	b.lawful(judge.Rules{}, copies...)
}
