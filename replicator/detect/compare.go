package detect

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

const (
	somePartitions = 4        // of a topic are compared
	someOffsets    = 4        // of each of them
	someSought     = 3        // records of a topic are looked for by their timestamps
	probeBytes     = 16 << 10 // a batch comes whole, and a few small ones with it
	seekBytes      = 64 << 10
)

// bounds of a partition on both sides.
type bounds struct {
	partition              int32
	start, end             int64
	thereStart, thereEnd   int64
	commonStart, commonEnd int64
}

// compare reads a few records of a topic on both sides.
func (l *look) compare(ctx context.Context, t *TopicFacts) (Comparison, error) {
	c := Comparison{Empty: true}
	all, err := l.bounds(ctx, t)
	if err != nil {
		return c, err
	}
	for _, b := range all {
		c.Empty = c.Empty && b.end <= b.start
	}
	for _, b := range spread(all, somePartitions, func(b bounds) bool { return b.commonEnd > b.commonStart }) {
		if err := l.compareAt(ctx, t, b, &c); err != nil || c.Differs != "" {
			if err != nil {
				return c, err
			}
			break
		}
	}
	if c.Differs == "" && c.Equal > 0 {
		return c, nil
	}
	for _, b := range spread(all, someSought, func(b bounds) bool { return b.end > b.start && b.thereEnd > b.thereStart }) {
		if err := l.seek(ctx, t, b, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// spread picks up to n of those that are wanted, from the whole range.
func spread(all []bounds, n int, wanted func(bounds) bool) (some []bounds) {
	var left []bounds
	for _, b := range all {
		if wanted(b) {
			left = append(left, b)
		}
	}
	if len(left) <= n {
		return left
	}
	for i := range n {
		some = append(some, left[i*(len(left)-1)/(n-1)])
	}
	return some
}

func (l *look) bounds(ctx context.Context, t *TopicFacts) ([]bounds, error) {
	n := min(t.Partitions, t.ThereParts)
	here, there := make([]kafka.TopicPartition, n), make([]kafka.TopicPartition, n)
	for p := range n {
		here[p], there[p] = kafka.TopicPartition{Topic: t.Name, Partition: int32(p)}, kafka.TopicPartition{Topic: t.There, Partition: int32(p)}
	}
	var lists [4]map[kafka.TopicPartition]kafka.OffsetResult
	for i, ask := range []struct {
		c   Cluster
		at  kafka.When
		tps []kafka.TopicPartition
	}{{l.primary, kafka.Earliest, here}, {l.primary, kafka.Stable, here}, {l.secondary, kafka.Earliest, there}, {l.secondary, kafka.Stable, there}} {
		var err error
		if lists[i], err = ask.c.ListOffsets(ctx, ask.at, ask.tps); err != nil {
			return nil, err
		}
		for _, tp := range ask.tps {
			if err := lists[i][tp].Err; err != nil {
				return nil, err
			}
		}
	}
	all := make([]bounds, n)
	for p := range n {
		b := bounds{partition: int32(p), start: lists[0][here[p]].Offset, end: lists[1][here[p]].Offset, thereStart: lists[2][there[p]].Offset, thereEnd: lists[3][there[p]].Offset}
		b.commonStart, b.commonEnd = max(b.start, b.thereStart), min(b.end, b.thereEnd)
		all[p] = b
	}
	return all, nil
}

// compareAt compares the records at the same offsets of one partition: first, last, and between.
func (l *look) compareAt(ctx context.Context, t *TopicFacts, b bounds, c *Comparison) error {
	size := b.commonEnd - b.commonStart
	last := int64(-1)
	for i := range int64(someOffsets) {
		at := b.commonStart + i*(size-1)/(someOffsets-1)
		if at == last {
			continue
		}
		last = at
		here, err := l.primary.FetchOne(ctx, kafka.TopicPartition{Topic: t.Name, Partition: b.partition}, at, probeBytes)
		if err != nil {
			return err
		}
		there, err := l.secondary.FetchOne(ctx, kafka.TopicPartition{Topic: t.There, Partition: b.partition}, at, probeBytes)
		if err != nil {
			return err
		}
		if c.match(b.partition, records(&here), records(&there)); c.Differs != "" {
			return nil
		}
	}
	return nil
}

// placed is a record or a transaction marker.
type placed struct {
	*kafka.Record
	marker bool
}

func records(f *kafka.Fetched) (all []placed) {
	for i := range f.Batches {
		for j := range f.Batches[i].Records {
			all = append(all, placed{&f.Batches[i].Records[j], f.Batches[i].Control})
		}
	}
	return all
}

// match compares records at equal offsets. An offset that one side lacks is no difference: it may have been compacted away.
func (c *Comparison) match(partition int32, a, b []placed) {
	var first *kafka.Record
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Offset < b[0].Offset:
			a = a[1:]
		case a[0].Offset > b[0].Offset:
			b = b[1:]
		case a[0].marker != b[0].marker || !a[0].marker && !equal(a[0].Record, b[0].Record):
			c.Differs = fmt.Sprintf("offset %d of partition %d", a[0].Offset, partition)
			return
		default:
			if a[0].marker {
				c.Markers++
			} else {
				c.Equal++
				if first == nil {
					first = a[0].Record
				}
				c.Varied = c.Varied || !equal(first, a[0].Record)
			}
			a, b = a[1:], b[1:]
		}
	}
}

func equal(a, b *kafka.Record) bool {
	return a.Timestamp == b.Timestamp && len(a.Headers) == len(b.Headers) && content(a, b)
}

func content(a, b *kafka.Record) bool {
	return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == (b.Value == nil)
}

// seek looks for one record of the primary near its timestamp on the secondary. What is newest may not be copied yet, what is
// oldest may be deleted there: one from the middle is taken.
func (l *look) seek(ctx context.Context, t *TopicFacts, b bounds, c *Comparison) error {
	here, there := kafka.TopicPartition{Topic: t.Name, Partition: b.partition}, kafka.TopicPartition{Topic: t.There, Partition: b.partition}
	got, err := l.primary.FetchOne(ctx, here, b.start+(b.end-b.start)/2, 1)
	if err != nil {
		return err
	}
	var original *kafka.Record
	for _, r := range records(&got) {
		if !r.marker && original == nil {
			original = r.Record
		}
	}
	if original == nil || original.Timestamp < 0 {
		return nil
	}
	c.Sought++
	at, err := l.secondary.ListOffsets(ctx, kafka.At(time.UnixMilli(original.Timestamp)), []kafka.TopicPartition{there})
	if err != nil || at[there].Err != nil || at[there].Offset < 0 {
		return err
	}
	got, err = l.secondary.FetchOne(ctx, there, at[there].Offset, seekBytes)
	if err != nil {
		return err
	}
	for _, r := range records(&got) {
		if !r.marker && content(original, r.Record) {
			c.Found++
			return nil
		}
	}
	return nil
}
