package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// conn is one connection to one broker, with nobody else on it. sarama's calls know no context and hold the broker's lock
// while they wait, so that even its Close would wait: a context that ends closes the socket under them.
type conn struct {
	addr   string
	broker *sarama.Broker
	raw    *wire
	over   net.Conn // what sarama speaks through: raw, or TLS over it
	dead   bool
	proven bool // a request has been answered
	idle   time.Time
	lost   atomic.Bool // set by the goroutine that reads answers to pipelined requests

	unwatch func() bool // ends what a context may still do to it
}

// connOptions of one connection.
type connOptions struct {
	inFlight int           // requests on the wire; 1 unless produced to
	silence  time.Duration // without a byte for this long while one is owed, the connection is given up
}

// dial connects, encrypts, negotiates and authenticates.
func (c *Cluster) dial(ctx context.Context, addr string, o connOptions) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	raw, err := c.cfg.Dial(ctx, "tcp", addr)
	if err != nil {
		return nil, &dialError{step: stepConnect, err: err}
	}
	w := &wire{Conn: raw, idle: o.silence, sniff: c.cfg.TLS == nil}
	secured, err := c.encrypt(ctx, w, addr)
	if err != nil {
		raw.Close()
		return nil, &dialError{step: stepTLS, err: err}
	}
	cn := &conn{addr: addr, raw: w, over: secured, broker: sarama.NewBroker(addr)}
	if err := c.greet(ctx, cn, secured, o); err != nil {
		return nil, err
	}
	return cn, nil
}

func (c *Cluster) encrypt(ctx context.Context, w net.Conn, addr string) (net.Conn, error) {
	if c.cfg.TLS == nil {
		return w, nil
	}
	cfg := c.cfg.TLS
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName, _, _ = net.SplitHostPort(addr)
	}
	t := tls.Client(w, cfg)
	return t, t.HandshakeContext(ctx)
}

// greet has sarama negotiate versions and authenticate.
func (c *Cluster) greet(ctx context.Context, cn *conn, over net.Conn, o connOptions) error {
	cfg := *c.sarama
	cfg.Net.Proxy.Enable, cfg.Net.Proxy.Dialer = true, given{over}
	cfg.Net.MaxOpenRequests = max(1, o.inFlight)
	stop := context.AfterFunc(ctx, cn.kill)
	defer stop()
	if err := cn.broker.Open(&cfg); err != nil {
		cn.kill()
		return &dialError{step: stepGreet, err: err}
	}
	ok, err := cn.broker.Connected() // waits for the end of it all
	if ok && err == nil && ctx.Err() == nil && cn.raw.strange == nil {
		return nil
	}
	cn.close()
	if cn.raw.strange != nil {
		return &dialError{step: stepGreet, err: cn.raw.strange}
	}
	if err == nil || ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = errors.New("not connected")
	}
	return &dialError{step: stepGreet, err: err}
}

// do runs one request. After a transport error, or a context that ended under it, the connection is dead.
func (cn *conn) do(ctx context.Context, f func(*sarama.Broker) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, cn.kill)
	err := f(cn.broker)
	if !stop() {
		cn.dead = true
		if err != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	switch {
	case err == nil:
		cn.proven = true
	case transport(err):
		cn.dead = true
		err = &lostError{err: err, first: !cn.proven}
	}
	return err
}

// transport tells errors of the connection from answers of the broker and mistakes in the request.
func transport(err error) bool {
	var answered *Error
	var code sarama.KError
	var encoding sarama.PacketEncodingError
	return !errors.As(err, &answered) && !errors.As(err, &code) && !errors.As(err, &encoding)
}

// abort has kill reset the connection. A closed one goes on sending what has not left yet, for minutes over a line that fails; a
// request could arrive after one that was sent later, over another connection.
func (cn *conn) abort() {
	if tcp, ok := cn.raw.Conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0) // where it does not work, the connection is closed as any other
	}
}

// kill closes the socket, whoever waits on it.
func (cn *conn) kill() { cn.raw.Close() }

// close ends the connection and sarama's goroutines on it.
func (cn *conn) close() {
	cn.dead = true
	if cn.unwatch != nil {
		cn.unwatch()
	}
	cn.kill()
	cn.broker.Close()
}
