package kafka

import "context"

// ListGroups lists the groups of all brokers. Where a broker can't be asked, the groups of the others come with the error.
func (c *Cluster) ListGroups(ctx context.Context) ([]GroupInfo, error) { return nil, ErrNotYet }

// DescribeGroup describes a group of either protocol. An unknown group is answered as a "Dead" one without members.
func (c *Cluster) DescribeGroup(ctx context.Context, group string) (GroupDescription, error) {
	return GroupDescription{}, ErrNotYet
}

// FetchOffsets reads the committed offsets of groups; nil partitions mean all of the group's. Pending transactional commits are not
// waited for. Partitions without an offset are left out.
func (c *Cluster) FetchOffsets(ctx context.Context, groups map[string][]TopicPartition) (map[string]map[TopicPartition]CommittedOffset, error) {
	return nil, ErrNotYet
}

// DeleteOffsets deletes committed offsets of a group without members; one error per partition, nil where it went well.
func (c *Cluster) DeleteOffsets(ctx context.Context, group string, tps []TopicPartition) ([]error, error) {
	return nil, ErrNotYet
}

// DeleteGroup deletes a group without members, and its offsets.
func (c *Cluster) DeleteGroup(ctx context.Context, group string) error { return ErrNotYet }
