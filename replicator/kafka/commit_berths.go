package kafka

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
)

// berths are the pipes to all coordinators: a fixed number of places at each broker, each with a pipe in it once a group needs
// it. A group always has the same place.
type berths struct {
	c     *Cluster
	each  int // places at a broker
	limit int // commits on the way to a broker
	seed  maphash.Seed

	ctx    context.Context // ends when closed
	cancel context.CancelFunc

	mu     sync.Mutex
	hosts  map[string]*quay
	closed bool
	wg     sync.WaitGroup // dials and readers
}

// quay is one broker.
type quay struct {
	window window
	places []berth
}

type berth struct {
	mu   sync.Mutex
	pipe *pipe
	dial *dialing // under way
}

type dialing struct {
	done chan struct{}
	pipe *pipe
	err  error
}

func newBerths(c *Cluster, each, limit int) *berths {
	b := &berths{c: c, each: each, limit: limit, seed: maphash.MakeSeed(), hosts: map[string]*quay{}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// commit sends a request to a broker, once more where its pipe had died unnoticed. first goes ahead of those that wait.
func (b *berths) commit(ctx context.Context, addr string, q *commitRequest, first bool) ([]answeredCode, error) {
	h, err := b.quay(addr)
	if err != nil {
		return nil, err
	}
	place := &h.places[maphash.String(b.seed, q.group)%uint64(len(h.places))]
	for again := false; ; again = true {
		codes, fresh, err := b.once(ctx, addr, h, place, q, first || again)
		var lost *lostError
		if again || fresh || !errors.As(err, &lost) || silent(err) {
			return codes, err
		}
	}
}

// once sends it. Its room in the window is free when the broker no longer has it, however long ctx is over by then: a broker
// that is behind would only fall back further if those who gave up could send more.
func (b *berths) once(ctx context.Context, addr string, h *quay, place *berth, q *commitRequest, first bool) (codes []answeredCode, fresh bool, err error) {
	if err := h.window.enter(ctx, first); err != nil {
		return nil, true, err
	}
	p, fresh, err := b.pipe(ctx, place, addr)
	if err != nil {
		h.window.leave(0, false)
		return nil, true, err
	}
	codes, err = p.commit(ctx, q, h.window.leave)
	return codes, fresh, err
}

func (b *berths) quay(addr string) (*quay, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	h := b.hosts[addr]
	if h == nil {
		h = &quay{places: make([]berth, b.each)}
		h.window.init(b.limit)
		b.hosts[addr] = h
	}
	return h, nil
}

// pipe returns the pipe of a place. Whoever comes while it is being dialled waits for that; fresh says that it has not yet
// answered anybody.
func (b *berths) pipe(ctx context.Context, place *berth, addr string) (p *pipe, fresh bool, err error) {
	place.mu.Lock()
	if place.pipe != nil {
		if lost, proven := place.pipe.state(); lost == nil {
			p = place.pipe
			place.mu.Unlock()
			return p, !proven, nil
		}
		place.pipe = nil
	}
	d := place.dial
	if d == nil {
		d = &dialing{done: make(chan struct{})}
		if !b.spawn(func() { b.dial(place, d, addr) }) {
			place.mu.Unlock()
			return nil, false, ErrClosed
		}
		place.dial = d
	}
	place.mu.Unlock()
	select {
	case <-d.done:
		return d.pipe, true, d.err
	case <-ctx.Done():
		return nil, true, context.Cause(ctx)
	}
}

// spawn starts a goroutine that close waits for; false when closed.
func (b *berths) spawn(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.wg.Go(f)
	return true
}

// dial fills a place, and reads from its pipe as long as that lives.
func (b *berths) dial(place *berth, d *dialing, addr string) {
	d.pipe, d.err = b.c.openPipe(b.ctx, addr)
	if d.err != nil && b.ctx.Err() != nil {
		d.err = ErrClosed
	}
	place.mu.Lock()
	place.pipe, place.dial = d.pipe, nil
	place.mu.Unlock()
	close(d.done)
	if d.err != nil {
		return
	}
	stop := context.AfterFunc(b.ctx, func() { d.pipe.close(ErrClosed) })
	defer stop()
	d.pipe.read()
}

// close ends every pipe; commits on them return ErrClosed.
func (b *berths) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.wg.Wait()
}
