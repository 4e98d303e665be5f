package kafka

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// A pipe takes over the connection that sarama encrypted and authenticated: many commits at a time, after a time of silence too,
// over a single connection.
func TestPipeOverTLSAndSASL(t *testing.T) {
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig
	for _, encrypted := range []bool{false, true} {
		for _, m := range append(Mechanisms(), "") {
			t.Run(fmt.Sprintf("TLS %t, SASL %q", encrypted, m), func(t *testing.T) {
				opts := []kfake.Opt{kfake.NumBrokers(1)}
				if encrypted {
					opts = append(opts, kfake.TLS(server.TLS))
				}
				if m != "" {
					opts = append(opts, kfake.EnableSASL(), kfake.Superuser(string(m), "joe", "hunter2"))
				}
				k := fake(t, 1, opts...)
				var dials atomic.Int64
				c := open(t, k.ListenAddrs(), func(cfg *Config) {
					if encrypted {
						cfg.TLS = trusting.Clone()
					}
					if m != "" {
						cfg.SASL = &SASL{Mechanism: m, Username: "joe", Password: "hunter2"}
					}
					cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
						dials.Add(1)
						return (&net.Dialer{}).DialContext(ctx, n, addr)
					}
				})
				pipes := newBerths(c, 1, 512)
				defer pipes.close()
				everybody := func(offset int64) {
					var wg sync.WaitGroup
					for i := range 50 {
						wg.Go(func() {
							q := &commitRequest{group: fmt.Sprint("g", i), retention: time.Hour, all: commits("t", offset), part: []int{0}}
							if codes, err := pipes.commit(within(t), k.ListenAddrs()[0], q, false); err != nil || codes[0] != (answeredCode{0, true}) {
								t.Error(codes, err)
							}
						})
					}
					wg.Wait()
				}
				everybody(1)
				quiet := time.Now()
				eventually(t, "the reader has looked up a few times", func() error {
					if time.Since(quiet) < c.cfg.RequestTimeout/5 {
						return errLeftOut
					}
					return nil
				})
				everybody(2)
				if n := dials.Load(); n != 1 {
					t.Errorf("%d connections", n)
				}
			})
		}
	}
}
