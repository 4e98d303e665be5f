package rig

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP relay on loopback that can be slow, cut, or hold what passes.
//
// Kafka clients follow the addresses brokers advertise, so a proxy of one's own
// before a bootstrap address is left behind after the first answer. Start the
// cluster with Options.Proxied: each broker then advertises its proxy, and
// Cluster.Proxy finds it. For one raw connection, NewProxy will do.
//
// Client to broker, a proxy knows where requests begin (except under TLS), so
// that one request can be held by its kind:
//
//	held := p.HoldRequest(rig.ProduceKey)  // the next Produce, and what follows it on its connection
//	<-held.Caught                          // it is in our hands
//	kill the client                        // its connection to the broker stays open while held
//	held.Release()                         // now it lands, late
type Proxy struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	delay  [2]time.Duration // by direction
	held   [2]bool
	cut    bool
	closed bool
	holds  []*Hold // waiting for their request
	pairs  map[*pair]struct{}
}

// The directions through a proxy.
const (
	ToBroker = iota
	ToClient
)

// NewProxy starts a proxy before target that ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p, err := OpenProxy(target)
	if err != nil {
		t.Fatalf("rig: proxy: %v", err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// OpenProxy starts a proxy; the caller closes it. The target need not be up.
func OpenProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, listener: l, pairs: map[*pair]struct{}{}}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Delay makes everything arrive this much later, in either direction, with no
// limit on how much is under way: half of a round trip each.
func (p *Proxy) Delay(oneWay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = [2]time.Duration{oneWay, oneWay}
}

// Cut breaks every connection and refuses new ones until Mend: a network that
// answers "no". What is under way is lost, and what a Hold has with it.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	p.breakAll()
}

// Mend lets connections through again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// Break breaks every connection there is; new ones are welcome.
func (p *Proxy) Break() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breakAll()
}

func (p *Proxy) breakAll() {
	for pair := range p.pairs {
		pair.abort()
	}
}

// Pause holds everything that flows in one direction (ToBroker, ToClient) back,
// on all connections, until Resume: a network that says nothing.
func (p *Proxy) Pause(direction int) { p.setHeld(direction, true) }

// Resume lets a paused direction flow, what was held first.
func (p *Proxy) Resume(direction int) { p.setHeld(direction, false) }

func (p *Proxy) setHeld(direction int, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[direction] = held
	for pair := range p.pairs {
		pair.flows[direction].poke()
	}
}

// Conns is the number of connections from clients.
func (p *Proxy) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pairs)
}

// Close ends the proxy and waits for its goroutines.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	err := p.listener.Close()
	p.breakAll()
	p.mu.Unlock()
	p.wg.Wait()
	return err
}

// accept joins each client with a connection of its own to the broker.
func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	broker, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		reset(client)
		return
	}
	pair := newPair(p, client, broker)
	if !p.add(pair) {
		pair.abort()
		pair.close()
		return
	}
	pair.run()
	p.mu.Lock()
	delete(p.pairs, pair)
	p.mu.Unlock()
}

// add registers a pair unless the proxy lets nobody through.
func (p *Proxy) add(pair *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.cut {
		return false
	}
	p.pairs[pair] = struct{}{}
	return true
}

func (p *Proxy) timing(direction int) (delay time.Duration, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay[direction], p.held[direction]
}

// reset closes a connection so that its peer sees an error, not an end.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}
