package rig

import (
	"fmt"
	"strings"
)

// Listener names one way into a broker.
type Listener string

// The listeners a broker may have. Plain is there always; the others with
// Options.Security.
const (
	Plain   Listener = "PLAINTEXT" // no password, no encryption
	SASL    Listener = "SASL"      // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
	TLS     Listener = "TLS"       // the server shows a certificate
	MTLS    Listener = "MTLS"      // both do
	SASLTLS Listener = "SASLTLS"   // the mechanisms of SASL over TLS

	internal   Listener = "INTERNAL" // brokers among themselves, and the rig
	controller Listener = "CONTROLLER"
)

// protocol is Kafka's name of what the listener speaks.
func (l Listener) protocol() string {
	switch l {
	case SASL:
		return "SASL_PLAINTEXT"
	case TLS, MTLS:
		return "SSL"
	case SASLTLS:
		return "SASL_SSL"
	}
	return "PLAINTEXT"
}

// listeners returns those a cluster of these options has, in the order in which
// ports are dealt.
func (o Options) listeners() []Listener {
	all := []Listener{controller, internal, Plain}
	if o.Security != nil {
		all = append(all, SASL, TLS, MTLS, SASLTLS)
	}
	return all
}

// listenerProperties describe the listeners of one node: where it binds, and
// what it tells others.
func (n *node) listenerProperties(o Options) map[string]string {
	var binds, advertises, protocols []string
	for _, l := range o.listeners() {
		protocols = append(protocols, fmt.Sprintf("%s:%s", l, l.protocol()))
		binds = append(binds, fmt.Sprintf("%s://%s", l, loopback(n.ports[l])))
		if l != controller {
			advertises = append(advertises, fmt.Sprintf("%s://%s", l, n.advertised(l)))
		}
	}
	return map[string]string{
		"listeners":                      strings.Join(binds, ","),
		"advertised.listeners":           strings.Join(advertises, ","),
		"listener.security.protocol.map": strings.Join(protocols, ","),
	}
}

// advertised is the address clients of the listener are told.
func (n *node) advertised(l Listener) string {
	if l == Plain && n.proxy != nil {
		return n.proxy.Addr()
	}
	return loopback(n.ports[l])
}
