package rig

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Security adds the listeners SASL, TLS, MTLS and SASLTLS to every broker. Its
// certificates come from an authority made for this cluster. Principals are
// User:NAME for passwords and User:COMMONNAME for client certificates.
type Security struct {
	// Users maps names to passwords, good for PLAIN, SCRAM-SHA-256 and
	// SCRAM-SHA-512.
	Users map[string]string
	// ACLs turns the StandardAuthorizer on: users may do nothing they were not
	// granted (Grant). Whoever comes through a plaintext listener may do
	// everything.
	ACLs bool
}

// securityProperties are the same for every broker.
func (c *Cluster) securityProperties() map[string]string {
	s := c.opts.Security
	if s == nil {
		return nil
	}
	p := map[string]string{
		"ssl.keystore.type":                         "PEM",
		"ssl.keystore.location":                     c.certs.server,
		"ssl.truststore.type":                       "PEM",
		"ssl.truststore.location":                   c.certs.ca,
		"ssl.principal.mapping.rules":               "RULE:^CN=([^,]+).*$/$1/",
		"listener.name.mtls.ssl.client.auth":        "required",
		"listener.name.tls.ssl.client.auth":         "none",
		"listener.name.sasltls.ssl.client.auth":     "none",
		"sasl.enabled.mechanisms":                   "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		"sasl.mechanism.inter.broker.protocol":      "PLAIN",
		"connections.max.reauth.ms":                 "0",
		"connection.failed.authentication.delay.ms": "100",
	}
	for _, l := range []string{"sasl", "sasltls"} {
		p["listener.name."+l+".plain.sasl.jaas.config"] = s.plainModule()
		for _, m := range []string{"scram-sha-256", "scram-sha-512"} {
			p["listener.name."+l+"."+m+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
	if s.ACLs {
		p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		p["super.users"] = "User:ANONYMOUS"
	}
	return p
}

// plainModule lists the users with their passwords.
func (s *Security) plainModule() string {
	var b strings.Builder
	b.WriteString("org.apache.kafka.common.security.plain.PlainLoginModule required")
	for _, user := range slices.Sorted(maps.Keys(s.Users)) {
		fmt.Fprintf(&b, " user_%s=%q", user, s.Users[user])
	}
	b.WriteString(";")
	return b.String()
}

// secure creates the SCRAM users of a started cluster and waits until every
// broker lets each of them in.
func (c *Cluster) secure(ctx context.Context) error {
	if c.opts.Security == nil || len(c.opts.Security.Users) == 0 {
		return nil
	}
	// Kafka takes one change of a user in a request, so a request a mechanism.
	for _, m := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		var upserts []kadm.UpsertSCRAM
		for user, password := range c.opts.Security.Users {
			upserts = append(upserts, kadm.UpsertSCRAM{User: user, Mechanism: m, Iterations: 4096, Password: password})
		}
		done, err := c.Admin().AlterUserSCRAMs(ctx, nil, upserts)
		if err == nil {
			err = done.Error()
		}
		if err != nil {
			return fmt.Errorf("create users: %w", err)
		}
	}
	for user, password := range c.opts.Security.Users {
		auth := scram.Auth{User: user, Pass: password}
		for _, addr := range c.Brokers(SASL) {
			if err := poll(ctx, func() error { return ping(ctx, addr, kgo.SASL(auth.AsSha256Mechanism())) }); err != nil {
				return err
			}
			if err := poll(ctx, func() error { return ping(ctx, addr, kgo.SASL(auth.AsSha512Mechanism())) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// ping asks one address whether it lets us in.
func ping(ctx context.Context, addr string, opts ...kgo.Opt) error {
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr)}, opts...)...)
	if err != nil {
		return permanent{err}
	}
	defer cl.Close()
	_, err = kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, cl.SeedBrokers()[0])
	return err
}

// CAFile is the PEM file of the authority that signed the brokers' certificates.
func (c *Cluster) CAFile() string { return c.certs.ca }

// ClientCert makes a client certificate for User:name and returns its PEM
// files.
func (c *Cluster) ClientCert(t testing.TB, name string) (certFile, keyFile string) {
	t.Helper()
	certFile, keyFile, err := c.certs.client(name)
	if err != nil {
		t.Fatalf("rig: certificate for %s: %v", name, err)
	}
	return certFile, keyFile
}

// TLSConfig trusts the cluster's authority, and shows a certificate for
// User:name unless that is empty.
func (c *Cluster) TLSConfig(t testing.TB, name string) *tls.Config {
	t.Helper()
	config := &tls.Config{RootCAs: c.certs.pool(), MinVersion: tls.VersionTLS12}
	if name != "" {
		cert, err := tls.LoadX509KeyPair(c.ClientCert(t, name))
		if err != nil {
			t.Fatalf("rig: certificate for %s: %v", name, err)
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return config
}

// Resource is what a Grant is about; the empty name is every one.
type Resource struct {
	Type kmsg.ACLResourceType
	Name string
}

// Topic, Group and ClusterWide are the resources ACLs are made for here.
func Topic(name string) Resource { return Resource{kmsg.ACLResourceTypeTopic, name} }
func Group(name string) Resource { return Resource{kmsg.ACLResourceTypeGroup, name} }
func ClusterWide() Resource      { return Resource{kmsg.ACLResourceTypeCluster, "kafka-cluster"} }

// Grant lets a user do things, and returns once every broker knows.
func (c *Cluster) Grant(t testing.TB, user string, on Resource, ops ...kmsg.ACLOperation) {
	t.Helper()
	if on.Name == "" {
		on.Name = "*"
	}
	req := kmsg.NewPtrCreateACLsRequest()
	for _, op := range ops {
		a := kmsg.NewCreateACLsRequestCreation()
		a.ResourceType, a.ResourceName, a.ResourcePatternType = on.Type, on.Name, kmsg.ACLResourcePatternTypeLiteral
		a.Principal, a.Host, a.Operation, a.PermissionType = "User:"+user, "*", op, kmsg.ACLPermissionTypeAllow
		req.Creations = append(req.Creations, a)
	}
	resp, err := req.RequestWith(t.Context(), c.direct())
	if err != nil {
		t.Fatalf("rig: grant: %v", err)
	}
	for _, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			t.Fatalf("rig: grant: %v", err)
		}
	}
	Eventually(t, startPatience, "grant known everywhere", func() error { return c.knowsGrant(t.Context(), user, on, len(ops)) })
}

func (c *Cluster) knowsGrant(ctx context.Context, user string, on Resource, ops int) error {
	for _, n := range c.live() {
		req := kmsg.NewPtrDescribeACLsRequest()
		req.ResourceType, req.ResourceName, req.ResourcePatternType = on.Type, &on.Name, kmsg.ACLResourcePatternTypeLiteral
		req.Principal = kmsg.StringPtr("User:" + user)
		req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
		resp, err := req.RequestWith(ctx, c.broker(n.id))
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return err
		}
		known := 0
		for _, r := range resp.Resources {
			known += len(r.ACLs)
		}
		if known < ops {
			return fmt.Errorf("broker %d knows %d of %d", n.id, known, ops)
		}
	}
	return nil
}
