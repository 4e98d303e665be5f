package kafka

import (
	"context"
	"sync"

	"github.com/IBM/sarama"
)

// meta is what is known of leaders and addresses. It is a cache of hints: a broker that is no longer the leader says so.
type meta struct {
	mu      sync.RWMutex
	brokers map[int32]string
	topics  map[string]TopicInfo
}

// leader of a partition; ok is false where none is known.
func (m *meta) leader(tp TopicPartition) (id int32, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	t, ok := m.topics[tp.Topic]
	if !ok || tp.Partition < 0 || int(tp.Partition) >= len(t.Partitions) {
		return -1, false
	}
	p := t.Partitions[tp.Partition]
	_, reachable := m.brokers[p.Leader]
	return p.Leader, reachable
}

func (m *meta) addr(id int32) (string, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	a, ok := m.brokers[id]
	return a, ok
}

// learn takes an answer in. asked is nil for all topics; topics asked for and not there are forgotten.
func (m *meta) learn(asked []string, brokers map[int32]string, topics map[string]TopicInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.brokers = brokers
	if asked == nil || m.topics == nil {
		m.topics = make(map[string]TopicInfo, len(topics))
	}
	for _, name := range asked {
		delete(m.topics, name)
	}
	for name, t := range topics {
		m.topics[name] = t
	}
}

// refresh asks for the metadata of topics, nil meaning all, and remembers it. It does not retry.
func (c *Cluster) refresh(ctx context.Context, names []string) (map[string]TopicInfo, error) {
	a := ask{op: "describe topics", kind: aTopic, need: "Describe"}
	if len(names) == 1 {
		a.name = names[0]
	}
	var r *sarama.MetadataResponse
	err := c.anyone(ctx, a, func(b *sarama.Broker) (err error) {
		r, err = b.GetMetadata(sarama.NewMetadataRequest(c.sarama.Version, names))
		return err
	})
	if err != nil {
		return nil, err
	}
	brokers := make(map[int32]string, len(r.Brokers))
	for _, b := range r.Brokers {
		brokers[b.ID()] = b.Addr()
	}
	topics := make(map[string]TopicInfo, len(r.Topics))
	for _, t := range r.Topics {
		if t.Err != sarama.ErrUnknownTopicOrPartition {
			topics[t.Name] = c.topicInfo(t)
		}
	}
	c.seeds.learn(c.cfg.Brokers, brokers)
	c.meta.learn(names, brokers, topics)
	return topics, nil
}

func (c *Cluster) topicInfo(t *sarama.TopicMetadata) TopicInfo {
	a := ask{op: "describe topic", kind: aTopic, name: t.Name, need: "Describe"}
	info := TopicInfo{Name: t.Name, ID: t.Uuid, Internal: t.IsInternal, Err: c.answered(a, t.Err, "")}
	info.Partitions = make([]PartitionInfo, len(t.Partitions))
	for i := range info.Partitions {
		info.Partitions[i] = PartitionInfo{ID: int32(i), Leader: -1, LeaderEpoch: -1, Err: c.answered(a, sarama.ErrLeaderNotAvailable, "")}
	}
	for _, p := range t.Partitions {
		if p.ID < 0 || int(p.ID) >= len(info.Partitions) {
			continue
		}
		epoch := p.LeaderEpoch
		if p.Version < 7 {
			epoch = -1
		}
		info.Partitions[p.ID] = PartitionInfo{ID: p.ID, Leader: p.Leader, LeaderEpoch: epoch, Replicas: p.Replicas, ISR: p.Isr, Err: c.answered(a, p.Err, "")}
	}
	return info
}

// Topics describes the topics of the given names; nil means all that the cluster shows. A topic that does not exist is not
// in the answer, and never created by asking.
func (c *Cluster) Topics(ctx context.Context, names []string) (topics map[string]TopicInfo, err error) {
	if names != nil && len(names) == 0 {
		return map[string]TopicInfo{}, nil
	}
	err = c.persist(ctx, func(ctx context.Context) (err error) {
		topics, err = c.refresh(ctx, names)
		return err
	})
	return topics, err
}

// learnBroker remembers one address.
func (m *meta) learnBroker(id int32, addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.brokers[id] == addr {
		return
	}
	brokers := map[int32]string{id: addr}
	for other, a := range m.brokers {
		if other != id {
			brokers[other] = a
		}
	}
	m.brokers = brokers
}
