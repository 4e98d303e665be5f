package replicator

import "testing"

// When the start is over the daemon is told, once; a link that is never idle does not keep it waiting.
func TestSettled(t *testing.T) {
	for _, idle := range []bool{true, false} {
		told := 0
		b := newBench(t, func(o *Options) { o.Settled = func() { told++ }; o.MaxInFlight = 1 })
		b.put(Primary, committed(5))
		for range 10 {
			b.l.settle()
		}
		if told != 0 {
			t.Fatal("before both sides were read")
		}
		b.put(Secondary)
		if idle {
			b.answer(true)
		} else {
			b.put(Primary, commitOf("waits", 1))
		}
		seconds := 0
		for told == 0 && seconds < 2*settleLimit {
			b.l.settle()
			seconds++
		}
		if told != 1 || idle != (seconds < settleLimit) {
			t.Fatalf("idle %t: told %d times after %d s", idle, told, seconds)
		}
		if b.l.settle(); told != 1 {
			t.Fatal("told twice")
		}
	}
}
