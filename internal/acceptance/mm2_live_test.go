package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// Issue 4, scenario 2: under 2,000 records/s and 200 commits/s over 50 groups with random lags MirrorMaker 2 is killed and
// started again twice, and so is leftoff: no value ever written was ahead of T, and at rest every group is exact.
func TestMirrorMaker2KilledUnderLoad(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{})
	random := newRandom(t)
	prefix := rig.Name(t, "mm2kill") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 3, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 20_000, 0)
	fillTransactions(t, primary, txn, 50, 20, false)

	b := watch(t, primary, secondary, prefix)
	m := startMirrorMaker(t, primary, secondary, prefix, nil)
	load := newLoad(t, primary, prefix, 50, plain, txn, random.Uint64())
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mm2", prefix)
	between := func(low, high int) { pause(time.Duration(low+random.IntN(high-low)) * time.Millisecond) }
	child := startChild(t, s)
	killLeftoff := func() {
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		child.Wait()
	}

	// leftoff dies while MirrorMaker 2 is down …
	between(3_000, 6_000)
	m.Kill()
	between(200, 1_500)
	killLeftoff()
	child = startChild(t, s)
	m.Restart(t)

	// … and again while it copies again what it had not noted down.
	between(3_000, 6_000)
	m.Kill()
	m.Restart(t)
	between(0, 1_000)
	killLeftoff()
	child = startChild(t, s)
	between(3_000, 6_000)
	if rig.Soaking() {
		between(30_000, 60_000)
	}
	load.stop()
	killLeftoff()

	r := start(t, s)
	topics := []copied{copyOf(plain, judge.Options{}), copyOf(txn, judge.Options{PrimaryUncommitted: true})}
	copies := b.waitMirrored(2*time.Minute, topics...)
	begin := time.Now()
	r.settles(60*time.Second, load.groups...)
	t.Logf("settled %v after MirrorMaker 2 had caught up; %d commits were not answered", time.Since(begin).Round(time.Millisecond), load.refused.Load())
	b.exact(copies...)
	b.lawful(judge.Rules{}, copies...)
	duplicates := int64(0)
	for _, c := range copies {
		duplicates += c.Total().Duplicates
	}
	if duplicates == 0 {
		t.Log("MirrorMaker 2 copied nothing twice this time: its kills were too well timed to try anything")
	}
	for _, g := range r.snapshot().Groups {
		if g.Verdict != "" {
			t.Errorf("group %s: %s (%s)", g.Group, g.Verdict, g.Why)
		}
	}
}

// newLoad is newTraffic over as many groups as one likes.
func newLoad(t testing.TB, c *rig.Cluster, prefix string, groups int, plain, txn string, seed uint64) *traffic {
	ctx, cancel := context.WithCancel(context.Background())
	tr := &traffic{cancel: cancel}
	for i := range groups {
		tr.groups = append(tr.groups, fmt.Sprintf("%sgroup-%d", prefix, i))
	}
	tr.done.Go(func() { tr.produce(ctx, t, c, plain) })
	tr.done.Go(func() { tr.transact(ctx, t, c, txn) })
	tr.done.Go(func() { tr.commit(ctx, t, c, []string{plain, txn}, rand.New(rand.NewPCG(seed, 2))) })
	return tr
}
