package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// some records are looked for far away: the first one may have been filtered.
const someSought = 4

// far looks for the next records of one side on the whole of the other one, by their timestamps.
func (l *looker) far(ctx context.Context, p place, s seen) (finding, error) {
	for _, r := range s.a.above[:min(someSought, len(s.a.above))] {
		at, found, err := l.locate(ctx, l.secondary, p.there, p.thereIn, &r, true)
		switch {
		case err != nil:
			return finding{}, err
		case found && at < p.secondary:
			return away(Skips, p.secondary-at, fmt.Sprintf("the next record lies at %d on the secondary, far below the position", at), s), nil
		case found:
			return away(Rereads, at-p.secondary, fmt.Sprintf("the next record lies at %d on the secondary, far above the position", at), s), nil
		}
	}
	for _, r := range s.b.above[:min(someSought, len(s.b.above))] {
		at, found, err := l.locate(ctx, l.primary, p.here, p.hereIn, &r, false)
		switch {
		case err != nil:
			return finding{}, err
		case found && at < p.primary:
			return away(Rereads, p.primary-at, fmt.Sprintf("the secondary's next record lies at %d on the primary, far below the group's offset", at), s), nil
		case found:
			return away(Skips, at-p.primary, fmt.Sprintf("the secondary's next record lies at %d on the primary, far above the group's offset", at), s), nil
		}
	}
	return s.finding, nil
}

// away counts by offsets, which is roughly.
func away(v Verdict, n int64, why string, s seen) finding {
	return finding{verdict: v, records: n, why: why, notes: append(s.notes, "counted by offsets")}
}

// locate finds a record by its timestamp; forward says that it is the primary's, and is sought on the secondary.
func (l *looker) locate(ctx context.Context, c Cluster, tp kafka.TopicPartition, in bounds, r *kafka.Record, forward bool) (int64, bool, error) {
	if r.Timestamp < 0 {
		return 0, false, nil
	}
	at, err := one(ctx, c, kafka.At(time.UnixMilli(r.Timestamp)), tp)
	if err != nil || at < 0 {
		return 0, false, err
	}
	w := &window{}
	if err := w.up(ctx, c, tp, max(at, in.start), in, size{l.o.Deep, l.o.DeepBytes}); err != nil {
		return 0, false, err
	}
	l.bytes.Add(w.bytes)
	for i := range w.above {
		if other := &w.above[i]; forward && same(r, other) || !forward && same(other, r) {
			return other.Offset, true, nil
		}
	}
	return 0, false, nil
}

// same: the second record is a copy of the first one.
func same(original, copied *kafka.Record) bool {
	k := newKinds(true)
	return k.original(original) == k.copied(copied)
}
