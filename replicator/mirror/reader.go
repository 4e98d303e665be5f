package mirror

import (
	"context"
	"fmt"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// reader walks the records of one side, [next, to), as marks.
type reader struct {
	log       log
	next, to  int64
	committed bool // leave out what a read-committed consumer does not see
	except    spans
	timestamp bool
	keys      bool
	owns      func(producer int64) bool
	epochs    func(epoch int32, start int64)
}

// marks returns the next records, none at the end.
func (r *reader) marks(ctx context.Context) ([]mark, error) {
	for r.next < r.to {
		f, err := r.log.Read(ctx, r.next)
		if err != nil {
			return nil, err
		}
		if f.Next <= r.next {
			return nil, fmt.Errorf("%w at %d of %d", errStalled, r.next, r.to)
		}
		all := r.convert(f)
		r.next = f.Next
		if len(all) > 0 {
			return all, nil
		}
	}
	return nil, nil
}

func (r *reader) convert(f *kafka.Fetched) []mark {
	var all []mark
	f.Readable(r.committed, func(b *kafka.Batch) {
		own := r.owns != nil && r.owns(b.ProducerID)
		if r.epochs != nil {
			r.epochs(b.LeaderEpoch, b.BaseOffset)
		}
		for i := range b.Records {
			rec := &b.Records[i]
			if rec.Offset < r.next || rec.Offset >= r.to || r.except.has(rec.Offset) {
				continue
			}
			m := mark{offset: rec.Offset, print: fingerprint(rec, r.timestamp), own: own}
			if r.keys {
				m.key = keyPrint(rec.Key)
			}
			all = append(all, m)
		}
	})
	return all
}

// rest reads to the end.
func (r *reader) rest(ctx context.Context) ([]mark, error) {
	var all []mark
	for {
		more, err := r.marks(ctx)
		if err != nil || len(more) == 0 {
			return all, err
		}
		all = append(all, more...)
	}
}

func (p *partition) primaryReader(from, to int64) *reader {
	return &reader{log: p.primary, next: from, to: to, committed: p.options.committed, timestamp: p.topics.timestamp, keys: p.topics.compacted}
}

// secondaryReader reads everything that takes an offset, aborted or not: what nobody can account for counts as foreign. What lies aside is not there.
func (p *partition) secondaryReader(from, to int64) *reader {
	return &reader{log: p.secondary, next: from, to: to, except: p.aside(), timestamp: p.topics.timestamp, keys: p.topics.compacted, owns: p.cursor.owns}
}
