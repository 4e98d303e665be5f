package mirror

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What was read and not acknowledged is on its way, until it is; what came later is somebody else's business.
func TestLand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(unique)
		w.p.inbox.wake, w.p.now = make(chan struct{}, 1), time.Now
		w.write(9, data)
		ctx, end := context.WithCancel(t.Context())
		defer end()
		go w.p.loop(ctx, ctx)
		synctest.Wait()
		for w.feed.deliver(w.p) {
			synctest.Wait()
		}
		s := &Source{topics: map[string]*topic{"orders": {parts: []*partitionPair{{partition: w.p}}}, "audit": {}}}
		within := func(d time.Duration, topics ...string) int64 {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			return s.Land(ctx, topics)
		}
		if left := within(time.Second, "orders"); left != 9 {
			t.Errorf("%d offsets are left, want 9", left)
		}
		if left := within(time.Second, "audit"); left != 0 {
			t.Errorf("%d offsets are left of another topic", left)
		}
		landed := make(chan int64, 1)
		go func() { landed <- within(time.Minute, "orders") }()
		synctest.Wait()
		w.write(5, data) // later: it is not waited for
		for w.feed.deliver(w.p) {
			synctest.Wait()
		}
		for len(landed) == 0 && len(w.wire.requests)+len(w.wire.answers) > 0 {
			if !w.wire.arrive(w.second) {
				w.wire.respond()
			}
			time.Sleep(landEvery)
			synctest.Wait()
		}
		if left := <-landed; left != 0 || w.second.end() < 9 {
			t.Errorf("%d are left, the secondary ends at %d", left, w.second.end())
		}
		end()
		synctest.Wait()
	})
}
