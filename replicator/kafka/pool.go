package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// idleFor is how long an unused connection is kept. Brokers drop theirs after connections.max.idle.ms, ten minutes.
const idleFor = time.Minute

// pool hands out private connections, at most size to a broker at a time; who finds none waits.
type pool struct {
	cluster *Cluster
	size    int
	options connOptions

	mu     sync.Mutex
	hosts  map[string]*host
	all    map[*conn]struct{}
	closed bool
}

type host struct {
	slots chan struct{}
	idle  []*conn // newest last
}

func newPool(c *Cluster, size int) *pool {
	return &pool{cluster: c, size: size, options: connOptions{inFlight: 1, silence: c.cfg.RequestTimeout},
		hosts: map[string]*host{}, all: map[*conn]struct{}{}}
}

// call runs one request at a broker. A pooled connection may have died unnoticed: then it is tried once more on a new one.
func (p *pool) call(ctx context.Context, addr string, f func(*sarama.Broker) error) error {
	h, err := p.enter(ctx, addr)
	if err != nil {
		return err
	}
	defer func() { <-h.slots }()
	if cn := p.pop(h); cn != nil {
		err := cn.do(ctx, f)
		p.put(h, cn)
		var lost *lostError
		if !errors.As(err, &lost) || silent(err) {
			return err
		}
	}
	cn, err := p.dial(ctx, addr)
	if err != nil {
		return err
	}
	err = cn.do(ctx, f)
	p.put(h, cn)
	return err
}

// silent says that a broker did not answer at all: a second connection would only wait as long.
func silent(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// enter waits for a slot.
func (p *pool) enter(ctx context.Context, addr string) (*host, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	h := p.hosts[addr]
	if h == nil {
		h = &host{slots: make(chan struct{}, p.size)}
		p.hosts[addr] = h
	}
	p.mu.Unlock()
	select {
	case h.slots <- struct{}{}:
		return h, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pop takes the idle connection used last, and closes those not used for long.
func (p *pool) pop(h *host) *conn {
	p.mu.Lock()
	old := 0
	for old < len(h.idle) && time.Since(h.idle[old].idle) > idleFor {
		delete(p.all, h.idle[old])
		old++
	}
	stale := h.idle[:old:old]
	h.idle = h.idle[old:]
	var cn *conn
	if n := len(h.idle); n > 0 {
		cn, h.idle = h.idle[n-1], h.idle[:n-1]
	}
	p.mu.Unlock()
	for _, s := range stale {
		s.close()
	}
	return cn
}

func (p *pool) dial(ctx context.Context, addr string) (*conn, error) {
	cn, err := p.cluster.dial(ctx, addr, p.options)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.all[cn] = struct{}{}
	}
	p.mu.Unlock()
	if closed {
		cn.close()
		return nil, ErrClosed
	}
	return cn, nil
}

func (p *pool) put(h *host, cn *conn) {
	p.mu.Lock()
	keep := !p.closed && !cn.dead
	if keep {
		cn.idle = time.Now()
		h.idle = append(h.idle, cn)
	} else {
		delete(p.all, cn)
	}
	p.mu.Unlock()
	if !keep {
		cn.close()
	}
}

// close closes every connection; requests on them end with an error.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	idle := make([]*conn, 0, len(p.all))
	for cn := range p.all {
		cn.kill()
	}
	for _, h := range p.hosts {
		idle = append(idle, h.idle...)
		h.idle = nil
	}
	p.all = nil
	p.mu.Unlock()
	for _, cn := range idle {
		cn.close()
	}
}
