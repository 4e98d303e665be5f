package acceptance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/internal/region/script"
)

// embedded is a region in memory, under fake time, and clients of it.
type embedded struct {
	t *testing.T
	*region.Region
	client *kgo.Client
	admin  *kadm.Client
}

func newEmbedded(t *testing.T, network *region.Network, name string) *embedded {
	r, err := region.Start(region.Options{Name: name, Network: network, OffsetsPartitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	e := &embedded{t: t, Region: r}
	if e.client, err = kgo.NewClient(append(r.KgoOpts(), kgo.ProducerBatchCompression(kgo.NoCompression()))...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.client.Close)
	e.admin = kadm.NewClient(e.client)
	return e
}

func (e *embedded) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatalf("%s: %v", e.Name(), err)
	}
}

// fill makes a topic with the same n records, timestamps included, on whatever region.
func (e *embedded) fill(topic string, n int) {
	e.t.Helper()
	e.must(e.Cluster().CreateTopic(topic, 1, nil))
	for i := range n {
		r := paymentRecord(i, 10)
		r.Topic, r.Timestamp = topic, time.UnixMilli(946_684_800_000+int64(i))
		e.must(e.client.ProduceSync(context.Background(), r).FirstErr())
	}
}

// raw asks for metadata every second: nobody keeps one for an hour.
func (e *embedded) raw() *script.Client {
	e.t.Helper()
	c, err := script.Dial(e.KgoOpts()...)
	e.must(err)
	return c
}

// commit commits from outside the group.
func (e *embedded) commit(group, topic string, offset int64) {
	e.t.Helper()
	raw := e.raw()
	defer raw.Close()
	e.must(raw.Commit(context.Background(), group, 0, script.Offset{Topic: topic, Offset: offset}))
}

// consume joins the group, commits as its member, and leaves.
func (e *embedded) consume(group, topic string, offset int64) {
	e.t.Helper()
	ctx, raw := context.Background(), e.raw()
	defer raw.Close()
	m, err := raw.JoinClassic(ctx, group, topic)
	e.must(err)
	e.must(m.Commit(ctx, script.Offset{Topic: topic, Offset: offset}))
	e.must(m.Leave(ctx))
}

// holds is a group's offset in partition 0, or -1.
func (e *embedded) holds(group, topic string) int64 {
	e.t.Helper()
	all, err := e.admin.FetchOffsets(context.Background(), group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return -1
	}
	e.must(err)
	if o, ok := all.Lookup(topic, 0); ok {
		return o.At
	}
	return -1
}

// written is how many records were ever appended to `__consumer_offsets`, tombstones and members' records included.
func (e *embedded) written() (n int64) {
	e.t.Helper()
	ends, err := e.admin.ListEndOffsets(context.Background(), "__consumer_offsets")
	if err == nil {
		err = ends.Error()
	}
	e.must(err)
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}
