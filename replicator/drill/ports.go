package drill

import (
	"context"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// Cluster is what a drill asks of a side; *kafka.Cluster has it all. Nothing of it writes.
type Cluster interface {
	ClusterID(ctx context.Context) (string, error)
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	ListGroups(ctx context.Context) ([]kafka.GroupInfo, error)
	DescribeGroup(ctx context.Context, group string) (kafka.GroupDescription, error)
	FetchOffsets(ctx context.Context, groups map[string][]kafka.TopicPartition) (map[string]map[kafka.TopicPartition]kafka.CommittedOffset, error)
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
}

// session of a drill's members. Brokers refuse less than six seconds.
const session = 6 * time.Second

// NewWriter makes the Writer of a cluster. Close it.
func NewWriter(c *kafka.Cluster) (w Writer, closeIt func() error) {
	m := c.NewCommitter(kafka.CommitterOptions{})
	return &writer{c, m}, m.Close
}

type writer struct {
	c *kafka.Cluster
	m *kafka.Committer
}

func (w *writer) Commit(ctx context.Context, group string, offsets []kafka.CommitOffset) ([]error, error) {
	return w.m.Commit(ctx, group, 0, offsets)
}

func (w *writer) Join(ctx context.Context, group string, topics []string) (Member, error) {
	m, err := w.c.JoinGroup(ctx, group, topics, kafka.MemberOptions{Session: session})
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (w *writer) RemoveMembers(ctx context.Context, group string, ids []string) error {
	return w.c.RemoveMembers(ctx, group, ids)
}

func (w *writer) Delete(ctx context.Context, group string) error { return w.c.DeleteGroup(ctx, group) }
