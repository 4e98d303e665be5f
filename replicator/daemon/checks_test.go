package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// bench of looks: how many were begun, and how many are under way.
type lookBench struct {
	*testing.T
	checks *checks
	begun  atomic.Int32
	ended  atomic.Int32
	every  time.Duration // between two positions
	of     int           // positions
	bad    []string
}

func looking(t *testing.T) (b *lookBench, stop func()) {
	b = &lookBench{T: t, checks: newChecks(), every: 20 * time.Second, of: 30}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- b.checks.run(ctx) }()
	return b, func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}
}

func (b *lookBench) look(ctx context.Context, progress func(done, total int)) (failover.Checked, error) {
	b.begun.Add(1)
	defer func() { b.ended.Add(1) }()
	for i := range b.of {
		select {
		case <-time.After(b.every):
			progress(i+1, b.of)
		case <-ctx.Done():
			return failover.Checked{}, ctx.Err()
		}
	}
	return failover.Checked{Verdicts: map[string]int{"same_record": b.of}, Bad: b.bad}, nil
}

// ask does as an operator's command does: it asks until there is an answer, or until so long.
func (b *lookBench) ask(o failover.Look, until time.Duration) (c failover.Checked, waits []string, err error) {
	b.Helper()
	for began := time.Now(); ; {
		asked := time.Now()
		c, waits, err = b.checks.ask(b.Context(), o, b.look)
		if took := time.Since(asked); took > answerSoon && o.ID != failover.Dry || took > answerDry {
			b.Fatalf("an answer took %s", took)
		}
		if len(waits) == 0 || time.Since(began) > until {
			return c, waits, err
		}
		time.Sleep(500 * time.Millisecond)
	}
}

const long = time.Hour

// A look that takes far longer than any answer may goes on, says how far it is, and is made once.
func TestCheckGoesOn(t *testing.T) {
	for _, id := range []string{"1", failover.Dry} {
		synctest.Test(t, func(t *testing.T) {
			b, stop := looking(t)
			defer stop()
			began := time.Now()
			_, waits, err := b.ask(failover.Look{ID: id}, 3*time.Minute)
			if err != nil || !slices.Equal(waits, []string{"9 of 30 positions are compared"}) {
				t.Fatalf("%v %q", err, waits)
			}
			c, _, err := b.ask(failover.Look{ID: id}, long)
			if err != nil || c.Verdicts["same_record"] != 30 || b.begun.Load() != 1 || time.Since(began) > 11*time.Minute {
				t.Errorf("%v %+v after %s, begun %d times", err, c, time.Since(began), b.begun.Load())
			}
		})
	}
}

// The operator's machine sleeps, or the line breaks: who comes again finds the look where it is, or what it found.
func TestCheckOutlivesItsWatcher(t *testing.T) {
	for _, away := range []time.Duration{5 * time.Minute, 15 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			b, stop := looking(t)
			defer stop()
			o := failover.Look{ID: "1", Scope: failover.Scope{Groups: []string{"till"}}}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, _, err := b.checks.ask(ctx, o, b.look); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			time.Sleep(away)
			if _, _, err := b.ask(o, long); err != nil || b.begun.Load() != 1 {
				t.Errorf("%v, begun %d times", err, b.begun.Load())
			}
		})
	}
}

// What nobody came for is too old to go by.
func TestOldCheckIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, stop := looking(t)
		defer stop()
		if _, _, err := b.ask(failover.Look{ID: "1"}, time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, _, err := b.ask(failover.Look{ID: "1"}, long); err != nil || b.begun.Load() != 2 {
			t.Errorf("%v, begun %d times", err, b.begun.Load())
		}
	})
}

// What is bad is looked at again by who asks again, and not by who accepts what it said.
func TestAcceptedIsWhatWasSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, stop := looking(t)
		defer stop()
		b.bad = []string{"till orders/0: reads again 3"}
		for n := range 2 {
			if c, _, err := b.ask(failover.Look{ID: "1"}, long); err != nil || len(c.Bad) != 1 || b.begun.Load() != int32(n+1) {
				t.Fatalf("%v %+v, begun %d times", err, c, b.begun.Load())
			}
		}
		time.Sleep(time.Minute) // of reading
		if c, _, err := b.ask(failover.Look{ID: "1", Accept: true}, long); err != nil || len(c.Bad) != 1 || b.begun.Load() != 2 {
			t.Fatalf("%v %+v, begun %d times", err, c, b.begun.Load())
		}
		time.Sleep(keptFor)
		if _, _, err := b.ask(failover.Look{ID: "1", Accept: true}, long); err != nil || b.begun.Load() != 3 {
			t.Errorf("%v, begun %d times", err, b.begun.Load())
		}
	})
}

// One that gets nowhere is given up, with a sentence, and can be begun again.
func TestStalledCheckIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, stop := looking(t)
		defer stop()
		b.every = stalled - time.Second // slow is not stalled
		if _, waits, err := b.ask(failover.Look{ID: "1"}, long); err != nil || len(waits) == 0 {
			t.Fatalf("%v %q", err, waits)
		}
		synctest.Wait()
		b.every = 2 * stalled
		_, _, err := b.ask(failover.Look{ID: "2"}, long)
		if !errors.Is(err, errStalled) || !strings.Contains(err.Error(), "are being listed") || !strings.Contains(err.Error(), "Try: ") {
			t.Fatal(err)
		}
		b.every = time.Second
		if c, _, err := b.ask(failover.Look{ID: "2"}, long); err != nil || c.Verdicts["same_record"] != 30 {
			t.Errorf("%v %+v", err, c)
		}
	})
}

// A rollback, another failover and another scope end what is under way; a dry run beside it does not, and is ended by neither.
func TestCheckIsEnded(t *testing.T) {
	for name, c := range map[string]struct {
		act   func(b *lookBench)
		ended int32
	}{
		"rolled back":     {func(b *lookBench) { b.checks.cancel() }, 1},
		"another one":     {func(b *lookBench) { b.ask(failover.Look{ID: "2"}, 0) }, 1},
		"another scope":   {func(b *lookBench) { b.ask(failover.Look{ID: "1", Scope: failover.Scope{Topics: []string{"t"}}}, 0) }, 1},
		"the same":        {func(b *lookBench) { b.ask(failover.Look{ID: "1"}, 0) }, 0},
		"a dry run, more": {func(b *lookBench) { b.ask(failover.Look{ID: failover.Dry}, 0) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, stop := looking(t)
				b.ask(failover.Look{ID: failover.Dry}, 0)
				b.ask(failover.Look{ID: "1"}, 0)
				c.act(b)
				if synctest.Wait(); b.ended.Load() != c.ended {
					t.Errorf("%d of %d ended", b.ended.Load(), b.begun.Load())
				}
				if stop(); b.ended.Load() != b.begun.Load() {
					t.Errorf("%d of %d ended with the link", b.ended.Load(), b.begun.Load())
				}
				if _, _, err := b.checks.ask(context.Background(), failover.Look{ID: "9"}, b.look); !errors.Is(err, replicator.ErrEnded) {
					t.Errorf("after the end: %v", err)
				}
			})
		})
	}
}

// Who only looks begins nothing, takes no answer from who will ask for it, and sees what was told a short while ago.
func TestPeekAtACheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, stop := looking(t)
		defer stop()
		b.bad = []string{"till orders/0: reads again 3"}
		peek := func() (failover.Checked, string) {
			t.Helper()
			began := time.Now()
			c, waits, err := b.checks.ask(t.Context(), failover.Look{ID: "1", Peek: true}, b.look)
			if err != nil || time.Since(began) > 0 {
				t.Fatalf("%v, after %s", err, time.Since(began))
			}
			return c, strings.Join(waits, "")
		}
		if _, says := peek(); b.begun.Load() != 0 || !strings.HasPrefix(says, "no records are being compared. Try: ") {
			t.Fatalf("begun %d times, %q", b.begun.Load(), says)
		}
		b.ask(failover.Look{ID: "1"}, 0)
		time.Sleep(b.every + time.Second)
		if _, says := peek(); says != "1 of 30 positions are compared" {
			t.Errorf("%q", says)
		}
		time.Sleep(time.Duration(b.of) * b.every)
		for range 2 {
			if c, says := peek(); says != "" || len(c.Bad) != 1 {
				t.Errorf("%q %+v", says, c)
			}
		}
		for n := range 2 { // the first has what is there, the second one looks again
			if _, _, err := b.ask(failover.Look{ID: "1"}, long); err != nil || b.begun.Load() != int32(n+1) {
				t.Errorf("%v, begun %d times", err, b.begun.Load())
			}
			if c, says := peek(); says != "" || len(c.Bad) != 1 {
				t.Errorf("what was told: %q %+v", says, c)
			}
		}
	})
}
