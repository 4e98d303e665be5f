package judge

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cluster says how to reach one side.
type Cluster struct {
	Brokers []string  // host:port
	Opts    []kgo.Opt // TLS, SASL, a dialer
}

// At is a Cluster without security.
func At(brokers ...string) Cluster { return Cluster{Brokers: brokers} }

// connect does not dial yet. A Cluster's reader uses a client of its own, for a fetch long poll holds up whatever else
// wants the same connection.
func (c Cluster) connect() (*kgo.Client, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("leftoff-judge"),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.MetadataMaxAge(time.Second), // else a dead coordinator is asked for minutes
		kgo.RetryTimeout(20 * time.Second),
	}
	return kgo.NewClient(append(opts, c.Opts...)...)
}

// topic is what the metadata says about one topic.
type topic struct {
	name    string
	id      [16]byte
	leaders map[int32]int32 // partition → broker
}

func describe(ctx context.Context, cl *kgo.Client, name string) (topic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(name)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return topic{}, fmt.Errorf("describe %s: %w", name, err)
	}
	if len(resp.Topics) != 1 {
		return topic{}, fmt.Errorf("describe %s: %d topics answered", name, len(resp.Topics))
	}
	t := resp.Topics[0]
	if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
		return topic{}, fmt.Errorf("describe %s: %w", name, err)
	}
	d := topic{name: name, id: t.TopicID, leaders: make(map[int32]int32, len(t.Partitions))}
	for _, p := range t.Partitions {
		d.leaders[p.Partition] = p.Leader
	}
	return d, nil
}

// bounds is what there is to read of a partition.
type bounds struct{ start, end int64 }

const (
	earliest = -2
	latest   = -1
)

// listBounds returns the log start and the readable end (high watermark, or LSO when committed) of every partition.
func listBounds(ctx context.Context, cl *kgo.Client, t topic, committed bool) (map[int32]bounds, error) {
	starts, err := listOffsets(ctx, cl, t, earliest, committed)
	if err != nil {
		return nil, err
	}
	ends, err := listOffsets(ctx, cl, t, latest, committed)
	if err != nil {
		return nil, err
	}
	b := make(map[int32]bounds, len(ends))
	for p, end := range ends {
		b[p] = bounds{start: starts[p], end: end}
	}
	return b, nil
}

func listOffsets(ctx context.Context, cl *kgo.Client, t topic, at int64, committed bool) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	if committed {
		req.IsolationLevel = 1
	}
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = t.name
	for p := range t.leaders {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p, at
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", t.name, err)
	}
	offsets := make(map[int32]int64, len(t.leaders))
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
				return nil, fmt.Errorf("list offsets of %s/%d: %w", t.name, rp.Partition, err)
			}
			offsets[rp.Partition] = rp.Offset
		}
	}
	if len(offsets) != len(t.leaders) {
		return nil, fmt.Errorf("list offsets of %s: %d of %d partitions answered", t.name, len(offsets), len(t.leaders))
	}
	return offsets, nil
}
