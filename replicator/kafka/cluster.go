package kafka

import (
	"context"

	"go.uber.org/zap"
)

// Cluster is a Kafka cluster. All methods are safe for concurrent use, dial when they need to, keep trying what is
// temporary until their context ends (or, without a deadline, for Config.RequestTimeout), and return an *Error then.
type Cluster struct {
	cfg Config
	log *zap.Logger
}

// Open never blocks and never fails for an unreachable cluster. log may be nil.
func Open(cfg Config, log *zap.Logger) *Cluster {
	if log == nil {
		log = zap.NewNop()
	}
	return &Cluster{cfg: cfg, log: log}
}

// Close closes the connections that single questions use, and makes later calls fail with ErrClosed. Fetchers, Committers
// and Producers are closed by their owners, before.
func (c *Cluster) Close() error { return nil }

// Name is Config.Name.
func (c *Cluster) Name() string { return c.cfg.Name }

// ClusterID is the cluster's own id. It does not retry: its error says what is wrong with address, credentials or TLS.
func (c *Cluster) ClusterID(ctx context.Context) (string, error) { return "", ErrNotYet }

// Brokers lists the brokers, by id.
func (c *Cluster) Brokers(ctx context.Context) ([]BrokerInfo, error) { return nil, ErrNotYet }

// Topics describes the topics of the given names; nil means all that the cluster shows. A topic that does not exist is not
// in the answer, and never created by asking.
func (c *Cluster) Topics(ctx context.Context, names []string) (map[string]TopicInfo, error) {
	return nil, ErrNotYet
}

// ListOffsets asks every partition's leader for one offset. Each partition has its own error.
func (c *Cluster) ListOffsets(ctx context.Context, at When, tps []TopicPartition) (map[TopicPartition]OffsetResult, error) {
	return nil, ErrNotYet
}

// FetchOne reads once at an offset, without waiting for data: a probe. It returns at least one whole batch where there is
// one, however small maxBytes is, read uncommitted. Err of the partition is also the error returned.
func (c *Cluster) FetchOne(ctx context.Context, tp TopicPartition, offset int64, maxBytes int32) (Fetched, error) {
	return Fetched{}, ErrNotYet
}
