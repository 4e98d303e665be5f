package kafka

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Who is to go first does, and otherwise the order is kept; somebody who gives up leaves no hole.
func TestWindowOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w window
		w.init(1)
		if err := w.enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		var order []string
		wait := func(ctx context.Context, name string, first bool) {
			go func() {
				if err := w.enter(ctx, first); err != nil {
					name = "not " + name
				}
				order = append(order, name)
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait(t.Context(), "a", false)
		wait(ctx, "b", false)
		wait(t.Context(), "c", false)
		wait(t.Context(), "d", true)
		wait(t.Context(), "e", true)
		cancel()
		synctest.Wait()
		for range 5 {
			w.leave(0, false)
			synctest.Wait()
		}
		if got := fmt.Sprint(order); got != "[not b d e a c]" {
			t.Error(got)
		}
		if w.used != 0 {
			t.Errorf("%d places are still taken", w.used)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		w.used = 1
		if err := w.enter(ctx, false); !errors.Is(err, context.Canceled) || len(w.waiting[1]) != 0 {
			t.Error(err, w.waiting)
		}
	})
}

// The window opens while answers come as fast as ever, closes while they take longer, and does nothing where it was not full.
func TestWindowFollowsTheBroker(t *testing.T) {
	var w window
	w.init(512)
	answers := func(n int, took time.Duration, full bool) int {
		for range n {
			w.used = 0
			if full {
				w.used = int(w.size)
			}
			w.learn(took, time.Now())
		}
		return int(w.size)
	}
	const trip = 80 * time.Millisecond
	if n := answers(1000, trip, false); n != startWindow {
		t.Errorf("not full: %d", n)
	}
	if n := answers(1000, trip+trip/4, true); n != 512 {
		t.Errorf("fast: %d", n)
	}
	if n := answers(100, 2*trip+jitter-time.Millisecond, true); n != 512 {
		t.Errorf("neither fast nor slow: %d", n)
	}
	if n := answers(2000, 3*trip, true); n != leastWindow {
		t.Errorf("slow: %d", n)
	}
	// The line became longer for good: what was fastest is forgotten.
	later := time.Now()
	for range 3 {
		later = later.Add(floorPeriod + time.Second)
		w.used = int(w.size)
		w.learn(3*trip, later)
	}
	if n := int(w.size); n <= leastWindow {
		t.Errorf("a longer line: %d", n)
	}
	var small window
	small.init(2)
	for range 100 {
		small.learn(trip, time.Now())
		small.learn(10*trip, time.Now())
	}
	if small.size != 2 {
		t.Errorf("a small window: %v", small.size)
	}
}
