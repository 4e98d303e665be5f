package mirror

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// settings is what of the topics' configuration matters for copying.
type settings struct {
	timestamp bool // the secondary keeps the producer's timestamps
	compacted bool // either side compacts
	batch     int  // bytes
}

const (
	maxBatch      = 1_000_000
	batchOverhead = 512
)

func readSettings(primary, secondary map[string]kafka.TopicConfig) settings {
	s := settings{timestamp: secondary["message.timestamp.type"].Value != "LogAppendTime", batch: maxBatch}
	for _, side := range []map[string]kafka.TopicConfig{primary, secondary} {
		s.compacted = s.compacted || strings.Contains(side["cleanup.policy"].Value, "compact")
	}
	if n, err := strconv.Atoi(secondary["max.message.bytes"].Value); err == nil {
		s.batch = max(1, min(s.batch, n-batchOverhead))
	}
	return s
}

// carried lists the settings a created topic takes from the primary's. Those that belong to a cluster rather than to a
// topic (replicas, tiered storage, throttles) are left to the secondary.
var carried = []string{
	"cleanup.policy", "compression.type", "delete.retention.ms", "max.compaction.lag.ms", "max.message.bytes",
	"message.timestamp.after.max.ms", "message.timestamp.before.max.ms", "min.cleanable.dirty.ratio", "min.compaction.lag.ms",
	"retention.bytes", "retention.ms", "segment.bytes", "segment.ms",
}

// smallestSegment is the floor of Kafka 4.
const smallestSegment = 1 << 20

// spec is the topic to create for one of the primary. Only what was set on the topic itself is carried over, and
// what defaults may differ in: how long records live, and how large one may be.
func spec(name string, partitions int32, primary map[string]kafka.TopicConfig) kafka.TopicSpec {
	s := kafka.TopicSpec{Name: name, Partitions: partitions, Replication: -1, Configs: map[string]string{"message.timestamp.type": "CreateTime"}}
	always := []string{"cleanup.policy", "max.message.bytes", "retention.bytes", "retention.ms"}
	for _, key := range slices.Sorted(maps.Keys(primary)) {
		c := primary[key]
		if slices.Contains(carried, key) && (c.Set || slices.Contains(always, key)) && c.Value != "" {
			s.Configs[key] = c.Value
		}
	}
	if n, err := strconv.Atoi(s.Configs["segment.bytes"]); err == nil && n < smallestSegment {
		s.Configs["segment.bytes"] = strconv.Itoa(smallestSegment)
	}
	return s
}
