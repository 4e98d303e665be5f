package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// bulk commits at a cluster of one broker, from outside the groups and over several connections. One broker, so that nobody
// has to be asked who coordinates a group.
type bulk struct {
	r       *Run
	brokers []*kgo.Broker
	topic   string
}

func newBulk(r *Run, c *rig.Cluster, topic string, connections int) *bulk {
	r.Helper()
	b := &bulk{r: r, topic: topic}
	for range connections {
		cl := c.Client(r.TB, kgo.MaxVersions(kversion.V4_0_0())) // by name: OffsetCommit before version 10
		b.brokers = append(b.brokers, cl.SeedBrokers()[0])
	}
	return b
}

// commit writes one group's offsets, by partition from the first on, over a connection.
func (b *bulk) commit(ctx context.Context, connection int, group string, first int32, offsets ...int64) error {
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = b.topic
	t.Partitions = make([]kmsg.OffsetCommitRequestTopicPartition, len(offsets))
	for i, offset := range offsets {
		t.Partitions[i] = kmsg.NewOffsetCommitRequestTopicPartition()
		t.Partitions[i].Partition, t.Partitions[i].Offset, t.Partitions[i].LeaderEpoch = first+int32(i), offset, -1
	}
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Group, q.Generation, q.Topics = group, -1, []kmsg.OffsetCommitRequestTopic{t}
	resp, err := q.RequestWith(ctx, b.brokers[connection%len(b.brokers)])
	if err != nil {
		return err
	}
	for _, p := range resp.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return fmt.Errorf("%s: %s/%d: %w", group, b.topic, p.Partition, err)
		}
	}
	return nil
}

// all runs do(connection, i) for every i below n, one at a time on each connection.
func (b *bulk) all(n int, do func(connection, i int) error) {
	b.r.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make([]error, len(b.brokers))
	for c := range b.brokers {
		wg.Go(func() {
			for failed[c] == nil {
				i := int(next.Add(1)) - 1
				if i >= n || b.r.Context.Err() != nil {
					return
				}
				failed[c] = do(c, i)
			}
		})
	}
	wg.Wait()
	for _, err := range failed {
		if err != nil && !errors.Is(err, errWarm) {
			b.r.Fatalf("commit: %v", err)
		}
	}
	if err := b.r.Context.Err(); err != nil {
		b.r.Fatal(err)
	}
}

// warm commits at a broker for a while, one offset a request: its code is slow until it has been compiled (facts: ten times).
func (b *bulk) warm(d time.Duration) {
	b.r.Helper()
	end := time.Now().Add(d)
	b.all(1<<30, func(connection, i int) error {
		if time.Now().After(end) {
			return errWarm
		}
		return b.commit(b.r.Context, connection, fmt.Sprintf("warm-%d", i%1000), 0, int64(i))
	})
}

// errWarm ends a warm-up.
var errWarm = errors.New("warm")

// fillRecords writes the same n records to every partition of a topic of the given clusters, timestamps included, so that
// offsets mean the same on all of them.
func fillRecords(r *Run, topic string, partitions int32, n int, clusters ...*rig.Cluster) {
	r.Helper()
	base := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	for _, c := range clusters {
		cl := c.Client(r.TB, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(50_000))
		var failed atomic.Pointer[error]
		for i := range n {
			for p := range partitions {
				v := fmt.Appendf(nil, "payment %d of %d %s", i, p, strings.Repeat("x", 60))
				rec := &kgo.Record{Partition: p, Value: v, Timestamp: base.Add(time.Duration(i) * time.Millisecond)}
				cl.Produce(r.Context, rec, func(_ *kgo.Record, err error) {
					if err != nil {
						failed.Store(&err)
					}
				})
			}
		}
		if err := cl.Flush(r.Context); err != nil {
			r.Fatalf("fill %s: %v", topic, err)
		}
		if err := failed.Load(); err != nil {
			r.Fatalf("fill %s: %v", topic, *err)
		}
		cl.Close()
	}
}

const offsetsTopic = "__consumer_offsets"

// logEnds sums up the ends of a topic's partitions.
func logEnds(r *Run, c *rig.Cluster, topic string) int64 {
	r.Helper()
	listed, err := c.Admin().ListEndOffsets(r.Context, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		r.Fatalf("ends of %s: %v", topic, err)
	}
	sum := int64(0)
	for _, partitions := range listed {
		for _, o := range partitions {
			sum += o.Offset
		}
	}
	return sum
}

// settled waits until nobody has written to the offsets topic of a cluster for two seconds, and then for the newest offsets to
// be there: it reads the log, which costs, only when there is a pause.
func settled(r *Run, c *rig.Cluster, missing func(held map[judge.Key]int64) error) {
	r.Helper()
	last, since := int64(-1), time.Now()
	await(r, 2*time.Minute, "the last commits are on the secondary", func() error {
		n := logEnds(r, c, offsetsTopic)
		if n != last {
			last, since = n, time.Now()
		}
		if time.Since(since) < 2*time.Second {
			return fmt.Errorf("%d records, and more", n)
		}
		since = time.Now()
		return missing(heldNow(r, c))
	})
}

// atLeast says which of the newest commits is not on the secondary.
func atLeast(newest map[judge.Key]int64, held map[judge.Key]int64) error {
	for k, want := range newest {
		if held[k] < want {
			return fmt.Errorf("%s: the secondary holds %d, not %d", k, held[k], want)
		}
	}
	return nil
}

// readOffsets reads a cluster's `__consumer_offsets` from start to end, with the judge's own decoder, after the fact: nothing
// watches while something is measured. Times are the coordinators': they stand in the records.
func readOffsets(r *Run, c *rig.Cluster) *judge.Log {
	r.Helper()
	ends, err := c.Admin().ListEndOffsets(r.Context, offsetsTopic)
	if err != nil {
		r.Fatal(err)
	}
	left, from := map[int32]int64{}, map[int32]kgo.Offset{}
	for _, o := range ends[offsetsTopic] {
		if o.Offset > 0 {
			left[o.Partition], from[o.Partition] = o.Offset, kgo.NewOffset().AtStart()
		}
	}
	cl := c.Client(r.TB, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{offsetsTopic: from}), kgo.KeepControlRecords(), kgo.FetchMaxWait(200*time.Millisecond))
	defer cl.Close()
	log := judge.NewLog()
	ctx, cancel := context.WithTimeout(r.Context, time.Minute)
	defer cancel()
	for len(left) > 0 {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			r.Fatalf("read %s, of which partitions are left up to %v: %v", offsetsTopic, left, err)
		}
		fs.EachRecord(func(rec *kgo.Record) {
			log.Add(rec, rec.Timestamp)
			if rec.Offset+1 >= left[rec.Partition] {
				delete(left, rec.Partition)
			}
		})
	}
	return log
}

// heldNow is what a cluster holds for every key.
func heldNow(r *Run, c *rig.Cluster) map[judge.Key]int64 {
	r.Helper()
	held := map[judge.Key]int64{}
	for _, x := range readOffsets(r, c).Writes() {
		if x.Value != nil {
			held[x.Key] = x.Value.Offset
		}
	}
	return held
}

// quantile of sorted values; 0 of none.
func quantile[T any](sorted []T, q float64) (v T) {
	if len(sorted) == 0 {
		return v
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// middle is the median.
func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return quantile(sorted, 0.5)
}
