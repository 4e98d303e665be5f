package region

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// maxFrame is beyond what any client sends; a TLS greeting on a plaintext port looks like 370 MB.
const maxFrame = 128 << 20

// conn is a client's connection as kfake sees it. It hands over one request at a time, as kfake answers them one at a time
// anyway, and has the Region look at those that write offsets, before and after.
type conn struct {
	net.Conn          // what is read and written: TLS where the region has it
	g        *gate    // for forget
	raw      net.Conn // what was accepted
	in       *bufio.Reader
	frame    []byte // the buffer of the request that is handed over
	out      []byte // what is left of it
	idle     chan struct{}
	closed   chan struct{}
	once     sync.Once

	mu      sync.Mutex
	current exchange // nil: of no interest
}

// exchange is a request that writes offsets, between its arrival and its answer.
type exchange interface {
	// answered is called with kfake's answer and returns what the client gets, which may be the same.
	answered(frame []byte) []byte
	// lost is called instead when the connection died first.
	lost()
}

func newConn(g *gate, raw net.Conn) *conn {
	c := &conn{Conn: raw, g: g, raw: raw, idle: make(chan struct{}, 1), closed: make(chan struct{})}
	if g.r.o.TLS != nil {
		c.Conn = tls.Server(raw, g.r.o.TLS)
	}
	c.in = bufio.NewReaderSize(c.Conn, 32<<10)
	c.idle <- struct{}{}
	return c
}

// Read is called by kfake's reader of this connection only.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.out) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

func (c *conn) next() error {
	var size [4]byte
	if _, err := io.ReadFull(c.in, size[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint32(size[:]))
	if n < 8 || n > maxFrame {
		return fmt.Errorf("a frame of %d bytes", n)
	}
	if cap(c.frame) < n+4 {
		c.frame = make([]byte, n+4)
	}
	c.frame = c.frame[:n+4]
	copy(c.frame, size[:])
	if _, err := io.ReadFull(c.in, c.frame[4:]); err != nil {
		return err
	}
	select {
	case <-c.idle:
	case <-c.closed:
		return net.ErrClosed
	}
	if !c.g.r.enter() {
		return net.ErrClosed
	}
	x, silent, err := c.g.r.arrived(c, c.frame[4:])
	c.g.r.leave()
	if err != nil {
		return err
	}
	if silent {
		c.idle <- struct{}{}
	}
	c.mu.Lock()
	c.current = x
	c.mu.Unlock()
	select {
	case <-c.closed: // Close may have come before current was set
		c.abandon()
		return net.ErrClosed
	default:
	}
	c.out = c.frame
	return nil
}

// Write is called by kfake with one whole answer.
func (c *conn) Write(p []byte) (int, error) {
	answer := p
	if x := c.take(); x != nil {
		if !c.g.r.enter() {
			x.lost()
			return 0, net.ErrClosed
		}
		answer = x.answered(p)
		c.g.r.leave()
	}
	if _, err := c.Conn.Write(answer); err != nil {
		return 0, err
	}
	select {
	case c.idle <- struct{}{}:
	default: // an answer to nothing: kfake sends none
	}
	return len(p), nil
}

func (c *conn) take() exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.current
	c.current = nil
	return x
}

func (c *conn) abandon() {
	if x := c.take(); x != nil {
		x.lost()
	}
}

func (c *conn) Close() error {
	var err error
	c.once.Do(func() {
		close(c.closed)
		c.g.forget(c)
		err = c.raw.Close()
		c.abandon()
	})
	return err
}

// reset ends the connection as a dying machine does: without the goodbyes.
func (c *conn) reset() {
	if t, ok := c.raw.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}
