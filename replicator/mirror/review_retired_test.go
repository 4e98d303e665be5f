package mirror

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/replicator"
)

// What came home does not fit the index, which gives the pair of a fenced topic up: when the topic is let go, both sides are compared, and
// nothing is copied back.
func TestReviewRetiredWhileFenced(t *testing.T) {
	g := embedded(t)
	g.create(t, replicator.Primary, "orders", 1, nil)
	g.produce(t, replicator.Primary, "orders", 0, 20)
	r := g.mirror(t, t.TempDir(), "orders")
	await(t, "the topic's start", 10*time.Second, func() bool { return g.end(t, replicator.Secondary, "orders") == 20 })
	if err := r.Fence(context.Background(), []string{"orders"}); err != nil {
		t.Fatal(err)
	}
	for _, side := range []replicator.Side{replicator.Secondary, replicator.Primary} { // produced there, and home since
		c := g.client(t, side, kgo.DefaultProduceTopic("orders"))
		for i := range 5 {
			record := &kgo.Record{Value: fmt.Appendf(nil, "theirs %d", i), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i))}
			if err := c.ProduceSync(context.Background(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	pair, ok := r.index.Lookup("orders")
	if !ok {
		t.Fatal("no pair")
	}
	if err := r.index.Retire(pair); err != nil {
		t.Fatal(err)
	}
	r.Unfence([]string{"orders"})
	g.produce(t, replicator.Primary, "orders", 20, 3)
	await(t, "the rest", 10*time.Second, func() bool { return g.end(t, replicator.Secondary, "orders") >= 28 })
	g.settle(t, r, "orders")
	if total := g.exact(t, r, "orders", judge.Options{}); g.end(t, replicator.Secondary, "orders") != 28 {
		t.Errorf("ends at %d: %+v", g.end(t, replicator.Secondary, "orders"), total)
	}
}
