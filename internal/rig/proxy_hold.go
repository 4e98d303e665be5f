package rig

import "sync"

// Keys of requests, for HoldRequest.
const (
	ProduceKey      int16 = 0
	FetchKey        int16 = 1
	OffsetCommitKey int16 = 8
)

// Hold keeps one request back, and with it what follows on its connection.
type Hold struct {
	// Caught is closed when the request has arrived and is held.
	Caught chan struct{}

	key   int16
	match func(request []byte) bool

	mu       sync.Mutex
	released bool
	flow     *flow
}

// HoldRequest holds the next request of a kind back until Release.
func (p *Proxy) HoldRequest(key int16) *Hold {
	return p.HoldMatching(key, func([]byte) bool { return true })
}

// HoldMatching holds the next request of a kind that match accepts. It is given
// the whole request with its four bytes of size.
func (p *Proxy) HoldMatching(key int16, match func(request []byte) bool) *Hold {
	h := &Hold{Caught: make(chan struct{}), key: key, match: match}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds = append(p.holds, h)
	return h
}

// Release lets the request go on, even if its client is gone by now.
func (h *Hold) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = true
	if h.flow != nil {
		h.flow.poke()
	}
}

// holds reports whether there is anything to wait for; nil holds nothing.
func (h *Hold) holds() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.released
}

// catch returns the hold that waits for this request, if any.
func (p *Proxy) catch(key int16, request []byte, f *flow) *Hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, h := range p.holds {
		if h.key != key || !h.match(request) {
			continue
		}
		p.holds = append(p.holds[:i:i], p.holds[i+1:]...)
		h.mu.Lock()
		h.flow = f
		h.mu.Unlock()
		close(h.Caught)
		return h
	}
	return nil
}
