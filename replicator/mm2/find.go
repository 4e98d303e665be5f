package mm2

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leftoff/leftoff/replicator"
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
}

// Candidate is a topic with the name of one of MirrorMaker 2's own.
type Candidate struct {
	Topic string
	On    replicator.Side
	Name
}

// Found are the topics that have such names, by side and name. There may be several of a kind: every flow of MirrorMaker 2
// has its own.
type Found struct {
	Syncs       []Candidate // on both sides
	Checkpoints []Candidate // on the secondary, of flows into it
	Heartbeats  []Candidate // on both sides, mirrored ones included
}

// Any says whether there is any sign of MirrorMaker 2.
func (f Found) Any() bool { return len(f.Syncs)+len(f.Checkpoints)+len(f.Heartbeats) > 0 }

// Find lists candidates on both clusters. Names tell nothing about which of them is whose: Locate.
func Find(ctx context.Context, primary, secondary Cluster) (Found, error) {
	a, err := primary.Topics(ctx, nil)
	if err != nil {
		return Found{}, fmt.Errorf("list the primary's topics: %w", err)
	}
	b, err := secondary.Topics(ctx, nil)
	if err != nil {
		return Found{}, fmt.Errorf("list the secondary's topics: %w", err)
	}
	return FindIn(a, b), nil
}

// FindIn is Find for topics that were listed before.
func FindIn(primary, secondary map[string]kafka.TopicInfo) Found {
	var f Found
	for side, topics := range map[replicator.Side]map[string]kafka.TopicInfo{replicator.Primary: primary, replicator.Secondary: secondary} {
		for topic := range topics {
			c := Candidate{topic, side, ParseName(topic)}
			switch c.Kind {
			case OffsetSyncs:
				f.Syncs = append(f.Syncs, c)
			case CheckpointsOf:
				if side == replicator.Secondary {
					f.Checkpoints = append(f.Checkpoints, c)
				}
			case Heartbeats, MirroredHeartbeats:
				f.Heartbeats = append(f.Heartbeats, c)
			}
		}
	}
	for _, all := range [][]Candidate{f.Syncs, f.Checkpoints, f.Heartbeats} {
		slices.SortFunc(all, func(a, b Candidate) int {
			if a.On != b.On {
				return int(a.On) - int(b.On)
			}
			return strings.Compare(a.Topic, b.Topic)
		})
	}
	return f
}
