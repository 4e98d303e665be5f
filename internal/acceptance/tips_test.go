package acceptance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/leftoff/leftoff/internal/rig"
)

// tips produces records and lets groups commit what was acknowledged last.
type tips struct {
	client    *kgo.Client
	committer *kgo.Client // by name: OffsetCommit before version 10
	topic     string
	groups    []string
}

type answered struct {
	group  string
	offset int64
	at     time.Time
}

func newTips(b testing.TB, c *rig.Cluster, topic, prefix string, groups int) *tips {
	l := &tips{
		topic: topic, committer: c.Client(b, kgo.MaxVersions(kversion.V4_0_0())),
		client: c.Client(b, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0)),
	}
	for i := range groups {
		l.groups = append(l.groups, fmt.Sprintf("%sgroup-%d", prefix, i))
	}
	return l
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
