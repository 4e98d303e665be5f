package match

import (
	"context"
	"sync"
	"time"
)

// budget lets so many bytes a second pass. What was read is known only afterwards: whoever reads next waits for it.
type budget struct {
	rate  int64 // bytes a second
	burst int64
	now   func() time.Time

	mu   sync.Mutex
	left int64
	at   time.Time
}

func newBudget(rate int64) *budget {
	b := &budget{rate: rate, burst: 4 * rate, now: time.Now}
	b.left, b.at = b.burst, b.now()
	return b
}

// wait returns when something may be read, or with the context's error.
func (b *budget) wait(ctx context.Context) error {
	for {
		d := b.debt()
		if d <= 0 {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
		}
	}
}

// debt is how long nothing may be read.
func (b *budget) debt() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.left = min(b.burst, b.left+int64(now.Sub(b.at).Seconds()*float64(b.rate)))
	b.at = now
	if b.left > 0 {
		return 0
	}
	return time.Duration(float64(-b.left+1) / float64(b.rate) * float64(time.Second))
}

func (b *budget) spend(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left -= bytes
}
