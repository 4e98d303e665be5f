package drill

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator/kafka"
)

const (
	newest   = 50   // records of the secondary that are looked for on the primary: a mirror may land some out of order
	fewLost  = 200  // of the primary are looked at first
	mostLost = 5000 // and at the most
)

// losses counts what would be lost of every partition, had the primary died now. The primary's end is read first: what is mirrored
// meanwhile is not called lost, and what is written meanwhile is not known. So it is that much at least.
func (r *run) losses(ctx context.Context) {
	var all []Loss
	seen := map[kafka.TopicPartition]bool{}
	for _, g := range r.groups {
		for _, p := range g.positions {
			if !seen[p.here] {
				seen[p.here] = true
				all = append(all, Loss{Topic: p.Topic, There: p.There, Partition: p.Partition})
			}
		}
	}
	var looking errgroup.Group
	looking.SetLimit(r.o.Parallel)
	for i := range all {
		looking.Go(func() error {
			if !r.primaryUp {
				all[i].Why = "the primary does not answer"
			} else if err := r.loss(ctx, &all[i]); err != nil {
				all[i].Why = err.Error()
			}
			return nil
		})
	}
	_ = looking.Wait()
	r.Partitions = all
	if len(all) > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("what would be lost is counted in the %s that the checked positions lie in: of topics that no group reads nothing is known here",
			count(len(all), "partition")))
	}
	for i := range all {
		if l := &all[i]; !l.Known && r.primaryUp {
			r.problem("%s/%d: what would be lost is not known: %s", l.Topic, l.Partition, l.Why)
		}
	}
}

func (r *run) loss(ctx context.Context, l *Loss) error {
	here, there := kafka.TopicPartition{Topic: l.Topic, Partition: l.Partition}, kafka.TopicPartition{Topic: l.There, Partition: l.Partition}
	bounds, err := boundsOf(ctx, r.primary, here)
	if err != nil {
		return fmt.Errorf("primary: %w", err)
	}
	at := r.o.Now()
	l.PrimaryEnd = &bounds[1]
	copied, err := boundsOf(ctx, r.secondary, there)
	if err != nil {
		return fmt.Errorf("secondary: %w", err)
	}
	b := &reader{c: r.secondary, tp: there}
	last, none, err := b.below(ctx, copied[1], copied[0], newest)
	if err != nil {
		return fmt.Errorf("secondary: %w", err)
	}
	a := &reader{c: r.primary, tp: here}
	for _, n := range []int{fewLost, mostLost} {
		have, start, err := a.below(ctx, bounds[1], bounds[0], n)
		if err != nil {
			return fmt.Errorf("primary: %w", err)
		}
		if done := l.count(have, start, last, none, !b.appended && !a.appended, at, n == mostLost); done {
			return nil
		}
	}
	return nil
}

// count compares the newest records of both sides. start: have is all there is on the primary; none: last is all there is on the secondary.
func (l *Loss) count(have []kafka.Record, start bool, last []kafka.Record, none, times bool, at time.Time, giveUp bool) (done bool) {
	l.Known, l.AtLeast = true, false
	next := len(have)
	for next > 0 && !anySame(&have[next-1], last, times) {
		next--
	}
	lost := have[next:]
	l.Records, l.Seconds, l.MirroredTo = int64(len(lost)), 0, nil
	if len(lost) > 0 {
		l.Seconds = seconds(max(0, at.Sub(time.UnixMilli(lost[0].Timestamp))))
	}
	switch {
	case len(lost) == 0:
		l.MirroredTo = l.PrimaryEnd
	case next > 0:
		l.MirroredTo = &lost[0].Offset
	case start && len(last) == 0 && none:
		l.MirroredTo, l.Why = &lost[0].Offset, "nothing of the partition is on the secondary"
	case start && len(last) > 0: // other records stand there: those of the primary may have been deleted
		l.Known, l.Records, l.Seconds = false, 0, 0
		l.Why = "the newest records of the secondary are none of the primary's"
	case !giveUp:
		return false
	case len(last) > 0 && !(times && last[len(last)-1].Timestamp < have[0].Timestamp):
		l.Known, l.Records, l.Seconds = false, 0, 0
		l.Why = "no record of the secondary is one of the primary's newest, and their timestamps do not say which are newer"
	default:
		l.AtLeast, l.Why = true, "the newest records of the secondary lie further back on the primary than was looked"
	}
	return true
}

func anySame(original *kafka.Record, copies []kafka.Record, times bool) bool {
	for i := range copies {
		if same(original, &copies[i], times) {
			return true
		}
	}
	return false
}

// boundsOf is a partition's log start, and the end for a reader that is read committed.
func boundsOf(ctx context.Context, c Cluster, tp kafka.TopicPartition) (b [2]int64, err error) {
	for i, when := range []kafka.When{kafka.Earliest, kafka.Stable} {
		got, err := c.ListOffsets(ctx, when, []kafka.TopicPartition{tp})
		if err == nil {
			err = got[tp].Err
		}
		if err != nil {
			return b, err
		}
		b[i] = got[tp].Offset
	}
	return b, nil
}
