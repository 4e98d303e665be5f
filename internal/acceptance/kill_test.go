package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// Scenario 2: records and commits keep flowing while the daemon is killed with SIGKILL at random moments and started
// again; afterwards every group resumes exactly, no group is falsely taken over, and no value was ever ahead of T.
func TestKilledAgainAndAgain(t *testing.T) {
	primary, secondary := rig.Shared(t)
	kills := 10
	if rig.Soaking() {
		kills = 100
	}
	random := newRandom(t)
	prefix := rig.Name(t, "kill") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 3, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 20_000, 0)
	fillTransactions(t, primary, txn, 50, 20, false)

	b := watch(t, primary, secondary, prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	traffic := newTraffic(t, primary, prefix, plain, txn, random.Uint64())
	for range kills {
		child := startChild(t, s)
		pause(time.Duration(200+random.IntN(1800)) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		child.Wait()
	}
	traffic.stop()

	r := start(t, s)
	r.waitSettled(60*time.Second, traffic.groups...)
	copies := []*judge.Copies{b.compare(plain, judge.Options{}), b.compare(txn, judge.Options{})}
	b.exact(copies...)
	b.lawful(judge.Rules{}, copies...)
	for _, g := range r.snapshot().Groups {
		if g.Verdict != "" {
			t.Errorf("group %s: %s (%s)", g.Group, g.Verdict, g.Why)
		}
	}
	for _, c := range copies {
		t.Logf("%s: %+v", c.Primary, c.Total())
	}
}

// newRandom is seeded anew for each run; LEFTOFF_SEED repeats one.
func newRandom(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	if s, err := strconv.ParseUint(os.Getenv("LEFTOFF_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("LEFTOFF_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// pause lets the world go on for a while: the length of a run is the point here, there is nothing to wait for.
func pause(d time.Duration) { <-time.After(d) }

// traffic produces records and commits offsets until it is stopped.
type traffic struct {
	groups  []string
	refused atomic.Int64 // commits without an answer
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

func (tr *traffic) stop() {
	tr.cancel()
	tr.done.Wait()
}

// newTraffic produces about 2,000 plain records and 20 transactions a second, and about 200 commits a second of 20 groups,
// forwards for the most part.
func newTraffic(t testing.TB, c *rig.Cluster, prefix, plain, txn string, seed uint64) *traffic {
	ctx, cancel := context.WithCancel(context.Background())
	tr := &traffic{cancel: cancel}
	for i := range 20 {
		tr.groups = append(tr.groups, fmt.Sprintf("%sgroup-%d", prefix, i))
	}
	tr.done.Add(3)
	go func() { defer tr.done.Done(); tr.produce(ctx, t, c, plain) }()
	go func() { defer tr.done.Done(); tr.transact(ctx, t, c, txn) }()
	go func() {
		defer tr.done.Done()
		tr.commit(ctx, t, c, []string{plain, txn}, rand.New(rand.NewPCG(seed, 2)))
	}()
	return tr
}

func (tr *traffic) produce(ctx context.Context, t testing.TB, c *rig.Cluster, topic string) {
	tr.produceEvery(ctx, t, c, topic, 20)
}

// produceEvery writes n records every 10 ms.
func (tr *traffic) produceEvery(ctx context.Context, t testing.TB, c *rig.Cluster, topic string, n int) {
	client := c.Client(t, kgo.DefaultProduceTopic(topic))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := 1_000_000; ctx.Err() == nil; {
		for range n {
			client.Produce(context.Background(), paymentRecord(i, 0), nil)
			i++
		}
		<-tick.C
	}
	client.Flush(context.Background())
}

func (tr *traffic) transact(ctx context.Context, t testing.TB, c *rig.Cluster, topic string) {
	client := c.Client(t, kgo.DefaultProduceTopic(topic), kgo.TransactionalID("traffic-"+topic), kgo.ProducerLinger(0))
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for i := 2_000_000; ctx.Err() == nil; i += 5 {
		<-tick.C
		if err := client.BeginTransaction(); err != nil {
			tr.refused.Add(1)
			client.EndTransaction(context.Background(), kgo.TryAbort)
			continue
		}
		for n := range 5 {
			client.Produce(context.Background(), paymentRecord(i+n, 0), nil)
		}
		client.Flush(context.Background())
		if err := client.EndTransaction(context.Background(), kgo.TransactionEndTry(i%50 != 0)); err != nil {
			tr.refused.Add(1) // the transaction coordinator may have been killed by the test
			client.EndTransaction(context.Background(), kgo.TryAbort)
		}
	}
}

func (tr *traffic) commit(ctx context.Context, t testing.TB, c *rig.Cluster, topics []string, random *rand.Rand) {
	admin := c.Admin()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	known := map[string]map[int32]int64{}
	for i := 0; ctx.Err() == nil; i++ {
		topic := topics[random.IntN(len(topics))]
		if i%40 == 0 || known[topic] == nil {
			if now, ok := endsOf(c, topic); ok {
				known[topic] = now
			}
		}
		var o kadm.Offsets
		for p, end := range known[topic] {
			lag := random.Int64N(1 + []int64{1, 10, 1_000, 5_000}[random.IntN(4)])
			o.AddOffset(topic, p, max(0, end-lag), -1)
		}
		if err := admin.CommitAllOffsets(context.Background(), tr.groups[i%len(tr.groups)], o); err != nil {
			tr.refused.Add(1) // its coordinator may have been killed by the test
		}
		<-tick.C
	}
}
