package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// ends are the primary's readable ends as last asked for: on the day when it is gone they say what was never mirrored, at least.
type ends struct {
	mu  sync.Mutex
	at  time.Time
	all map[kafka.TopicPartition]int64
}

const (
	sampleEvery  = time.Second
	sampleWithin = 5 * time.Second
)

// sampleEnds asks each second, until ctx ends.
func (l *link) sampleEnds(ctx context.Context, r *running) error {
	primary := l.clusters[replicator.Primary]
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		r.ends.ask(ctx, primary, r.source)
		if l.configured != nil { // on a way home, whose end comes right after its own switch, nobody is left to be told
			r.strays.ask(ctx, primary, r.memory.switched(), r.source.Mirrored())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (e *ends) ask(ctx context.Context, primary *kafka.Cluster, of source) {
	ctx, cancel := context.WithTimeout(ctx, sampleWithin)
	defer cancel()
	var tps []kafka.TopicPartition
	for topic, n := range of.Mirrored() {
		for p := range n {
			tps = append(tps, kafka.TopicPartition{Topic: topic, Partition: p})
		}
	}
	if len(tps) == 0 {
		return
	}
	asked := time.Now()
	got, err := primary.ListOffsets(ctx, kafka.Stable, tps)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[kafka.TopicPartition]int64{}
	}
	for tp, o := range got {
		if o.Err == nil {
			e.all[tp], e.at = o.Offset, asked
		}
	}
}

// of is the end of a partition, and whether it was ever asked for.
func (e *ends) of(tp kafka.TopicPartition) (end int64, at time.Time, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	end, ok = e.all[tp]
	return end, e.at, ok
}
