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
	// DialTimeout bounds connecting, the TLS and SASL handshakes included. Default 10 s.
	DialTimeout time.Duration
	// RequestTimeout bounds one request on the wire, and is also how long a call without a deadline keeps trying. Default 30 s.
	RequestTimeout time.Duration
	// Dial replaces net.Dialer in tests.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}
