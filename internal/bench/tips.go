package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// tipPartitions is how many partitions the load has; as many lanes of one connection's worth each send it.
const tipPartitions = 10

// tips is a load at the tip: at a fixed rate a record goes to a partition, and a group commits what the broker has acknowledged
// there. It is an open load: a commit that is slow doesn't keep the next from being due, and how late each was sent is kept.
type tips struct {
	r       *Run
	topic   string
	rate    int // commits a second
	records *kgo.Client
	commits *bulk
	ends    [tipPartitions]atomic.Int64
}

// newTips produces to records and commits at commits, which is the same cluster but for the harness alone.
func newTips(r *Run, records, commits *rig.Cluster, topic string, rate int) *tips {
	r.Helper()
	l := &tips{
		r: r, topic: topic, rate: rate, commits: newBulk(r, commits, topic, tipPartitions/2),
		records: records.Client(r.TB, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0)),
	}
	for p := range l.ends {
		if err := l.records.ProduceSync(r.Context, tipRecord(p)).FirstErr(); err != nil {
			r.Fatalf("produce to %s: %v", topic, err)
		}
	}
	return l
}

func tipRecord(partition int) *kgo.Record {
	return &kgo.Record{Value: []byte(strings.Repeat("p", 100)), Partition: int32(partition)}
}

// answer is a commit that the broker has answered.
type answer struct {
	spot
	offset int64
	at     time.Time
}

// load is one that runs. Its lanes are read after stop.
type load struct {
	tips   *tips
	cancel context.CancelFunc
	done   sync.WaitGroup
	lanes  [tipPartitions]tipLane
}

type tipLane struct {
	mu      sync.Mutex
	answers []answer
	late    []sent
	last    map[string]int64
	err     error
}

// sent says when a commit was sent and how long after it was due.
type sent struct {
	at   time.Time
	late time.Duration
}

// start lets groups named prefix-0 … prefix-(n-1) commit, one partition each.
func (l *tips) start(prefix string, groups int) *load {
	ctx, cancel := context.WithCancel(l.r.Context)
	x := &load{tips: l, cancel: cancel}
	begin := time.Now().Add(10 * time.Millisecond)
	for lane := range x.lanes {
		x.done.Go(func() { x.lane(ctx, lane, begin, prefix, groups) })
	}
	l.r.Cleanup(x.stop)
	return x
}

func (x *load) stop() {
	x.cancel()
	x.done.Wait()
}

// lane sends the commits lane, lane+10, lane+20, … when each is due, or at once where it is late.
func (x *load) lane(ctx context.Context, lane int, begin time.Time, prefix string, groups int) {
	every := time.Second / time.Duration(x.tips.rate)
	timer := time.NewTimer(0)
	defer timer.Stop()
	l := &x.lanes[lane]
	l.last = map[string]int64{}
	for i := lane; ; i += tipPartitions {
		due := begin.Add(time.Duration(i) * every)
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		at := spot{fmt.Sprintf("%s-%d", prefix, i%groups), int32(lane)}
		if err := x.one(ctx, l, at, due); err != nil && ctx.Err() == nil {
			l.mu.Lock()
			l.err = err
			l.mu.Unlock()
			return
		}
	}
}

// one produces a record and commits what was acknowledged before. A commit that says what the last one said is not kept: its
// value may be there already.
func (x *load) one(ctx context.Context, l *tipLane, at spot, due time.Time) error {
	x.tips.records.Produce(ctx, tipRecord(int(at.partition)), func(r *kgo.Record, err error) {
		if err == nil {
			x.tips.ends[r.Partition].Store(r.Offset + 1)
		}
	})
	offset := x.tips.ends[at.partition].Load()
	if offset == 0 {
		return nil
	}
	now := time.Now()
	if err := x.tips.commits.commit(ctx, int(at.partition)/2, at.group, at.partition, offset); err != nil {
		return err
	}
	answered := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = append(l.late, sent{now, now.Sub(due)})
	if offset > l.last[at.group] {
		l.answers = append(l.answers, answer{at, offset, answered})
		l.last[at.group] = offset
	}
	return nil
}

// between returns the commits answered in a span of time, and how late each commit in it was sent, sorted.
func (x *load) between(from, to time.Time) (answers []answer, late []time.Duration) {
	x.tips.r.Helper()
	for i := range x.lanes {
		l := &x.lanes[i]
		l.mu.Lock()
		if l.err != nil {
			x.tips.r.Fatalf("the load broke off: %v", l.err)
		}
		for _, a := range l.answers {
			if !a.at.Before(from) && a.at.Before(to) {
				answers = append(answers, a)
			}
		}
		for _, s := range l.late {
			if !s.at.Before(from) && s.at.Before(to) {
				late = append(late, max(0, s.late))
			}
		}
		l.mu.Unlock()
	}
	slices.Sort(late)
	return answers, late
}
