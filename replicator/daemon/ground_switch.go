package daemon

import (
	"context"
	"errors"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
)

func (g ground) Switch(ctx context.Context, topics []string) ([]failover.TopicReport, error) {
	source, fenced := g.r.source.(*mirror.Source)
	if fenced {
		g.r.memory.fence(topics, true)
		if err := source.Fence(ctx, topics); err != nil {
			return nil, err
		}
	}
	tps, err := g.partitions(ctx, topics)
	if err != nil {
		return nil, err
	}
	var there []kafka.TopicPartition
	for _, tp := range tps {
		to, _ := g.l.Rename(tp.Topic)
		there = append(there, kafka.TopicPartition{Topic: to, Partition: tp.Partition})
	}
	ends := map[kafka.TopicPartition]kafka.OffsetResult{}
	if len(there) > 0 {
		if ends, err = g.l.clusters[replicator.Secondary].ListOffsets(ctx, kafka.Latest, there); err != nil {
			return nil, err
		}
	}
	var all []failover.TopicReport
	for _, topic := range topics {
		to, _ := g.l.Rename(topic)
		t := failover.TopicReport{Topic: topic, There: to, Fenced: fenced}
		for _, tp := range tps {
			if tp.Topic != topic {
				continue
			}
			end := ends[kafka.TopicPartition{Topic: to, Partition: tp.Partition}]
			switch {
			case errors.Is(end.Err, kafka.ErrUnknownTopic):
				end.Offset = unknown // nothing was ever copied
			case end.Err != nil:
				return nil, end.Err
			}
			from, err := g.copied(ctx, tp)
			if err != nil {
				return nil, err
			}
			t.Marks = append(t.Marks, failover.Mark{Partition: tp.Partition, Primary: from, Secondary: end.Offset})
		}
		all = append(all, t)
	}
	return all, nil
}

func (g ground) SwitchBack(_ context.Context, topics []string) error {
	if source, ok := g.r.source.(*mirror.Source); ok {
		g.r.memory.fence(topics, false)
		source.Unfence(topics)
	}
	return nil
}

func (g ground) HandOver(ctx context.Context, groups []string, why string) (map[string]string, error) {
	all := map[string]string{}
	for _, group := range groups {
		v, err := g.r.loop.HandOver(ctx, group, why)
		switch {
		case errors.Is(err, replicator.ErrUnknownGroup), errors.Is(err, replicator.ErrFilteredGroup):
			v.Kind = replicator.VerdictHandedOver // gone since: the log says so to whoever sees it again
		case err != nil:
			return nil, err
		}
		all[group] = v.Kind.String()
	}
	return all, g.l.keeper.flush()
}

func (g ground) TakeBack(ctx context.Context, groups []string, why string) error {
	for _, group := range groups {
		if _, err := g.r.loop.Reclaim(ctx, group, why); err != nil {
			return err
		}
	}
	return g.l.keeper.flush()
}
