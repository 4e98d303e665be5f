package kafka

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Requests to a broker are apart, a long poll that was waited for delays nothing, brokers do not wait for each other, and the end comes at once.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f := &Fetcher{o: FetchOptions{Gather: 5 * time.Millisecond}, next: map[int32]time.Time{}, ctx: ctx}
		began := time.Now()
		at := func(broker int32, want time.Duration) {
			t.Helper()
			f.gather(broker)
			if got := time.Since(began); got != want {
				t.Errorf("broker %d: a request after %v, want %v", broker, got, want)
			}
		}
		at(1, 0)
		at(2, 0)
		at(1, 5*time.Millisecond)
		time.Sleep(3 * time.Millisecond)
		at(1, 10*time.Millisecond)
		time.Sleep(500 * time.Millisecond)
		at(1, 510*time.Millisecond)
		stop()
		at(1, 510*time.Millisecond)
	})
}
