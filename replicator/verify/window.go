package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// bounds of a partition: what a read-committed consumer can read lies in [start, end).
type bounds struct{ start, end int64 }

// window is what a read-committed consumer sees around a position.
type window struct {
	below, above []kafka.Record // below the position, and at it or above; in log order
	aborted      []kafka.Record // what it does not see
	start        bool           // nothing readable lies below the first one
	end          bool           // nothing above the last one
	appended     bool           // timestamps are the broker's
	bytes        int64
}

// size of a window: records each way, and bytes each way at the most.
type size struct{ records, bytes int }

func (s size) times(n int) size { return size{s.records * n, s.bytes * n} }

const (
	smallFetch = 16 << 10
	largeFetch = 1 << 20
	maxChunks  = 40 // on the way down
)

// read reads the records around a position.
func read(ctx context.Context, c Cluster, tp kafka.TopicPartition, at int64, in bounds, down, up size) (*window, error) {
	w := &window{}
	at = min(max(at, in.start), in.end)
	if err := w.down(ctx, c, tp, at, in, down); err != nil {
		return nil, err
	}
	return w, w.up(ctx, c, tp, at, in, up)
}

// up reads from a position on.
func (w *window) up(ctx context.Context, c Cluster, tp kafka.TopicPartition, at int64, in bounds, want size) error {
	all, next, err := w.scan(ctx, c, tp, at, in.end, want)
	w.above, w.end = all, next >= in.end
	return err
}

// down reads below a position: pieces of the log, each one twice as long as the one above it as long as they are small. Markers,
// aborted and compacted records take up offsets, too, so nobody knows where to begin.
func (w *window) down(ctx context.Context, c Cluster, tp kafka.TopicPartition, at int64, in bounds, want size) error {
	var pieces [][]kafka.Record
	n, before, step := 0, w.bytes, int64(2*min(want.records, 64))
	for range maxChunks {
		if at <= in.start || n >= want.records || w.bytes-before >= int64(want.bytes) {
			break
		}
		from, bytes := max(in.start, at-step), w.bytes
		piece, _, err := w.scan(ctx, c, tp, from, at, size{records: 1 << 30, bytes: 1 << 40})
		if err != nil {
			return err
		}
		pieces = append(pieces, piece)
		n += len(piece)
		if at = from; w.bytes-bytes < int64(want.bytes)/4 {
			step *= 2
		}
	}
	slices.Reverse(pieces)
	w.below = slices.Concat(pieces...)
	w.start = at <= in.start && n <= want.records
	w.below = w.below[max(0, n-want.records):]
	return nil
}

// scan reads what a consumer sees from one offset to another one, or until it has enough, and says up to where.
func (w *window) scan(ctx context.Context, c Cluster, tp kafka.TopicPartition, from, to int64, enough size) (all []kafka.Record, next int64, err error) {
	before, fetch := w.bytes, int32(smallFetch)
	for from < to && len(all) < enough.records && w.bytes-before < int64(enough.bytes) {
		f, err := c.FetchCommitted(ctx, tp, from, fetch)
		if err != nil {
			return all, from, fmt.Errorf("read %s at %d: %w", tp, from, err)
		}
		if f.Next <= from {
			if f.LastStable >= to {
				return all, to, nil // holes up to the end
			}
			return all, from, nil // it was cut meanwhile
		}
		all = w.take(all, &f, from, to)
		from, fetch = f.Next, min(2*fetch, largeFetch)
	}
	if len(all) > enough.records {
		return all[:enough.records], all[enough.records].Offset, nil
	}
	return all, from, nil
}

// take appends what is visible of one fetch.
func (w *window) take(all []kafka.Record, f *kafka.Fetched, from, to int64) []kafka.Record {
	visible := map[int64]bool{}
	f.Readable(true, func(b *kafka.Batch) {
		visible[b.BaseOffset] = true
		w.appended = w.appended || b.LogAppendTime
		for _, r := range b.Records {
			if r.Offset >= from && r.Offset < to {
				all = append(all, r)
				w.bytes += int64(r.Size())
			}
		}
	})
	for i := range f.Batches {
		if b := &f.Batches[i]; !b.Control && !visible[b.BaseOffset] {
			w.aborted = append(w.aborted, b.Records...)
		}
	}
	return all
}
