package region

import (
	"net"
	"sync"
)

// locks let one request at a time write the offsets of a group. Waiting is on a channel, which testing/synctest takes for
// durably blocked; a sync.Mutex held over a request would hang a bubble.
type locks struct {
	mu        sync.Mutex
	held      map[string]bool
	exclusive bool // one holder of everything
	wanted    int  // so many wait for everything: newcomers stand back
	changed   chan struct{}
}

func newLocks() *locks { return &locks{held: make(map[string]bool), changed: make(chan struct{})} }

// acquire takes all names or, with none, everything. stop ends the wait.
func (l *locks) acquire(stop <-chan struct{}, names ...string) (release func(), err error) {
	everything := len(names) == 0
	l.mu.Lock()
	defer l.mu.Unlock()
	if everything {
		l.wanted++
		defer func() { l.wanted-- }()
	}
	for !l.free(names) {
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-stop:
			err = net.ErrClosed
		}
		l.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
	l.exclusive = everything
	for _, n := range names {
		l.held[n] = true
	}
	return sync.OnceFunc(func() { l.release(names) }), nil
}

func (l *locks) free(names []string) bool {
	if len(names) == 0 {
		return len(l.held) == 0 && !l.exclusive
	}
	if l.exclusive || l.wanted > 0 {
		return false
	}
	for _, n := range names {
		if l.held[n] {
			return false
		}
	}
	return true
}

func (l *locks) release(names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exclusive = false
	for _, n := range names {
		delete(l.held, n)
	}
	close(l.changed)
	l.changed = make(chan struct{})
}
