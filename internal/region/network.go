package region

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Network is a network in memory: connections are pipes, which testing/synctest takes for durably blocked. The zero value
// is ready. Regions that are to reach the same clients share one.
type Network struct {
	pipes kfake.VirtualNetwork
	mu    sync.Mutex
	last  int
}

// Dial is for clients that dial without a context (sarama's proxy dialer).
func (n *Network) Dial(network, address string) (net.Conn, error) {
	return n.DialContext(context.Background(), network, address)
}

// DialContext is for kgo.Dialer.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return n.pipes.DialContext(ctx, network, address)
}

// listen listens on the real network where n is nil.
func (n *Network) listen(network, address string) (net.Listener, error) {
	if n == nil {
		return net.Listen(network, address)
	}
	return n.pipes.Listen(network, address)
}

// port returns the next free port in memory, or 0 on the real network: any.
func (n *Network) port() int {
	if n == nil {
		return 0
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	return 9091 + n.last
}

// gate is the listener that kfake accepts from. It outlives a Kill: kfake knows nothing of it.
type gate struct {
	r      *Region
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex
	open net.Listener // nil: killed
	live map[*conn]struct{}
	done sync.WaitGroup
}

func (r *Region) listen(network, address string) (net.Listener, error) {
	open, err := r.o.Network.listen(network, address)
	if err != nil {
		return nil, err
	}
	g := &gate{r: r, addr: open.Addr(), conns: make(chan net.Conn), closed: make(chan struct{}), live: make(map[*conn]struct{})}
	g.start(open)
	r.gates = append(r.gates, g)
	return g, nil
}

func (g *gate) start(open net.Listener) {
	g.mu.Lock()
	g.open = open
	g.mu.Unlock()
	g.done.Add(1)
	go func() {
		defer g.done.Done()
		for {
			raw, err := open.Accept()
			if err != nil {
				return
			}
			g.admit(open, raw)
		}
	}()
}

// admit hands a client's connection to kfake, wrapped.
func (g *gate) admit(open net.Listener, raw net.Conn) {
	c := newConn(g, raw)
	g.mu.Lock()
	killed := g.open != open
	if !killed {
		g.live[c] = struct{}{}
	}
	g.mu.Unlock()
	if killed {
		raw.Close()
		return
	}
	select {
	case g.conns <- c:
	case <-g.closed:
		c.Close()
	}
}

// internal is a connection of the region to its own broker. It is not watched, needs no TLS and survives a Kill.
func (g *gate) internal() (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case g.conns <- server:
		return client, nil
	case <-g.closed:
		return nil, fmt.Errorf("region %s: %w", g.r.o.Name, net.ErrClosed)
	}
}

func (g *gate) Accept() (net.Conn, error) {
	select {
	case c := <-g.conns:
		return c, nil
	case <-g.closed:
		return nil, net.ErrClosed
	}
}

func (g *gate) Addr() net.Addr { return g.addr }

// Close is kfake's, when the cluster ends.
func (g *gate) Close() error {
	g.kill()
	g.once.Do(func() { close(g.closed) })
	g.done.Wait()
	return nil
}

func (g *gate) kill() {
	g.mu.Lock()
	open := g.open
	g.open = nil
	live := make([]*conn, 0, len(g.live))
	for c := range g.live {
		live = append(live, c)
	}
	g.mu.Unlock()
	if open != nil {
		open.Close()
	}
	for _, c := range live {
		c.reset()
	}
}

func (g *gate) restart() error {
	g.mu.Lock()
	running := g.open != nil
	g.mu.Unlock()
	if running {
		return nil
	}
	open, err := g.r.o.Network.listen("tcp", g.addr.String())
	if err != nil {
		return err
	}
	g.start(open)
	return nil
}

func (g *gate) forget(c *conn) {
	g.mu.Lock()
	delete(g.live, c)
	g.mu.Unlock()
}
