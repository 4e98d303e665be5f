package rig

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Bootstrap returns the addresses for the client under test: plaintext, through
// the proxies where the cluster is Proxied.
func (c *Cluster) Bootstrap() []string { return c.Brokers(Plain) }

// Brokers returns the addresses of a listener, one a broker.
func (c *Cluster) Brokers(l Listener) []string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.advertised(l)
	}
	return addrs
}

// Direct returns plaintext addresses that go round the proxies.
func (c *Cluster) Direct() []string { return c.Brokers(internal) }

// ID is the cluster id.
func (c *Cluster) ID() string { return c.id }

// Version is the version of Kafka that runs.
func (c *Cluster) Version() string { return c.opts.Version }

// Client returns a franz-go client that goes round the proxies; it is closed
// with the test.
func (c *Cluster) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(c.clientOpts(), opts...)...)
	if err != nil {
		t.Fatalf("rig: client: %v", err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// clientOpts suit clusters that die and come back. Without the short age of
// metadata franz-go asks a coordinator that died for ever: it learns of the
// death only from metadata, and refreshes that every five minutes.
func (c *Cluster) clientOpts() []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(c.Direct()...),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.MetadataMaxAge(time.Second),
	}
}

// Admin returns an admin client that goes round the proxies. The cluster owns
// it.
func (c *Cluster) Admin() *kadm.Client { return kadm.NewClient(c.direct()) }

// CreateTopic creates a topic with the replication the cluster can hold, and
// returns once every live broker knows its leaders.
func (c *Cluster) CreateTopic(t testing.TB, topic string, partitions int32, configs map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	values := make(map[string]*string, len(configs))
	for k, v := range configs {
		values[k] = &v
	}
	if _, err := c.Admin().CreateTopic(ctx, partitions, int16(c.opts.replication()), values, topic); err != nil {
		t.Fatalf("rig: create topic %s: %v", topic, err)
	}
	Eventually(t, startPatience, "topic "+topic+" everywhere", func() error { return c.knowsTopic(ctx, topic, partitions) })
}

// DeleteTopic deletes a topic and returns once no live broker knows it.
func (c *Cluster) DeleteTopic(t testing.TB, topic string) {
	t.Helper()
	if _, err := c.Admin().DeleteTopic(t.Context(), topic); err != nil {
		t.Fatalf("rig: delete topic %s: %v", topic, err)
	}
	Eventually(t, startPatience, "topic "+topic+" gone", func() error {
		if err := c.knowsTopic(t.Context(), topic, 1); err == nil {
			return fmt.Errorf("still there")
		}
		return nil
	})
}

func (c *Cluster) knowsTopic(ctx context.Context, topic string, partitions int32) error {
	for _, n := range c.live() {
		req := kmsg.NewPtrMetadataRequest()
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(topic)
		req.Topics = append(req.Topics, rt)
		resp, err := req.RequestWith(ctx, c.broker(n.id))
		if err != nil {
			return err
		}
		t := resp.Topics[0]
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return err
		}
		if len(t.Partitions) < int(partitions) {
			return fmt.Errorf("broker %d knows %d partitions", n.id, len(t.Partitions))
		}
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("broker %d, partition %d: %w", n.id, p.Partition, err)
			}
		}
	}
	return nil
}

// anyBroker returns a live one.
func (c *Cluster) anyBroker() *kgo.Broker {
	for _, n := range c.live() {
		return c.broker(n.id)
	}
	return c.broker(1)
}

// offsetsPartitions is the size of this cluster's __consumer_offsets.
func (c *Cluster) offsetsPartitions() int {
	n := offsetsPartitions
	fmt.Sscan(c.opts.Props["offsets.topic.num.partitions"], &n)
	return n
}

// Name returns a name no other test uses, for topics and groups of tests that
// share clusters: prefix-testname-random.
func Name(t testing.TB, prefix string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, t.Name())
	return fmt.Sprintf("%s-%s-%s", prefix, clean, strings.ToLower(rand.Text()[:6]))
}
