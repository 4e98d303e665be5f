package kafka

import (
	"context"
	"errors"
	"slices"

	"github.com/IBM/sarama"
)

// CreateTopic creates a topic and waits until the broker asked knows it, with a leader for every partition. ErrTopicExists when it is there already.
func (c *Cluster) CreateTopic(ctx context.Context, t TopicSpec) error {
	a := ask{op: "create topic", kind: aTopic, name: t.Name, need: "Create"}
	detail := &sarama.TopicDetail{NumPartitions: t.Partitions, ReplicationFactor: t.Replication, ConfigEntries: map[string]*string{}}
	for k, v := range t.Configs {
		detail.ConfigEntries[k] = &v
	}
	q := sarama.NewCreateTopicsRequest(c.sarama.Version, map[string]*sarama.TopicDetail{t.Name: detail}, c.cfg.brokerTimeout(), false)
	tries := 0
	err := c.persist(ctx, func(ctx context.Context) error {
		tries++
		err := c.atController(ctx, a, func(b *sarama.Broker) error {
			r, err := b.CreateTopics(q)
			if err != nil {
				return err
			}
			e := r.TopicErrors[t.Name]
			if e == nil {
				return c.unanswered(a)
			}
			return c.answered(a, e.Err, text(e.ErrMsg))
		})
		if tries > 1 && errors.Is(err, ErrTopicExists) {
			return nil // an earlier try of this call, whose answer was lost
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.awaitPartitions(ctx, a, t.Name, t.Partitions)
}

// CreatePartitions raises the number of partitions of a topic to n, and waits until they have leaders.
func (c *Cluster) CreatePartitions(ctx context.Context, topic string, n int32) error {
	a := ask{op: "create partitions", kind: aTopic, name: topic, need: "Alter"}
	q := &sarama.CreatePartitionsRequest{Version: 3, TopicPartitions: map[string]*sarama.TopicPartition{topic: {Count: n}}, Timeout: c.cfg.brokerTimeout()}
	err := c.persist(ctx, func(ctx context.Context) error {
		return c.atController(ctx, a, func(b *sarama.Broker) error {
			r, err := b.CreatePartitions(q)
			if err != nil {
				return err
			}
			e := r.TopicPartitionErrors[topic]
			if e == nil {
				return c.unanswered(a)
			}
			return c.answered(a, e.Err, text(e.ErrMsg))
		})
	})
	if err != nil {
		return err
	}
	return c.awaitPartitions(ctx, a, topic, n)
}

// awaitPartitions waits until a topic has at least n partitions, all of them led.
func (c *Cluster) awaitPartitions(ctx context.Context, a ask, topic string, n int32) error {
	return c.persist(ctx, func(ctx context.Context) error {
		topics, err := c.refresh(ctx, []string{topic})
		if err != nil {
			return err
		}
		t, ok := topics[topic]
		if ok && t.Err == nil && int32(len(t.Partitions)) >= n && !slices.ContainsFunc(t.Partitions, func(p PartitionInfo) bool { return p.Leader < 0 }) {
			return nil
		}
		return c.answered(a, sarama.ErrLeaderNotAvailable, "")
	})
}

// atController asks the broker that metadata calls the controller. With KRaft any broker passes requests on.
func (c *Cluster) atController(ctx context.Context, a ask, f func(*sarama.Broker) error) error {
	var id int32 = -1
	err := c.anyone(ctx, a, func(b *sarama.Broker) error {
		r, err := b.GetMetadata(sarama.NewMetadataRequest(c.sarama.Version, []string{a.name}))
		if err != nil {
			return err
		}
		id = r.ControllerID
		for _, b := range r.Brokers {
			c.meta.learnBroker(b.ID(), b.Addr())
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, ok := c.meta.addr(id); !ok {
		return c.anyone(ctx, a, f)
	}
	return c.at(ctx, a, id, f)
}

// TopicConfigs reads the settings of a topic. Sensitive ones are left out.
func (c *Cluster) TopicConfigs(ctx context.Context, topic string) (map[string]TopicConfig, error) {
	a := ask{op: "describe topic configs", kind: aTopic, name: topic, need: "DescribeConfigs"}
	q := &sarama.DescribeConfigsRequest{Version: 2, Resources: []*sarama.ConfigResource{{Type: sarama.TopicResource, Name: topic}}}
	configs := map[string]TopicConfig{}
	err := c.persist(ctx, func(ctx context.Context) error {
		return c.anyone(ctx, a, func(b *sarama.Broker) error {
			r, err := b.DescribeConfigs(q)
			if err != nil {
				return err
			}
			if len(r.Resources) != 1 {
				return c.unanswered(a)
			}
			for _, e := range r.Resources[0].Configs {
				if !e.Sensitive {
					configs[e.Name] = TopicConfig{Value: e.Value, Set: e.Source == sarama.SourceTopic}
				}
			}
			return c.answered(a, sarama.KError(r.Resources[0].ErrorCode), r.Resources[0].ErrorMsg)
		})
	})
	if err != nil {
		return nil, err
	}
	return configs, nil
}
