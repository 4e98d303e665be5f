package acceptance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/leftoff/leftoff/internal/rig"
)

// BenchmarkCommitLatency is scenario 7: commit on the primary → readable on the secondary at the tip, 1,000 commits a
// second over 100 groups, records mirrored by the built-in mirror. The clock starts when the primary has answered the
// commit and stops when a value at or past it is in the secondary's `__consumer_offsets`, as the judge's own tail sees it.
// Brokers, load, judge and leftoff share the machine.
func BenchmarkCommitLatency(b *testing.B) {
	rig.Require(b)
	primary, secondary := rig.StartPair(b, rig.Options{Bench: true})
	prefix := "latency."
	topic := prefix + "payments"
	primary.CreateTopic(b, topic, 10, nil)
	watcher := watch(b, primary, secondary, prefix)
	s := newSpec(b, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	child := startChild(b, s)
	defer child.Process.Kill()

	load := newTips(b, primary, topic, prefix, 100)
	load.run(75 * time.Second) // the brokers' JVMs are cold, and compile on the same cores: ten times slower
	load.answers = nil
	load.run(20 * time.Second)
	if !eventually(30*time.Second, func() bool { return load.arrived(watcher) }) {
		b.Fatal("the last commits did not arrive")
	}
	l := load.latencies(watcher)
	b.ReportMetric(0, "ns/op")
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.50}, {"p90", 0.90}, {"p99", 0.99}, {"max", 1}} {
		b.ReportMetric(float64(l[min(len(l)-1, int(q.at*float64(len(l))))].Microseconds())/1000, q.name+"-ms")
	}
	b.ReportMetric(float64(len(l))/20, "commits/s")
}

// tips produces to all partitions and lets groups commit what was acknowledged last.
type tips struct {
	b         testing.TB
	client    *kgo.Client
	committer *kgo.Client // by name: OffsetCommit before version 10
	topic     string
	groups    []string
	ends      [10]atomic.Int64
	mu        sync.Mutex
	answers   []answered
}

type answered struct {
	group  string
	offset int64
	at     time.Time
}

func newTips(b testing.TB, c *rig.Cluster, topic, prefix string, groups int) *tips {
	l := &tips{
		b: b, topic: topic, committer: c.Client(b, kgo.MaxVersions(kversion.V4_0_0())),
		client: c.Client(b, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0)),
	}
	for i := range groups {
		l.groups = append(l.groups, fmt.Sprintf("%sgroup-%d", prefix, i))
	}
	return l
}

func (l *tips) run(d time.Duration) {
	end := time.Now().Add(d)
	var lanes sync.WaitGroup
	const each = 10 * time.Millisecond // ten lanes: 1,000 a second
	for lane := range 10 {
		lanes.Add(1)
		go func() {
			defer lanes.Done()
			tick := time.NewTicker(each)
			defer tick.Stop()
			for i := lane; time.Now().Before(end); i += 10 {
				<-tick.C
				l.one(int32(lane), l.groups[i%len(l.groups)])
			}
		}()
	}
	lanes.Wait()
}

// one produces a record to a partition and commits what was acknowledged there.
func (l *tips) one(partition int32, group string) {
	r := &kgo.Record{Value: []byte(strings.Repeat("p", 100)), Partition: partition}
	l.client.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		if err == nil {
			l.ends[r.Partition].Store(r.Offset + 1)
		}
	})
	offset := l.ends[partition].Load()
	if offset == 0 {
		return
	}
	if err := l.commit(group, partition, offset); err != nil {
		l.b.Errorf("commit: %v", err)
		return
	}
	l.mu.Lock()
	l.answers = append(l.answers, answered{group, offset, time.Now()})
	l.mu.Unlock()
}

// commit is one OffsetCommit and nothing else: kadm asks for the topic's id each time.
func (l *tips) commit(group string, partition int32, offset int64) error {
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch = partition, offset, -1
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.Partitions = l.topic, []kmsg.OffsetCommitRequestTopicPartition{p}
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group, r.Generation, r.Topics = group, -1, []kmsg.OffsetCommitRequestTopic{t}
	resp, err := r.RequestWith(context.Background(), l.committer)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

type sighting struct {
	offset int64
	at     time.Time
}

func (l *tips) sightings(w *bench) map[string][]sighting {
	seen := map[string][]sighting{}
	for _, x := range w.history.Secondary.Writes() {
		if x.Value != nil && x.Topic == l.topic {
			seen[x.Group] = append(seen[x.Group], sighting{x.Value.Offset, x.Seen})
		}
	}
	return seen
}

func (l *tips) arrived(w *bench) bool {
	seen := l.sightings(w)
	for _, a := range l.answers[max(0, len(l.answers)-1000):] {
		s := seen[a.group]
		if len(s) == 0 || s[len(s)-1].offset < a.offset {
			return false
		}
	}
	return true
}

func (l *tips) latencies(w *bench) []time.Duration {
	seen, all := l.sightings(w), []time.Duration(nil)
	for _, a := range l.answers {
		s := seen[a.group]
		i, _ := slices.BinarySearchFunc(s, a.offset, func(s sighting, o int64) int { return int(s.offset - o) })
		all = append(all, max(0, s[i].at.Sub(a.at)))
	}
	slices.Sort(all)
	return all
}
