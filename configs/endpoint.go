package configs

import (
	"time"

	"github.com/leftoff/leftoff/replicator"
)

// Endpoint is a cluster with everything needed to reach it, for whoever dials.
type Endpoint struct {
	Name           string
	Brokers        []string
	ClientID       string
	TLS            *TLS
	SASL           *Credentials
	DialTimeout    time.Duration
	RequestTimeout time.Duration
}

// Credentials are SASL's.
type Credentials struct {
	Mechanism, Username string
	Password            Secret
}

// Endpoint of a cluster by its name. Secrets were read when the file was.
func (c Config) Endpoint(name string) Endpoint {
	cl := c.Clusters[name]
	e := Endpoint{
		Name: name, Brokers: cl.Brokers, ClientID: cl.ClientID, TLS: cl.TLS,
		DialTimeout: cl.DialTimeout, RequestTimeout: cl.RequestTimeout,
	}
	if s := cl.SASL; s != nil {
		e.SASL = &Credentials{Mechanism: s.Mechanism, Username: s.Username, Password: s.resolved}
	}
	return e
}

// Replicator is the policy as the core takes it.
func (p Policy) Replicator() replicator.Policy {
	return replicator.Policy{
		Rewind: p.Rewind, Tombstones: p.Tombstones, FirstContact: p.FirstContact, Unmapped: p.Unmapped, After: string(p.After),
	}
}
