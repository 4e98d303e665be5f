package verify

import (
	"context"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// Cluster is what Check asks of a side; *kafka.Cluster has it all. Nothing of it writes.
type Cluster interface {
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	ListGroups(ctx context.Context) ([]kafka.GroupInfo, error)
	FetchOffsets(ctx context.Context, groups map[string][]kafka.TopicPartition) (map[string]map[kafka.TopicPartition]kafka.CommittedOffset, error)
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
}

// Options say what to check. The zero value checks all groups and topics, under the same names on both sides.
type Options struct {
	// Groups says which groups of the primary are checked; nil: all.
	Groups func(group string) bool
	// Rename is a topic's name on the secondary, false where the topic is not checked; nil: all topics, same names.
	Rename func(topic string) (string, bool)
	// Group, Topic and Partition narrow that down; zero values do not.
	Group, Topic string
	Partition    *int32
	// Parallel is how many partitions are looked at side by side. Default 8.
	Parallel int
	// Near is how many records on each side of a position are looked at first, and twice as many on the secondary. Default 8.
	Near int
	// Deep is the same where the near ones do not settle it. Default 2,000, and DeepBytes 4 MiB.
	Deep      int
	DeepBytes int
	// Progress is told how many positions are done.
	Progress func(done, total int)
}

func (o *Options) setDefaults() {
	if o.Groups == nil {
		o.Groups = func(string) bool { return true }
	}
	if o.Rename == nil {
		o.Rename = func(topic string) (string, bool) { return topic, true }
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	for _, d := range []struct {
		of      *int
		instead int
	}{{&o.Parallel, 8}, {&o.Near, 8}, {&o.Deep, 2000}, {&o.DeepBytes, 4 << 20}} {
		if *d.of <= 0 {
			*d.of = d.instead
		}
	}
}

// wants says whether a group's offset of a partition is asked about, and what the topic is called on the secondary.
func (o *Options) wants(tp kafka.TopicPartition) (there string, ok bool) {
	if o.Topic != "" && tp.Topic != o.Topic || o.Partition != nil && tp.Partition != *o.Partition {
		return "", false
	}
	return o.Rename(tp.Topic)
}
