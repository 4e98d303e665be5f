package kafka

import (
	"net"
	"time"

	"github.com/IBM/sarama"
	"github.com/rcrowley/go-metrics"
)

// sarama's meters start a goroutine that never ends, and leftoff counts for itself.
func init() { metrics.UseNilMetrics = true }

// saramaConfig is the part of sarama's configuration that raw brokers look at. Connections are dialled, and TLS is spoken,
// under it: see conn.
func saramaConfig(cfg Config) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion // each connection negotiates downwards
	c.ClientID = cfg.ClientID
	c.Net.DialTimeout = cfg.DialTimeout
	c.Net.ReadTimeout = time.Hour // wire bounds the silence instead
	c.Net.WriteTimeout = cfg.RequestTimeout
	c.Net.MaxOpenRequests = 1
	c.Metadata.AllowAutoTopicCreation = false
	if s := cfg.SASL; s != nil {
		c.Net.SASL.Enable = true
		c.Net.SASL.Handshake = true
		c.Net.SASL.Version = sarama.SASLHandshakeV1
		c.Net.SASL.Mechanism = sarama.SASLMechanism(s.Mechanism)
		c.Net.SASL.User = s.Username
		c.Net.SASL.Password = string(s.Password)
		c.Net.SASL.SCRAMClientGeneratorFunc = scramClients(s.Mechanism)
	}
	return c
}

// given is a proxy.Dialer that hands sarama the connection that is there already.
type given struct{ net.Conn }

func (g given) Dial(_, _ string) (net.Conn, error) { return g.Conn, nil }
