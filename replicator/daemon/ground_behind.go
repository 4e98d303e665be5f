package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// partitions of topics, by the primary's names: as the source, the index, or at least the secondary knows them.
func (g ground) partitions(ctx context.Context, topics []string) (tps []kafka.TopicPartition, err error) {
	counts := map[string]int32{}
	var ask []string
	mirrored := g.r.source.Mirrored()
	for _, topic := range topics {
		if _, ours := g.l.Rename(topic); !ours {
			continue
		}
		n := mirrored[topic]
		if pair, ok := g.l.index.Lookup(topic); ok {
			n = max(n, pair.Info().Partitions)
		}
		if counts[topic] = n; n == 0 {
			to, _ := g.l.Rename(topic)
			ask = append(ask, to)
		}
	}
	known := map[string]kafka.TopicInfo{}
	if len(ask) > 0 {
		if known, err = g.l.clusters[replicator.Secondary].Topics(ctx, ask); err != nil {
			return nil, err
		}
	}
	for _, topic := range topics {
		to, _ := g.l.Rename(topic)
		for p := range max(counts[topic], int32(len(known[to].Partitions))) {
			tps = append(tps, kafka.TopicPartition{Topic: topic, Partition: p})
		}
	}
	return tps, nil
}

// unknown is an offset that nobody knows.
const unknown = -1

// copied is the primary's offset below which everything is on the secondary, as far as the index knows; unknown where nothing does.
func (g ground) copied(ctx context.Context, tp kafka.TopicPartition) (int64, error) {
	if pair, ok := g.l.index.Lookup(tp.Topic); ok && tp.Partition < pair.Info().Partitions {
		p := pair.Partition(tp.Partition)
		if f, ok := p.Frontier(); ok {
			return f.Primary, nil
		}
		end, ok := p.End()
		if !ok {
			return unknown, nil
		}
		return end, nil
	}
	if !g.keepsOffsets(tp.Topic) {
		return unknown, nil
	}
	// What the secondary has is what was copied.
	to, _ := g.l.Rename(tp.Topic)
	there := kafka.TopicPartition{Topic: to, Partition: tp.Partition}
	got, err := g.l.clusters[replicator.Secondary].ListOffsets(ctx, kafka.Stable, []kafka.TopicPartition{there})
	if err == nil {
		err = got[there].Err
	}
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return unknown, nil
	}
	return got[there].Offset, err
}

// keepsOffsets says whether a topic is one of mapping identity.
func (g ground) keepsOffsets(topic string) bool {
	if a, ok := g.r.source.(interface{ Identical(topic string) bool }); ok {
		return a.Identical(topic)
	}
	return g.l.Mapping == configs.MappingIdentity
}

// partitionsHere are partitions, and those of topics that only the primary has. It asks the primary, where there are such.
func (g ground) partitionsHere(ctx context.Context, topics []string) ([]kafka.TopicPartition, error) {
	tps, err := g.partitions(ctx, topics)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, tp := range tps {
		known[tp.Topic] = true
	}
	var ask []string
	for _, topic := range topics {
		if _, ours := g.l.Rename(topic); ours && !known[topic] {
			ask = append(ask, topic)
		}
	}
	if len(ask) == 0 {
		return tps, nil
	}
	here, err := g.l.clusters[replicator.Primary].Topics(ctx, ask)
	if err != nil {
		return nil, err
	}
	for _, topic := range ask {
		if err := here[topic].Err; err != nil {
			return nil, fmt.Errorf("topic %s on the primary: %w", topic, err)
		}
		for p := range int32(len(here[topic].Partitions)) {
			tps = append(tps, kafka.TopicPartition{Topic: topic, Partition: p})
		}
	}
	return tps, nil
}

// absent are those topics of which the source knows no copy and of which the secondary, asked for them, has none. A source that has only just
// begun knows of none yet; where the secondary does not say, none is.
func (g ground) absent(ctx context.Context, topics []string) (all []string) {
	there := map[string]string{}
	for _, topic := range topics {
		if to, ours := g.l.Rename(topic); ours && g.r.source.Forward(topic, [16]byte{}, 0, 0).Reason == replicator.TopicMissing {
			there[topic] = to
		}
	}
	if len(there) == 0 {
		return nil
	}
	found, err := g.l.clusters[replicator.Secondary].Topics(ctx, slices.Sorted(maps.Values(there)))
	if err != nil {
		return nil
	}
	for _, topic := range slices.Sorted(maps.Keys(there)) {
		if _, has := found[there[topic]]; !has {
			all = append(all, topic)
		}
	}
	return all
}

func (g ground) Behind(ctx context.Context, topics []string) ([]failover.Unmirrored, error) {
	tps, err := g.partitionsHere(ctx, topics)
	if err != nil || len(tps) == 0 {
		return nil, err
	}
	primary := g.l.clusters[replicator.Primary]
	ends, err := primary.ListOffsets(ctx, kafka.Stable, tps)
	if err != nil {
		return nil, err
	}
	var all []failover.Unmirrored
	for _, tp := range tps {
		switch err := ends[tp].Err; {
		case errors.Is(err, kafka.ErrUnknownTopic):
			continue // deleted on the primary: what was copied is all there is
		case err != nil:
			return nil, err
		}
		from, err := g.copied(ctx, tp)
		if err != nil {
			return nil, err
		}
		end := ends[tp].Offset
		if from >= end {
			continue
		}
		from = max(from, 0)
		g.r.source.Want(tp.Topic, tp.Partition, end)
		if at, some, err := firstRecord(ctx, primary, tp, from, end); err != nil {
			return nil, err
		} else if some {
			all = append(all, failover.Unmirrored{Topic: tp.Topic, Partition: tp.Partition, From: at, To: end})
		}
	}
	slices.SortStableFunc(all, func(a, b failover.Unmirrored) int { return int(b.To - b.From - a.To + a.From) })
	return all, nil
}

// Open compares the ends with where transactions are known to be over, in this order: what lies below an end and is not readable
// a moment later belongs to one that is open.
func (g ground) Open(ctx context.Context, topics []string) ([]failover.Unmirrored, error) {
	tps, err := g.partitionsHere(ctx, topics)
	if err != nil || len(tps) == 0 {
		return nil, err
	}
	primary := g.l.clusters[replicator.Primary]
	ends, err := primary.ListOffsets(ctx, kafka.Latest, tps)
	if err != nil {
		return nil, err
	}
	stable, err := primary.ListOffsets(ctx, kafka.Stable, tps)
	if err != nil {
		return nil, err
	}
	return open(tps, ends, stable)
}

// open are the partitions that end behind what of them is readable.
func open(tps []kafka.TopicPartition, ends, stable map[kafka.TopicPartition]kafka.OffsetResult) (all []failover.Unmirrored, err error) {
	for _, tp := range tps {
		switch err := errors.Join(ends[tp].Err, stable[tp].Err); {
		case errors.Is(err, kafka.ErrUnknownTopic):
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", tp, err)
		case stable[tp].Offset < ends[tp].Offset:
			all = append(all, failover.Unmirrored{Topic: tp.Topic, Partition: tp.Partition, From: stable[tp].Offset, To: ends[tp].Offset})
		}
	}
	return all, nil
}

// firstRecord finds the first record that a consumer would read from an offset on: markers and aborted ones are none.
func firstRecord(ctx context.Context, c *kafka.Cluster, tp kafka.TopicPartition, from, end int64) (at int64, some bool, err error) {
	for from < end {
		got, err := c.FetchCommitted(ctx, tp, from, 1<<20)
		if errors.Is(err, kafka.ErrOffsetOutOfRange) {
			return 0, false, nil // deleted since
		}
		if err != nil {
			return 0, false, err
		}
		got.Readable(true, func(b *kafka.Batch) {
			for i := range b.Records {
				if o := b.Records[i].Offset; !some && o >= from && o < end {
					at, some = o, true
				}
			}
		})
		if some || got.Next <= from {
			break
		}
		from = got.Next
	}
	return at, some, nil
}
