package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
	"github.com/leftoff/leftoff/translate"
)

// Seen counts only what is a record for sure, and says of how many partitions that can't be done.
func (g ground) Seen(ctx context.Context, topics []string) (failover.Seen, error) {
	s := failover.Seen{NeverMirrored: unknown}
	tps, err := g.partitions(ctx, topics)
	if err != nil {
		return s, err
	}
	for _, tp := range tps {
		end, at, asked := g.r.ends.of(tp)
		if !asked {
			s.Uncounted++
			continue
		}
		from, err := g.copied(ctx, tp)
		if err != nil {
			return s, err
		}
		s.Ends = at
		n, known := lost(from, end, func() bool { return g.plain(tp) })
		if !known {
			s.Uncounted++
			continue
		}
		if s.NeverMirrored = max(0, s.NeverMirrored) + n; n > 0 {
			s.Partitions = append(s.Partitions, failover.Unmirrored{Topic: tp.Topic, Partition: tp.Partition, From: from, To: end})
		}
	}
	slices.SortStableFunc(s.Partitions, func(a, b failover.Unmirrored) int { return int(b.To - b.From - a.To + a.From) })
	s.Partitions = s.Partitions[:min(len(s.Partitions), 100)]
	return s, nil
}

// landWithin is the moment that Land waits.
const landWithin = 2 * time.Second

// Land is for leftoff's own mirror: how far another one has read is not known.
func (g ground) Land(ctx context.Context, topics []string) (left int64, err error) {
	source, ours := g.r.source.(*mirror.Source)
	if !ours {
		return 0, nil
	}
	within, cancel := context.WithTimeout(ctx, landWithin)
	defer cancel()
	return source.Land(within, topics), ctx.Err()
}

// lost is how many records of a partition that ended at end are not among those copied up to from, and whether that is known.
// Offsets are records only where nothing else takes offsets: elsewhere "at least" would be too much.
func lost(from, end int64, plain func() bool) (n int64, known bool) {
	switch {
	case end == 0, from >= end: // nothing was ever there, or all of it is on the secondary
		return 0, true
	case from == unknown || !plain():
		return 0, false
	}
	return end - from, true
}

// plain says that every offset of a partition was a record so far, no markers and no holes, and that the index knows all that was
// copied: only leftoff's own mirror does. Another one may be far ahead of what was compared.
func (g ground) plain(tp kafka.TopicPartition) bool {
	pair, ok := g.l.index.Lookup(tp.Topic)
	if !ok || tp.Partition >= pair.Info().Partitions || pair.Info().Source != configs.MappingMirror {
		return false
	}
	last, plain, runs := int64(-1), true, 0
	pair.Partition(tp.Partition).Runs(func(r translate.Run) bool {
		plain = last < 0 || r.Primary == last
		last = r.PrimaryEnd()
		runs++
		return plain && runs < 10_000
	})
	return plain && runs > 0
}
