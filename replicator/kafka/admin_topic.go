package kafka

import "context"

// CreateTopic creates a topic and waits until the broker asked knows it. ErrTopicExists when it is there already.
func (c *Cluster) CreateTopic(ctx context.Context, t TopicSpec) error { return ErrNotYet }

// CreatePartitions raises the number of partitions of a topic to n.
func (c *Cluster) CreatePartitions(ctx context.Context, topic string, n int32) error { return ErrNotYet }

// TopicConfigs reads the settings of a topic. Sensitive ones are left out.
func (c *Cluster) TopicConfigs(ctx context.Context, topic string) (map[string]TopicConfig, error) {
	return nil, ErrNotYet
}
