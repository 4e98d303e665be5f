package detect

import (
	"context"
	"strings"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// Cluster is what looking needs of a Kafka cluster; *kafka.Cluster is one.
type Cluster interface {
	// Topics leaves out what does not exist; nil names mean all.
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	// ListOffsets answers every partition, with an error of its own where its leader did not.
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	// FetchOne returns at least one whole batch where there is one at or after offset.
	FetchOne(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
	// FetchOffsets reads committed offsets; nil partitions mean all of the group's. With an error, the groups that were
	// answered are there all the same.
	FetchOffsets(ctx context.Context, groups map[string][]kafka.TopicPartition) (map[string]map[kafka.TopicPartition]kafka.CommittedOffset, error)
}

// Options of Look. The zero value is usable.
type Options struct {
	// Select says which of the primary's topics are asked about. nil: all but Kafka's own and leftoff's.
	Select func(topic string) bool
	// Name says what they are called on the secondary. nil: that is found out, too.
	Name func(primary string) string
	// SyncsTopic and SyncsOn are what the configuration says of MirrorMaker 2's offset syncs; empty: that is found out.
	SyncsTopic, SyncsOn string
	// NoGroups leaves out what MirrorMaker 2 does with group offsets.
	NoGroups bool
	// Progress hears what is being looked at, now and then. It must not block. nil: nobody wants to know.
	Progress func(what string)
	// Workers is how many topics are compared side by side. Default 8.
	Workers int
}

func (o *Options) setDefaults() {
	if o.Select == nil {
		o.Select = func(topic string) bool {
			return !strings.HasPrefix(topic, "__") && !strings.HasPrefix(topic, "leftoff-")
		}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Workers <= 0 {
		o.Workers = 8
	}
}
