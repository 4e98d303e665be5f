package match

import "time"

// wants are offsets that somebody waits for, the newest demand last. One that is not taken in time is forgotten: whoever
// still needs it asks again.
type wants struct {
	stack []want
	since map[int64]time.Time // when it was first wanted
}

type want struct {
	offset int64
	at     time.Time
}

const (
	wantFor  = 5 * time.Second
	maxWants = 8192
)

// add says whether the offset was not wanted before.
func (w *wants) add(offset int64, now time.Time) bool {
	if w.since == nil {
		w.since = map[int64]time.Time{}
	}
	if _, ok := w.since[offset]; ok {
		return false
	}
	if len(w.stack) >= maxWants {
		w.drop(len(w.stack) / 2)
	}
	w.since[offset] = now
	w.stack = append(w.stack, want{offset, now})
	return true
}

// pop takes the newest.
func (w *wants) pop(now time.Time) (int64, bool) {
	for n := len(w.stack) - 1; n >= 0; n-- {
		x := w.stack[n]
		w.stack = w.stack[:n]
		delete(w.since, x.offset)
		if now.Sub(x.at) <= wantFor {
			return x.offset, true
		}
	}
	return 0, false
}

func (w *wants) drop(n int) {
	for _, x := range w.stack[:n] {
		delete(w.since, x.offset)
	}
	w.stack = append([]want(nil), w.stack[n:]...)
}

func (w *wants) empty() bool { return len(w.stack) == 0 }
