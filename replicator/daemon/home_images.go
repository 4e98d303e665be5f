package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// images is what was looked at on a way home, so that asking again costs only what is new.
type images struct {
	id    string // of the way home
	parts map[kafka.TopicPartition]*imagesOf
}

// imagesOf are the copies of a partition's records past P*.
type imagesOf struct {
	there  kafka.TopicPartition
	of     failover.Unmirrored
	prints map[uint64]struct{} // of the primary's records, the aborted ones, too
	copied int64               // offsets at their start that were on the secondary before the switch
	next   int64               // on the secondary
	above  int                 // copies at S* or above
	first  int64               // the first of them
}

// Bounds of what is kept in memory: fingerprints of a partition, and records between P*'s place on the secondary and S*.
const (
	maxPrints = 2 << 20
	maxBefore = 100_000
)

const imageBytes = 4 << 20

// imagesOf reads the primary's part, once as long as it does not change.
func (g ground) imagesOf(ctx context.Context, u failover.Unmirrored, m failover.Mark) (*imagesOf, error) {
	tp := kafka.TopicPartition{Topic: u.Topic, Partition: u.Partition}
	seen := g.l.home.seen.parts
	if p := seen[tp]; p != nil && p.of == u {
		return p, nil
	}
	there, _ := g.l.Rename(u.Topic)
	p := &imagesOf{there: kafka.TopicPartition{Topic: there, Partition: u.Partition}, of: u, prints: map[uint64]struct{}{}, next: max(0, m.Secondary)}
	before, known, err := g.copiedBefore(ctx, p.there, u.Topic, m)
	if err != nil {
		return nil, fmt.Errorf("on the secondary: %w", err)
	}
	tries := [2]*prefix{{want: before}, {want: before}} // of all records, and of those that were committed
	_, err = records(ctx, g.l.clusters[replicator.Primary], tp, u.From, u.To, func(r *kafka.Record, committed bool) bool {
		print := imagePrint(r)
		if tries[0].take(print, r.Offset); committed {
			tries[1].take(print, r.Offset)
		}
		p.prints[print] = struct{}{}
		return len(p.prints) < maxPrints
	})
	for _, t := range tries {
		if known && t.whole() {
			p.copied = max(p.copied, t.end-u.From)
		}
	}
	if err == nil {
		seen[tp] = p
	}
	return p, err
}

// copiedBefore are the records that the secondary had at the switch above the copy of what is known to be copied: the mirror was further
// than had been compared.
func (g ground) copiedBefore(ctx context.Context, there kafka.TopicPartition, topic string, m failover.Mark) (all []uint64, known bool, err error) {
	from, known := g.copyOf(topic, m)
	if !known || from >= m.Secondary || m.Secondary-from > maxBefore {
		return nil, false, nil
	}
	_, err = records(ctx, g.l.clusters[replicator.Secondary], there, from, m.Secondary, func(r *kafka.Record, committed bool) bool {
		if committed {
			all = append(all, imagePrint(r))
		}
		return true
	})
	return all, len(all) > 0, err
}

// copyOf is where on the secondary the copies of what lies at P* and above begin, as far as that is known. What is read there has to
// agree record by record, so that a place that is wrong proves nothing.
func (g ground) copyOf(topic string, m failover.Mark) (at int64, known bool) {
	pair, ok := g.l.index.Lookup(topic)
	if !ok || m.Partition >= pair.Info().Partitions {
		return 0, false
	}
	p, primary := pair.Partition(m.Partition), m.Primary
	if f, ok := p.Frontier(); ok && f.Secondary <= m.Secondary && f.Primary >= primary {
		at, known, primary = f.Secondary, true, f.Primary
	}
	p.Runs(func(r translate.Run) bool {
		if r.Primary < primary && primary <= r.PrimaryEnd() {
			at, known = r.Secondary+primary-r.Primary, true
		}
		return r.Primary < primary
	})
	return at, known
}

// prefix holds a sequence against the start of another. Only the whole of it, in order, proves that these are the copies of those.
type prefix struct {
	want   []uint64
	n      int
	end    int64 // past the last record that agrees
	failed bool
}

func (p *prefix) take(print uint64, offset int64) {
	if p.failed || p.n == len(p.want) {
		return
	}
	if p.want[p.n] != print {
		p.failed = true
		return
	}
	p.n, p.end = p.n+1, offset+1
}

func (p *prefix) whole() bool { return !p.failed && p.n == len(p.want) && p.n > 0 }

// lookAbove goes on looking for copies at S* and above that are no replay's, and says how much is left.
func (p *imagesOf) lookAbove(ctx context.Context, secondary *kafka.Cluster, replayed map[int64]bool, until time.Time) (left int64, err error) {
	got, err := secondary.ListOffsets(ctx, kafka.Stable, []kafka.TopicPartition{p.there})
	if err == nil {
		err = got[p.there].Err
	}
	if err != nil {
		return 0, err
	}
	end := got[p.there].Offset
	for p.next < end && time.Now().Before(until) {
		p.next, err = someOf(ctx, secondary, p.there, p.next, end, func(b *kafka.Batch, r *kafka.Record, committed bool) bool {
			if _, ok := p.prints[imagePrint(r)]; ok && committed && !replayed[b.ProducerID] {
				if p.above++; p.above == 1 {
					p.first = r.Offset
				}
			}
			return true
		})
		if err != nil {
			return 0, err
		}
	}
	return end - p.next, nil
}

// records yields those of a partition in order, as far as they are wanted, and says where it stopped.
func records(ctx context.Context, c *kafka.Cluster, tp kafka.TopicPartition, from, to int64, yield func(r *kafka.Record, committed bool) bool) (next int64, err error) {
	more := true
	for from < to && more {
		from, err = someRecords(ctx, c, tp, from, to, func(r *kafka.Record, committed bool) bool {
			more = more && yield(r, committed)
			return more
		})
		if err != nil {
			return from, err
		}
	}
	return from, nil
}

// someRecords yields what one fetch returns. What was deleted is passed over.
func someRecords(ctx context.Context, c *kafka.Cluster, tp kafka.TopicPartition, from, to int64, yield func(r *kafka.Record, committed bool) bool) (next int64, err error) {
	return someOf(ctx, c, tp, from, to, func(_ *kafka.Batch, r *kafka.Record, committed bool) bool { return yield(r, committed) })
}

// someOf is someRecords, with their batches.
func someOf(ctx context.Context, c *kafka.Cluster, tp kafka.TopicPartition, from, to int64, yield func(b *kafka.Batch, r *kafka.Record, committed bool) bool) (next int64, err error) {
	got, err := c.FetchCommitted(ctx, tp, from, imageBytes)
	if errors.Is(err, kafka.ErrOffsetOutOfRange) {
		return startOf(ctx, c, tp, from, to)
	}
	if err != nil {
		return from, err
	}
	committed := map[int64]bool{}
	got.Readable(true, func(b *kafka.Batch) { committed[b.BaseOffset] = true })
	more := true
	got.Readable(false, func(b *kafka.Batch) {
		for i := range b.Records {
			if r := &b.Records[i]; more && r.Offset >= from && r.Offset < to {
				more = yield(b, r, committed[b.BaseOffset])
			}
		}
	})
	if got.Next <= from {
		return from, fmt.Errorf("nothing more at offset %d, and it should go on to %d", from, to)
	}
	return min(got.Next, to), nil
}

// startOf is where a log begins that no longer has an offset.
func startOf(ctx context.Context, c *kafka.Cluster, tp kafka.TopicPartition, from, to int64) (int64, error) {
	got, err := c.ListOffsets(ctx, kafka.Earliest, []kafka.TopicPartition{tp})
	if err == nil {
		err = got[tp].Err
	}
	if err != nil {
		return from, err
	}
	if got[tp].Offset <= from {
		return from, fmt.Errorf("the log begins at %d, and %d is not there", got[tp].Offset, from)
	}
	return min(got[tp].Offset, to), nil
}

var imageSeed = maphash.MakeSeed()

// imagePrint is of what every copy keeps: timestamp, key and value. Headers may be added.
func imagePrint(r *kafka.Record) uint64 {
	var h maphash.Hash
	h.SetSeed(imageSeed)
	number := func(n int64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	number(r.Timestamp)
	for _, field := range [][]byte{r.Key, r.Value} {
		length := int64(len(field))
		if field == nil {
			length = -1
		}
		number(length)
		h.Write(field)
	}
	return h.Sum64()
}
