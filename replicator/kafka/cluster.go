package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sort"
	"strconv"

	"github.com/IBM/sarama"
	"go.uber.org/zap"
)

// singles is how many single questions may be on the way to one broker at a time.
const singles = 4

// Cluster is a Kafka cluster. All methods are safe for concurrent use, dial when they need to, keep trying what is
// temporary until their context ends (or, without a deadline, for Config.RetryFor), and return an *Error then.
type Cluster struct {
	cfg    Config
	log    *zap.Logger
	sarama *sarama.Config
	pool   *pool
	seeds  seeds
	meta   meta

	coordinators *coordinators
}

// Open never blocks and never fails for an unreachable cluster. log may be nil.
func Open(cfg Config, log *zap.Logger) *Cluster {
	if log == nil {
		log = zap.NewNop()
	}
	cfg = cfg.withDefaults()
	c := &Cluster{cfg: cfg, log: log, sarama: saramaConfig(cfg)}
	c.pool = newPool(c, singles)
	c.coordinators = newCoordinators(c)
	c.seeds.addrs = append(c.seeds.addrs, cfg.Brokers...)
	return c
}

// Close closes the connections that single questions use, and makes later calls fail with ErrClosed. Fetchers, Committers
// and Producers are closed by their owners, before.
func (c *Cluster) Close() error {
	c.pool.close()
	return nil
}

// Name is Config.Name.
func (c *Cluster) Name() string { return c.cfg.Name }

// ClusterID is the cluster's own id. It does not retry: its error says what is wrong with address, credentials or TLS.
func (c *Cluster) ClusterID(ctx context.Context) (string, error) {
	id, _, err := c.describe(ctx)
	return id, err
}

// Brokers lists the brokers, by id.
func (c *Cluster) Brokers(ctx context.Context) ([]BrokerInfo, error) {
	var brokers []BrokerInfo
	err := c.persist(ctx, func(ctx context.Context) (err error) {
		_, brokers, err = c.describe(ctx)
		return err
	})
	return brokers, err
}

func (c *Cluster) describe(ctx context.Context) (id string, brokers []BrokerInfo, err error) {
	a := ask{op: "describe cluster", kind: aCluster, need: "Describe"}
	err = c.anyone(ctx, a, func(b *sarama.Broker) error {
		r, err := b.DescribeCluster(sarama.NewDescribeClusterRequest(c.sarama.Version))
		if errors.Is(err, sarama.ErrUnsupportedVersion) {
			id, brokers, err = describeOld(b)
			return err
		}
		if err != nil {
			return err
		}
		id, brokers = r.ClusterID, brokers[:0]
		for _, n := range r.Brokers {
			if !n.IsFenced {
				brokers = append(brokers, BrokerInfo{ID: n.BrokerID, Addr: net.JoinHostPort(n.Host, strconv.Itoa(int(n.Port)))})
			}
		}
		return c.answered(a, r.Err, text(r.ErrorMessage))
	})
	sort.Slice(brokers, func(i, j int) bool { return brokers[i].ID < brokers[j].ID })
	return id, brokers, err
}

// describeOld asks brokers from before Kafka 2.8, where only metadata tells. sarama can't ask for no topics at all.
func describeOld(b *sarama.Broker) (id string, brokers []BrokerInfo, err error) {
	r, err := b.GetMetadata(sarama.NewMetadataRequest(sarama.MaxVersion, nil))
	if err != nil {
		return "", nil, err
	}
	for _, n := range r.Brokers {
		brokers = append(brokers, BrokerInfo{ID: n.ID(), Addr: n.Addr()})
	}
	return text(r.ClusterID), brokers, nil
}

// anyone asks whichever broker answers: the one that did last time first. It does not retry.
func (c *Cluster) anyone(ctx context.Context, a ask, f func(*sarama.Broker) error) error {
	var first error
	addrs := c.seeds.order()
	for _, addr := range addrs {
		err := c.failed(a, addr, c.pool.call(ctx, addr, f))
		if err == nil {
			return nil
		}
		if Classify(err) != Unreachable {
			return err
		}
		c.seeds.bad(addr)
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	switch {
	case first == nil:
		return &Error{Cluster: c.cfg.Name, Op: a.op, On: a.name, Class: Unreachable, Err: fmt.Errorf("%w: no broker is configured", ErrUnreachable), Hint: "brokers: [host:port]"}
	case len(addrs) > 1:
		var e *Error
		if errors.As(first, &e) {
			e.Err = fmt.Errorf("none of %d brokers answers: %w", len(addrs), e.Err)
		}
	}
	return first
}

// at asks one broker by id.
func (c *Cluster) at(ctx context.Context, a ask, id int32, f func(*sarama.Broker) error) error {
	addr, ok := c.meta.addr(id)
	if !ok {
		return &Error{Cluster: c.cfg.Name, Op: a.op, On: a.name, Class: Refind, Err: fmt.Errorf("broker %d is not known", id)}
	}
	err := c.failed(a, addr, c.pool.call(ctx, addr, f))
	if Classify(err) == Unreachable {
		c.seeds.bad(addr)
	}
	return err
}
