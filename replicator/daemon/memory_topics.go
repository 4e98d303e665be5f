package daemon

import (
	"context"
	"maps"
	"slices"

	"github.com/leftoff/leftoff/replicator"
)

// list makes it durable on the secondary which topics have copies there. It only ever adds: a topic that is gone on the primary may be
// all that is left of it on the day of a failover.
func (m *memory) list(ctx context.Context, of source) error {
	m.mu.Lock()
	listed, known := m.listed, m.known
	m.mu.Unlock()
	if !known {
		return nil // what is listed is not known yet
	}
	var news []string
	for topic := range of.Mirrored() {
		if !listed[topic] && copiedThere(of, topic) {
			news = append(news, topic)
		}
	}
	if len(news) == 0 {
		return nil
	}
	slices.Sort(news)
	ctx, cancel := context.WithTimeout(ctx, rememberWithin)
	defer cancel()
	if err := m.store.SetMirrored(ctx, "leftoff", news); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listed = maps.Clone(m.listed)
	for _, topic := range news {
		m.listed[topic] = true
	}
	return nil
}

// copiedThere says that a topic's copy is there, and is one. What it holds need not be known.
func copiedThere(of source, topic string) bool {
	switch of.Forward(topic, [16]byte{}, 0, 0).Reason {
	case replicator.NoReason, replicator.Unmapped, replicator.HandedOver:
		return true
	}
	return false
}

// topics that have copies on the secondary, as that knows.
func (m *memory) topics() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.listed))
}
