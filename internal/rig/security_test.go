package rig

import (
	"crypto/tls"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Each listener lets the right client in, and the authorizer asks what for.
func TestSecureListeners(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{Security: &Security{Users: map[string]string{"leftoff": "secret"}, ACLs: true}})
	c.CreateTopic(t, "orders", 1, nil)
	good := scram.Auth{User: "leftoff", Pass: "secret"}
	bad := scram.Auth{User: "leftoff", Pass: "wrong"}
	password := func(p string) kgo.Opt { return kgo.SASL(plain.Auth{User: "leftoff", Pass: p}.AsMechanism()) }
	trusts := func(name string) kgo.Opt { return kgo.DialTLSConfig(c.TLSConfig(t, name)) }

	for _, tc := range []struct {
		name string
		on   Listener
		opts []kgo.Opt
		user string // "" for one who is turned away
	}{
		{"plain", SASL, []kgo.Opt{password("secret")}, "leftoff"},
		{"plain, wrong password", SASL, []kgo.Opt{password("wrong")}, ""},
		{"scram 256", SASL, []kgo.Opt{kgo.SASL(good.AsSha256Mechanism())}, "leftoff"},
		{"scram 512", SASL, []kgo.Opt{kgo.SASL(good.AsSha512Mechanism())}, "leftoff"},
		{"scram, wrong password", SASL, []kgo.Opt{kgo.SASL(bad.AsSha512Mechanism())}, ""},
		{"no password", SASL, nil, ""},
		{"tls", TLS, []kgo.Opt{trusts("")}, "ANONYMOUS"},
		{"tls, unknown authority", TLS, []kgo.Opt{kgo.DialTLSConfig(&tls.Config{})}, ""},
		{"mtls", MTLS, []kgo.Opt{trusts("robot")}, "robot"},
		{"mtls without certificate", MTLS, []kgo.Opt{trusts("")}, ""},
		{"scram over tls", SASLTLS, []kgo.Opt{trusts(""), kgo.SASL(good.AsSha256Mechanism())}, "leftoff"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr := c.Brokers(tc.on)[0]
			err := ping(t.Context(), addr, tc.opts...)
			if (err == nil) != (tc.user != "") {
				t.Fatalf("ping: %v, want user %q", err, tc.user)
			}
			if tc.user == "" || tc.user == "ANONYMOUS" {
				return
			}
			if err := read(t, addr, tc.opts); tc.user == "robot" && !errors.Is(err, kerr.TopicAuthorizationFailed) {
				t.Errorf("without a grant: %v", err)
			}
			c.Grant(t, tc.user, Topic("orders"), kmsg.ACLOperationDescribe)
			if err := read(t, addr, tc.opts); err != nil {
				t.Errorf("with a grant: %v", err)
			}
		})
	}
}

// read asks for the topic's metadata.
func read(t *testing.T, addr string, opts []kgo.Opt) error {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr("orders")
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), cl)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}
