package region

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/region/script"
)

// TestSecurity: the region's own appends need a login, too, and no TLS.
func TestSecurity(t *testing.T) {
	server, roots := certificate(t)
	r, err := Start(Options{Name: "safe", Brokers: 2, TLS: server, Users: []User{{"SCRAM-SHA-256", "u", "p"}}})
	must(t, err)
	defer r.Close()
	must(t, r.Cluster().CreateTopic("orders", 4, nil))
	opts := append(r.KgoOpts(), kgo.DialTLSConfig(&tls.Config{RootCAs: roots}), kgo.SASL(scram.Auth{User: "u", Pass: "p"}.AsSha256Mechanism()))
	cl, err := script.Dial(opts...)
	must(t, err)
	defer cl.Close()
	must(t, cl.Commit(t.Context(), "a", 0, order(0, 1)))
	h, err := judge.Watch(context.Background(), judge.Cluster{Opts: opts}, judge.Cluster{Opts: opts})
	must(t, err)
	defer h.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	must(t, h.CaughtUp(ctx))
	if v, ok := h.Primary.Value(key("a", 0)); !ok || v.Offset != 1 {
		t.Fatalf("got %+v", v)
	}
}

func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	parsed, err := x509.ParseCertificate(raw)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: private}}}, roots
}
