package checkpoint

import (
	"sync/atomic"
	"time"
)

// limiter lets one message through in a while: a damaged block is met by every lookup.
type limiter struct{ last atomic.Int64 }

const quiet = 10 * time.Second

func (l *limiter) ok() bool {
	now, last := time.Now().UnixNano(), l.last.Load()
	return (last == 0 || now-last > int64(quiet)) && l.last.CompareAndSwap(last, now)
}
