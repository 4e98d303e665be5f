package daemon

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
)

const (
	usualGC  = 100 // Go's default: garbage may double the heap before it is collected
	leastGC  = 25
	headroom = 40 << 20 // bytes of garbage that a large heap may collect
)

// tidied is the GOGC that tidyHeap has set, 0 for none. It is the process's, however many links there are.
var tidied struct {
	sync.Mutex
	percent int
}

// tidyWhen waits for the end of a link's start, and tidies the heap then.
func tidyWhen(ctx context.Context, settled <-chan struct{}) error {
	select {
	case <-settled:
		tidyHeap()
	case <-ctx.Done():
	}
	return nil
}

// tidyHeap gives back what only the start needed, and keeps garbage small from then on: the table of a large link lives for good,
// and a collector that lets the heap double over it doubles the daemon. While the logs are read it may: that is fast. Whoever set
// GOGC is left alone.
func tidyHeap() {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	tidied.Lock()
	defer tidied.Unlock()
	percent := percentFor(m.HeapAlloc)
	if was := debug.SetGCPercent(percent); was != usualGC && was != tidied.percent {
		debug.SetGCPercent(was)
		return
	}
	tidied.percent = percent
}

// percentFor is the GOGC that leaves a heap of live bytes about the headroom.
func percentFor(live uint64) int {
	return int(min(max(headroom*100/max(live, 1), leastGC), usualGC))
}
