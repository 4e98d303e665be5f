package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// asks what the cluster answers to the first question of a daemon, under another configuration.
func refused(t *testing.T, addr string, change func(*Config)) error {
	t.Helper()
	c := open(t, []string{addr}, change)
	_, err := c.ClusterID(within(t))
	if err == nil {
		t.Fatal("accepted")
	}
	return err
}

func says(t *testing.T, err error, class Class, words ...string) {
	t.Helper()
	if got := Classify(err); got != class {
		t.Errorf("class %v, want %v: %v", got, class, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password is in: %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	err := refused(t, "127.0.0.1:1", func(*Config) {})
	says(t, err, Unreachable, "west describe cluster", "127.0.0.1:1", "Try: is the broker up")
	if !errors.Is(err, ErrUnreachable) {
		t.Error(err)
	}
}

func TestNoneOfSeveralListens(t *testing.T) {
	c := open(t, []string{"127.0.0.1:1", "127.0.0.1:2"})
	_, err := c.ClusterID(within(t))
	says(t, err, Unreachable, "none of 2 brokers answers")
}

func TestNoBrokersConfigured(t *testing.T) {
	c := open(t, nil)
	_, err := c.ClusterID(within(t))
	says(t, err, Unreachable, "no broker is configured")
}

func TestOneBrokerDownIsEnough(t *testing.T) {
	k := fake(t, 1)
	c := open(t, []string{"127.0.0.1:1", k.ListenAddrs()[0]})
	if _, err := c.ClusterID(within(t)); err != nil {
		t.Fatal(err)
	}
}

func TestHTTPPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<10))
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			conn.Close()
		}
	}()
	says(t, refused(t, l.Addr().String(), func(*Config) {}), Credentials, "does not speak Kafka", "HTTP port")
}

func TestSilentPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := time.Now()
	err = refused(t, l.Addr().String(), func(c *Config) { c.DialTimeout = 100 * time.Millisecond })
	says(t, err, Unreachable, "is it a Kafka listener?")
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func tlsCluster(t *testing.T) (*kfake.Cluster, *tls.Config) {
	s := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(s.Close)
	trusting := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	return fake(t, 1, kfake.TLS(s.TLS)), trusting
}

func TestTLS(t *testing.T) {
	k, trusting := tlsCluster(t)
	addr := k.ListenAddrs()[0]
	c := open(t, []string{addr}, func(c *Config) { c.TLS = trusting })
	if _, err := c.ClusterID(within(t)); err != nil {
		t.Fatal(err)
	}
	says(t, refused(t, addr, func(*Config) {}), Unreachable, "turn tls on")
	says(t, refused(t, addr, func(c *Config) { c.TLS = &tls.Config{} }), Credentials, "unknown authority", "tls.ca_file")
	says(t, refused(t, addr, func(c *Config) {
		c.TLS = trusting.Clone()
		c.TLS.ServerName = "elsewhere"
	}), Credentials, "tls.server_name")
}

func TestTLSAgainstPlaintext(t *testing.T) {
	k := fake(t, 1)
	says(t, refused(t, k.ListenAddrs()[0], func(c *Config) { c.TLS = &tls.Config{}; c.DialTimeout = 100 * time.Millisecond }), Unreachable, "leave tls out")
}

func TestSASL(t *testing.T) {
	for _, m := range Mechanisms() {
		t.Run(string(m), func(t *testing.T) {
			k := fake(t, 1, kfake.EnableSASL(), kfake.Superuser(string(m), "joe", "hunter2"))
			addr := k.ListenAddrs()[0]
			with := func(user, password string) func(*Config) {
				return func(c *Config) { c.SASL = &SASL{Mechanism: m, Username: user, Password: Secret(password)} }
			}
			c := open(t, []string{addr}, with("joe", "hunter2"))
			if _, err := c.ClusterID(within(t)); err != nil {
				t.Fatal(err)
			}
			err := refused(t, addr, with("joe", "wrong hunter2"))
			says(t, err, Unreachable, `"joe"`, string(m), "password") // kfake hangs up; see TestSecurity for real brokers
			says(t, refused(t, addr, with("ann", "hunter2")), Unreachable, `"ann"`)
			says(t, refused(t, addr, func(*Config) {}), Unreachable, "sasl")
		})
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	cfg := Config{SASL: &SASL{Mechanism: Plain, Username: "joe", Password: "hunter2"}}
	core, logs := observer.New(zap.DebugLevel)
	log := zap.New(core)
	log.Info("config", zap.Any("sasl", cfg.SASL), zap.Reflect("password", cfg.SASL.Password), zap.Stringer("s", cfg.SASL.Password))
	enc := fmt.Sprint(cfg.SASL, *cfg.SASL, cfg.SASL.Password) + fmt.Sprintf("%v %+v %#v %s %q", *cfg.SASL, *cfg.SASL, *cfg.SASL, cfg.SASL.Password, cfg.SASL.Password)
	for _, e := range logs.All() {
		enc += fmt.Sprint(e.ContextMap())
	}
	if strings.Contains(enc, "hunter2") {
		t.Error(enc)
	}
}

func TestCanceled(t *testing.T) {
	k := fake(t, 1)
	c := open(t, k.ListenAddrs())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.ClusterID(ctx)
	says(t, err, Canceled)
	c.Close()
	_, err = c.ClusterID(within(t))
	says(t, err, Canceled, "closed")
	if !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
