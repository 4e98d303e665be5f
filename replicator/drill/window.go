package drill

import (
	"context"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// reader reads what a read-committed consumer sees of one partition.
type reader struct {
	c        Cluster
	tp       kafka.TopicPartition
	appended bool // timestamps are the broker's
}

const (
	fetchBytes = 64 << 10
	mostBytes  = 8 << 20 // of one stretch
	mostSteps  = 40      // downwards
)

// above reads up to n records from an offset on. end: the log goes no further. first is called when the first fetch is answered with a
// record, or with the news that there is none.
func (r *reader) above(ctx context.Context, at int64, n int, first func()) (all []kafka.Record, end bool, err error) {
	return r.scan(ctx, at, 1<<62, n, first)
}

// scan reads records in [from, to), n at the most, and says whether it saw them all.
func (r *reader) scan(ctx context.Context, from, to int64, n int, first func()) (all []kafka.Record, end bool, err error) {
	bytes := 0
	for from < to && bytes < mostBytes {
		f, err := r.c.FetchCommitted(ctx, r.tp, from, fetchBytes)
		if err != nil {
			return all, false, err
		}
		f.Readable(true, func(b *kafka.Batch) {
			r.appended = r.appended || b.LogAppendTime
			for _, rec := range b.Records {
				if rec.Offset >= from && rec.Offset < to {
					all = append(all, rec)
					bytes += rec.Size()
				}
			}
		})
		still := f.Next <= from
		if first != nil && (len(all) > 0 || still || f.Next >= f.LastStable) {
			first()
			first = nil
		}
		switch {
		case len(all) > n, len(all) == n && n > 0 && f.Next < min(to, f.LastStable):
			return all[:n], false, nil
		case still || f.Next >= f.LastStable:
			return all, true, nil
		}
		from = f.Next
	}
	return all, from >= to, nil
}

// below reads up to n records that lie right below an offset, in log order. start: there are no more. Nobody knows where to begin, because
// markers, aborted and compacted records take up offsets, too: longer and longer stretches are read.
func (r *reader) below(ctx context.Context, at, logStart int64, n int) (all []kafka.Record, start bool, err error) {
	step, bytes := int64(2*n+2), 0
	for range mostSteps {
		if at <= logStart || len(all) > n || bytes > mostBytes {
			break
		}
		from := max(logStart, at-step)
		piece, _, err := r.scan(ctx, from, at, 1<<40, nil)
		if err != nil {
			return nil, false, err
		}
		for i := range piece {
			bytes += piece[i].Size()
		}
		all = append(piece, all...)
		at, step = from, 2*step
	}
	start = at <= logStart && len(all) <= n
	return all[max(0, len(all)-n):], start, nil
}
