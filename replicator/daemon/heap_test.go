package daemon

import (
	"runtime/debug"
	"testing"
)

// Garbage may be as large as a small heap, and a constant for a large one; one that is very large is not collected all the time.
func TestHeapPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 5 << 20: 100, 40 << 20: 100, 80 << 20: 50, 140 << 20: 28, 1 << 30: 25} {
		if got := percentFor(live); got != want {
			t.Errorf("%d MiB: %d, want %d", live>>20, got, want)
		}
	}
}

// What a link has set is no word of the user's: the next one sets it anew. What the user has set stays.
func TestHeapIsTidiedOncePerLink(t *testing.T) {
	before := debug.SetGCPercent(usualGC)
	defer debug.SetGCPercent(before)
	percent := func() int {
		p := debug.SetGCPercent(usualGC)
		debug.SetGCPercent(p)
		return p
	}
	tidyHeap()
	small := percent()
	large := make([]byte, 200<<20)
	tidyHeap()
	if p := percent(); p >= small {
		t.Errorf("GOGC %d after %d, with %d MiB more", p, small, len(large)>>20)
	}
	large[0] = 1 // it lived until here
	debug.SetGCPercent(77)
	if tidyHeap(); percent() != 77 {
		t.Errorf("the user's GOGC 77 became %d", percent())
	}
}
