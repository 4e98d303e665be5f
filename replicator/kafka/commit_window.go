package kafka

import (
	"context"
	"slices"
	"sync"
	"time"
)

// window bounds how many commits are on the way to one broker, and says who is next. What is more than the line and the broker
// need to be busy only waits inside the broker, where nobody can overtake; so the window grows while answers come as fast as
// they ever do, and shrinks while they take much longer (the idea of TCP Vegas). Those who have to wait do so here: first come,
// first served, after the ones that are to go first.
type window struct {
	mu      sync.Mutex
	most    int
	size    float64
	used    int
	waiting [2][]chan struct{} // those to go first, and the others

	fastest [2]time.Duration // answer of this period and of the one before; 0: none
	since   time.Time
}

const (
	startWindow = 64
	leastWindow = 64
	// floorPeriod is how long the fastest answer counts: routes change.
	floorPeriod = 30 * time.Second
	// jitter is what answers may take longer without a meaning.
	jitter = 5 * time.Millisecond
)

func (w *window) init(most int) {
	w.most, w.size = most, float64(min(most, startWindow))
}

// enter waits for room. Its error is the context's.
func (w *window) enter(ctx context.Context, first bool) error {
	w.mu.Lock()
	if w.used < int(w.size) {
		w.used++
		w.mu.Unlock()
		return nil
	}
	q := 1
	if first {
		q = 0
	}
	turn := make(chan struct{})
	w.waiting[q] = append(w.waiting[q], turn)
	w.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.waiting[q], turn); i >= 0 {
		w.waiting[q] = slices.Delete(w.waiting[q], i, i+1)
	} else {
		w.used-- // its turn came at the same moment
		w.admit()
	}
	return context.Cause(ctx)
}

// leave makes room, and learns from how long the answer took. Commits that were not answered teach nothing.
func (w *window) leave(took time.Duration, answered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if answered {
		w.learn(took, time.Now())
	}
	w.used--
	w.admit()
}

// admit lets in who is next. w.mu is held.
func (w *window) admit() {
	for q := range w.waiting {
		for len(w.waiting[q]) > 0 && w.used < int(w.size) {
			close(w.waiting[q][0])
			w.waiting[q][0] = nil
			w.waiting[q] = w.waiting[q][1:]
			w.used++
		}
	}
}

// learn adapts the size to an answer. w.mu is held.
func (w *window) learn(took time.Duration, now time.Time) {
	if now.Sub(w.since) > floorPeriod {
		w.fastest[1], w.fastest[0], w.since = w.fastest[0], 0, now
	}
	if w.fastest[0] == 0 || took < w.fastest[0] {
		w.fastest[0] = took
	}
	fastest := w.fastest[0]
	if w.fastest[1] > 0 {
		fastest = min(fastest, w.fastest[1])
	}
	switch {
	case took > 2*fastest+jitter:
		w.size = max(w.size-0.5, float64(min(leastWindow, w.most)))
	case took < fastest+fastest/2+jitter/2 && w.used >= int(w.size): // it was the window that held us back
		w.size = min(w.size+1, float64(w.most))
	}
}
