package failover

import (
	"context"
	"time"
)

const again = 200 * time.Millisecond

// pause waits a moment before something is tried again.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(again):
		return nil
	}
}

func stamp() int64 { return time.Now().UnixMilli() }
