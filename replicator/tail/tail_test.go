package tail

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

func TestMain(m *testing.M) { rig.Main(m) }

// bench runs a tail over a fake cluster, in fake time.
type bench struct {
	t       *testing.T
	c       *fakeCluster
	tail    *Tail
	ledger  ledger
	batches []replicator.Batch
	out     func() error
	stop    context.CancelFunc
	err     error
	ended   bool
}

func start(t *testing.T, c *fakeCluster) *bench {
	b := &bench{t: t, c: c, ledger: ledger{}}
	b.tail = newTail(c, Options{Side: replicator.Secondary, Out: func(_ context.Context, batch replicator.Batch) error {
		b.batches = append(b.batches, batch)
		for _, change := range batch.Changes {
			b.ledger.apply(change)
		}
		if b.out != nil {
			return b.out()
		}
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	b.stop = cancel
	go func() {
		b.err = b.tail.Run(ctx)
		b.ended = true
	}()
	b.settle(0)
	return b
}

// settle lets d of fake time pass, until everything waits.
func (b *bench) settle(d time.Duration) { time.Sleep(d); synctest.Wait() }

func (b *bench) end() {
	b.stop()
	synctest.Wait()
	if !b.ended {
		b.t.Fatal("Run did not end with its context")
	}
	if b.err != nil && !errors.Is(b.err, context.Canceled) {
		b.t.Errorf("Run: %v", b.err)
	}
}

func (b *bench) wantCaughtUp(want bool) {
	b.t.Helper()
	if n := len(b.batches); n == 0 && want || n > 0 && b.batches[n-1].CaughtUp != want {
		b.t.Errorf("caught up is not %v after %d batches: %+v", want, n, b.tail.State())
	}
	if got := b.tail.State().CaughtUp; got != want {
		b.t.Errorf("State says caught up %v", got)
	}
}

func (b *bench) wantOffset(k replicator.Key, want int64) {
	b.t.Helper()
	if c, ok := b.ledger[k]; !ok || c.Commit.Offset != want {
		b.t.Errorf("%v is %+v, want %d", k, c.Commit, want)
	}
}

var (
	k0 = replicator.Key{Group: "g", Topic: "t", Partition: 0}
	k1 = replicator.Key{Group: "g", Topic: "t", Partition: 1}
	k2 = replicator.Key{Group: "h", Topic: "t", Partition: 0}
)

func TestCatchesUpByPosition(t *testing.T) {
	for name, fill := range map[string]func(*fakeCluster){
		"no topic":         func(*fakeCluster) {},
		"empty partitions": func(c *fakeCluster) { c.create(1, 3) },
		"plain":            func(c *fakeCluster) { c.create(1, 2); c.append(1, plain(commitRecord(0, k0, 5)), 0) },
		"a trailing marker": func(c *fakeCluster) {
			c.create(1, 1)
			c.append(0, txn(7, commitRecord(0, k0, 5)), 0)
			c.append(0, marker(7, true), 0)
		},
		"an open transaction at the end": func(c *fakeCluster) { c.create(1, 1); c.append(0, txn(7, commitRecord(0, k0, 5)), 0) },
		"a compacted tail":               func(c *fakeCluster) { c.create(1, 1); c.append(0, plain(commitRecord(0, k0, 5)), 1000) },
		"a batch without records":        func(c *fakeCluster) { c.create(1, 1); c.append(0, plain(), 10) },
		"nothing left but the end":       func(c *fakeCluster) { c.create(1, 1); c.logs[0].end = 50 },
		"trimmed":                        func(c *fakeCluster) { c.create(1, 1); c.logs[0].start, c.logs[0].end = 50, 50 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newFakeCluster()
				fill(c)
				b := start(t, c)
				if name == "no topic" {
					b.wantCaughtUp(false) // one answer is not believed: a broker may be behind
					b.settle(missingLimit * time.Second)
				}
				b.wantCaughtUp(true)
				b.end()
			})
		})
	}
}

func TestDoesNotClaimToHaveCaughtUpEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster()
		c.create(1, 2)
		for i := range 3 * maxChanges {
			c.append(0, plain(commitRecord(0, k0, int64(i))), 0)
		}
		c.append(1, plain(commitRecord(0, k2, 5)), 0)
		c.noLeader[1] = errors.New("leader not available")
		b := start(t, c)
		b.settle(10 * time.Second)
		b.wantCaughtUp(false)
		b.wantOffset(k0, 3*maxChanges-1)
		if s := b.tail.State(); s.Error == nil || s.Since.IsZero() {
			t.Errorf("state %+v says nothing of the partition without a leader", s)
		}
		c.edit(func() { delete(c.noLeader, 1) })
		b.settle(2 * time.Second)
		b.wantCaughtUp(true)
		b.wantOffset(k2, 5)
		if s := b.tail.State(); s.Error != nil || s.Lag != 0 {
			t.Errorf("state %+v after it came back", s)
		}
		for i, batch := range b.batches[:len(b.batches)-1] {
			if batch.CaughtUp || len(batch.Changes) > maxChanges {
				t.Errorf("batch %d of %d: caught up %v with %d changes", i, len(b.batches), batch.CaughtUp, len(batch.Changes))
			}
		}
		b.end()
	})
}

func TestAnOpenTransactionStallsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster()
		c.create(1, 1)
		b := start(t, c)
		c.append(0, txn(7, commitRecord(0, k0, 5)), 0)
		c.append(0, plain(commitRecord(0, k2, 9)), 0)
		b.settle(0)
		b.wantOffset(k2, 9)
		if _, ok := b.ledger[k0]; ok || b.tail.State().OpenTransactions != 1 {
			t.Errorf("an open transaction's commit is seen: %+v", b.tail.State())
		}
		c.append(0, marker(7, true), 0)
		b.settle(0)
		b.wantOffset(k0, 5)
		b.end()
	})
}

func TestFirstCommitOfACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster()
		b := start(t, c)
		b.settle(missingLimit * time.Second)
		b.wantCaughtUp(true)
		if b.tail.State().Exists {
			t.Error("State says there is a topic")
		}
		b.settle(time.Minute)
		if len(b.batches) != 1 {
			t.Errorf("%d batches of nothing", len(b.batches))
		}
		c.create(1, 2)
		c.append(1, plain(commitRecord(0, k0, 5)), 0)
		b.settle(time.Second)
		b.wantCaughtUp(true)
		b.wantOffset(k0, 5)
		if b.batches[1].CaughtUp {
			t.Error("caught up with a topic that was only just found")
		}
		c.create(1, 4)
		c.append(3, plain(commitRecord(0, k2, 6)), 0)
		b.settle(time.Second)
		b.wantOffset(k2, 6)
		b.wantCaughtUp(true)
		b.end()
	})
}

func TestReadsAPartitionAgainWhenItsLogIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster()
		c.create(1, 2)
		for i := range 10 {
			c.append(0, plain(commitRecord(0, k0, int64(i))), 0)
		}
		b := start(t, c)
		c.append(0, txn(7, commitRecord(0, k1, 99)), 0)
		b.settle(0)
		b.wantCaughtUp(true)
		c.edit(func() { // an unclean election: offsets 5… are another leader's, and the transaction never was
			l := c.logs[0]
			l.batches, l.end = l.batches[:5], 5
			l.fail = &kafka.Error{Op: "fetch", Err: kafka.ErrOffsetOutOfRange}
		})
		b.settle(0)
		b.wantCaughtUp(false)
		c.edit(func() { c.logs[0].fail = nil })
		batch := plain(commitRecord(0, k0, 42))
		batch.LeaderEpoch = 1
		c.append(0, batch, 0)
		c.append(0, marker(7, true), 0)
		b.settle(time.Second)
		b.wantCaughtUp(true)
		b.wantOffset(k0, 42)
		if _, ok := b.ledger[k1]; ok {
			t.Error("a commit pending from before the cut was applied")
		}
		if n := b.tail.State().Restarts; n != 1 {
			t.Errorf("%d restarts", n)
		}
		b.end()
	})
}

func TestResumesWhereItWasDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster()
		c.create(1, 1)
		c.append(0, txn(7, commitRecord(0, k0, 5)), 0)
		b := start(t, c)
		c.edit(func() { c.logs[0].fail = &kafka.Error{Op: "fetch", Err: kafka.ErrUnauthorized} })
		b.settle(10 * time.Second)
		b.wantCaughtUp(false)
		if s := b.tail.State(); !errors.Is(s.Error, kafka.ErrUnauthorized) || s.Partitions[0].Error == nil {
			t.Errorf("state %+v", s)
		}
		c.edit(func() { c.logs[0].fail = nil })
		c.append(0, marker(7, true), 0)
		b.settle(2 * time.Second)
		b.wantCaughtUp(true)
		b.wantOffset(k0, 5)
		if n := b.tail.State().Records; n != 2 {
			t.Errorf("%d records read, want each once", n)
		}
		b.end()
	})
}

func TestWaitsForAClusterThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster()
		c.create(1, 1)
		c.append(0, plain(commitRecord(0, k0, 5)), 0)
		c.down = errDown
		b := start(t, c)
		b.settle(time.Hour)
		if s := b.tail.State(); !errors.Is(s.Error, errDown) || time.Since(s.Since) < 59*time.Minute {
			t.Errorf("state %+v", s)
		}
		if len(b.batches) != 0 {
			t.Errorf("handed on %+v", b.batches)
		}
		c.edit(func() { c.down = nil })
		b.settle(time.Second)
		b.wantCaughtUp(true)
		c.edit(func() { c.down = errDown }) // once read, it stays caught up: what was known is still what was written
		b.settle(time.Hour)
		b.wantCaughtUp(true)
		c.edit(func() { c.down = nil })
		c.append(0, plain(commitRecord(0, k0, 6)), 0)
		b.settle(time.Second)
		b.wantOffset(k0, 6)
		b.end()
	})
}

func TestARecreatedTopicEndsTheTail(t *testing.T) {
	for name, what := range map[string]func(*fakeCluster){
		"recreated": func(c *fakeCluster) { c.create(2, 1) },
		"deleted":   func(c *fakeCluster) { c.edit(func() { c.topic = nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newFakeCluster()
				c.create(1, 1)
				b := start(t, c)
				what(c)
				b.settle(10 * time.Second)
				if !errors.Is(b.err, ErrRecreated) {
					t.Errorf("Run: %v", b.err)
				}
				b.stop()
			})
		})
	}
}

func TestASlowReceiverSlowsTheFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster()
		c.create(1, 1)
		for i := range 1000 {
			c.append(0, plain(commitRecord(0, k0, int64(i))), 0)
		}
		gate := make(chan struct{})
		b := &bench{t: t}
		b.tail = newTail(c, Options{Out: func(ctx context.Context, batch replicator.Batch) error {
			select {
			case gate <- struct{}{}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		ctx, cancel := context.WithCancel(t.Context())
		b.stop = cancel
		go func() { b.err, b.ended = b.tail.Run(ctx), true }()
		b.settle(time.Hour)
		c.mu.Lock()
		at := c.fetchers[0].at[0]
		c.mu.Unlock()
		if at > 10 {
			t.Errorf("fetched up to %d while nothing was taken", at)
		}
		b.end()
	})
}

func TestOutsErrorEndsTheTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCluster()
		c.create(1, 1)
		b := start(t, c)
		b.out = func() error { return errDown }
		c.append(0, plain(commitRecord(0, k0, 1)), 0)
		b.settle(0)
		if !errors.Is(b.err, errDown) {
			t.Errorf("Run: %v", b.err)
		}
		b.stop()
	})
}
