package kafka

import (
	"context"
	"math/rand/v2"
	"time"
)

// Between attempts: from 20 ms, doubling up to 1 s, each shortened at random by up to half.
const (
	firstWait = 20 * time.Millisecond
	lastWait  = time.Second
)

// backoff counts attempts of one thing.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	d := min(firstWait<<min(b.tries, 10), lastWait)
	b.tries++
	return d - rand.N(d/2)
}

// wait sleeps before the next attempt; false when ctx ended.
func (b *backoff) wait(ctx context.Context) bool {
	t := time.NewTimer(b.next())
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// patient bounds a call whose caller did not.
func (c *Cluster) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.cfg.RetryFor)
}

// persist calls f until it succeeds, fails for good, or ctx ends; then the last error of f counts, as it says more than
// "deadline exceeded".
func (c *Cluster) persist(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := c.patient(ctx)
	defer cancel()
	var b backoff
	for {
		err := f(ctx)
		if err == nil || !Classify(err).Temporary() || !b.wait(ctx) {
			return err
		}
	}
}
