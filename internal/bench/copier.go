package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// copierSpec says what the bare copier copies.
type copierSpec struct {
	Primary, Secondary []string
	Prefix             string // of the groups
	Topic              string // whose records are copied as well, partition for partition; "" copies none
}

// copyCommits is the bare floor of latency: it tails the primary's `__consumer_offsets` and commits every offset as it is on the
// secondary, at once, or merged into the next request where its group has one under way. It maps, asks and remembers nothing. For
// clusters of one broker.
func copyCommits(ctx context.Context, o copierSpec, ready func()) error {
	from, err := tailOffsets(ctx, o.Primary)
	if err != nil {
		return err
	}
	defer from.Close()
	c := &copier{ctx: ctx, groups: map[string]*copying{}}
	const connections = 4
	for range connections {
		to, err := kgo.NewClient(kgo.SeedBrokers(o.Secondary...), kgo.MaxVersions(kversion.V4_0_0()))
		if err != nil {
			return err
		}
		defer to.Close()
		c.brokers = append(c.brokers, to.SeedBrokers()[0])
	}
	if o.Topic != "" {
		ctx, stop := context.WithCancel(ctx)
		copying := make(chan error, 1)
		go func() { copying <- copyRecords(ctx, o) }()
		defer func() { stop(); <-copying }()
	}
	ready()
	defer c.sending.Wait()
	for {
		fetches := from.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if k, offset, ok := decodeCommit(r); ok && strings.HasPrefix(k.Group, o.Prefix) {
				c.commit(k, offset)
			}
		})
	}
}

// copyRecords is a mirror with nothing to it: what is fetched of a topic is produced to the same partition, in order, and nothing is
// remembered.
func copyRecords(ctx context.Context, o copierSpec) error {
	from, err := kgo.NewClient(kgo.SeedBrokers(o.Primary...), kgo.ConsumeTopics(o.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := kgo.NewClient(kgo.SeedBrokers(o.Secondary...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer to.Close()
	for ctx.Err() == nil {
		from.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			to.Produce(ctx, &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: r.Timestamp}, func(_ *kgo.Record, err error) {
				if err != nil && ctx.Err() == nil {
					fmt.Fprintf(os.Stderr, "copier: %s/%d: %v\n", r.Topic, r.Partition, err)
				}
			})
		})
	}
	return ctx.Err()
}

type copier struct {
	ctx     context.Context
	brokers []*kgo.Broker
	sending sync.WaitGroup

	mu     sync.Mutex
	groups map[string]*copying
}

// copying is one group: what is to be sent, and whether a request is under way.
type copying struct {
	name string
	next map[place]int64
	busy bool
}

type place struct {
	topic     string
	partition int32
}

func (c *copier) commit(k kmsg.OffsetCommitKey, offset int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[k.Group]
	if g == nil {
		g = &copying{name: k.Group, next: map[place]int64{}}
		c.groups[k.Group] = g
	}
	g.next[place{k.Topic, k.Partition}] = offset
	if !g.busy {
		g.busy = true
		c.sending.Go(func() { c.send(g) })
	}
}

// send goes on until nothing is left to send.
func (c *copier) send(g *copying) {
	for {
		c.mu.Lock()
		if len(g.next) == 0 || c.ctx.Err() != nil {
			g.busy = false
			c.mu.Unlock()
			return
		}
		now := g.next
		g.next = map[place]int64{}
		c.mu.Unlock()
		if err := c.request(g.name, now); err != nil && c.ctx.Err() == nil {
			fmt.Fprintf(os.Stderr, "copier: %s: %v\n", g.name, err)
		}
	}
}

func (c *copier) request(group string, offsets map[place]int64) error {
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Group, q.Generation = group, -1
	for at, offset := range offsets {
		t, p := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = at.partition, offset, -1
		t.Topic, t.Partitions = at.topic, []kmsg.OffsetCommitRequestTopicPartition{p}
		q.Topics = append(q.Topics, t)
	}
	h := fnv.New32a()
	h.Write([]byte(group))
	resp, err := q.RequestWith(c.ctx, c.brokers[int(h.Sum32())%len(c.brokers)])
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// tailOffsets is a client that reads a cluster's `__consumer_offsets` from where it ends now.
func tailOffsets(ctx context.Context, brokers []string) (*kgo.Client, error) {
	asking, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, err
	}
	defer asking.Close()
	ends, err := kadm.NewClient(asking).ListEndOffsets(ctx, offsetsTopic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(ends.KOffsets()))
}

// decodeCommit is the committed offset in a record of `__consumer_offsets`, where that is what it holds.
func decodeCommit(r *kgo.Record) (k kmsg.OffsetCommitKey, offset int64, ok bool) {
	const oldest, newest = 0, 1 // types of key
	if len(r.Key) < 2 || r.Key[0] != 0 || r.Key[1] < oldest || r.Key[1] > newest || r.Value == nil {
		return k, 0, false
	}
	var v kmsg.OffsetCommitValue
	if k.ReadFrom(r.Key) != nil || v.ReadFrom(r.Value) != nil {
		return k, 0, false
	}
	return k, v.Offset, true
}
