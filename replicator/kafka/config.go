package kafka

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Config says how to reach a cluster, and as whom. The zero value of everything but Brokers is usable.
type Config struct {
	// Name is what messages call the cluster: "primary", "west".
	Name string
	// Brokers are the bootstrap addresses, host:port.
	Brokers []string
	// ClientID defaults to "leftoff".
	ClientID string
	// TLS turns TLS on. See TLSFiles.
	TLS *tls.Config
	// SASL turns authentication on.
	SASL *SASL
	// DialTimeout bounds connecting, the TLS and SASL handshakes included. Default 5 s.
	DialTimeout time.Duration
	// RequestTimeout is how long a connection may be silent while it owes an answer; then it is given up. Brokers are told
	// to answer, if only with a timeout, within three quarters of it. Default 10 s.
	RequestTimeout time.Duration
	// RetryFor is how long a call without a deadline keeps trying what is temporary. Default 30 s.
	RetryFor time.Duration
	// Dial replaces net.Dialer in tests.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (c Config) withDefaults() Config {
	if c.ClientID == "" {
		c.ClientID = "leftoff"
	}
	if c.DialTimeout <= 0 {
		c.DialTimeout = 5 * time.Second
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = 10 * time.Second
	}
	if c.RetryFor <= 0 {
		c.RetryFor = 30 * time.Second
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	return c
}

// brokerTimeout is what brokers are told to answer within.
func (c Config) brokerTimeout() time.Duration { return c.RequestTimeout * 3 / 4 }
