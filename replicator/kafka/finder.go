package kafka

import (
	"context"
	"time"
)

// seek places what has no leader, as soon as one may be known, until ctx ends. list says what is due now, or how long
// there is nothing to do; wake says that this may have changed.
func seek(ctx context.Context, wake <-chan struct{}, list func() ([]TopicPartition, time.Duration), place func([]TopicPartition)) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		due, next := list()
		if len(due) > 0 {
			place(due)
			continue
		}
		timer.Reset(next)
		select {
		case <-wake:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}
