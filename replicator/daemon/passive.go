package daemon

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// passive answers from a read-only index what the built-in mirror would, and copies nothing.
type passive struct {
	index     *checkpoint.Index
	secondary *kafka.Cluster
	rename    func(string) (string, bool)
	bounds    atomic.Pointer[map[kafka.TopicPartition]translate.Bounds]
}

// Ready says the secondary's log starts and ends are known.
func (p *passive) Ready() bool { return p.bounds.Load() != nil }

// Run asks the secondary for the bounds of every mirrored partition, once.
func (p *passive) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if p.ask(ctx) == nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}

func (p *passive) ask(ctx context.Context) error {
	var tps []kafka.TopicPartition
	for _, pair := range p.index.Pairs() {
		for n := int32(0); !pair.Retired && n < pair.Partitions; n++ {
			tps = append(tps, kafka.TopicPartition{Topic: pair.Secondary.Name, Partition: n})
		}
	}
	starts, err := p.secondary.ListOffsets(ctx, kafka.Earliest, tps)
	if err != nil {
		return err
	}
	ends, err := p.secondary.ListOffsets(ctx, kafka.Stable, tps)
	if err != nil {
		return err
	}
	bounds := map[kafka.TopicPartition]translate.Bounds{}
	for _, tp := range tps {
		if starts[tp].Err == nil && ends[tp].Err == nil {
			bounds[tp] = translate.Bounds{LogStart: starts[tp].Offset, End: ends[tp].Offset}
		}
	}
	p.bounds.Store(&bounds)
	return nil
}

// Forward maps as the mirror would, from the index as the last daemon left it.
func (p *passive) Forward(topic string, _ [16]byte, n int32, offset int64) replicator.Mapping {
	name, ok := p.rename(topic)
	if !ok {
		return replicator.Mapping{Reason: replicator.Filtered}
	}
	m := replicator.Mapping{Topic: name}
	pair, ok := p.index.Lookup(topic)
	bounds := p.bounds.Load()
	if !ok || bounds == nil || n >= pair.Info().Partitions {
		m.Reason, m.Detail = replicator.TopicMissing, "not mirrored yet: start the daemon (leftoff run) to copy it"
		return m
	}
	if m.Secondary, ok = (*bounds)[kafka.TopicPartition{Topic: name, Partition: n}]; !ok {
		m.Reason = replicator.PartitionMissing
		return m
	}
	m.Position = pair.Partition(n).Forward(offset, m.Secondary)
	return m
}

func (p *passive) Mirrored() map[string]int32 {
	all := map[string]int32{}
	for _, pair := range p.index.Pairs() {
		if !pair.Retired {
			all[pair.Primary.Name] = pair.Partitions
		}
	}
	return all
}

func (p *passive) Want(string, int32, int64) {}
