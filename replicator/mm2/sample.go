package mm2

import (
	"context"
	"fmt"

	"github.com/leftoff/leftoff/replicator/kafka"
)

const (
	// sampleRecords of the end of a topic are looked at to find out whose it is.
	sampleRecords = 50_000
	// sampleBytes of one fetch.
	sampleBytes = 1 << 20
)

// content is what the end of an offset-syncs or a checkpoints topic holds, the newest of each key.
type content[K comparable, V any] struct {
	newest             map[K]V
	records, malformed int64
}

func (c *content[K, V]) take(k K, v V, err error) {
	c.records++
	if err != nil {
		c.malformed++
		return
	}
	c.newest[k] = v
}

// believable: no more than half of the records do not decode.
func (c *content[K, V]) believable() bool { return c.records > 0 && 2*c.malformed <= c.records }

func sampleSyncs(ctx context.Context, c Cluster, topic string) (content[Place, Sync], error) {
	all := content[Place, Sync]{newest: map[Place]Sync{}}
	err := readEnd(ctx, c, topic, func(r *kafka.Record) {
		if r.Value != nil {
			s, err := ParseSync(r.Key, r.Value)
			all.take(Place{s.Topic, s.Partition}, s, err)
		}
	})
	return all, err
}

func sampleCheckpoints(ctx context.Context, c Cluster, topic string) (content[CheckpointKey, Checkpoint], error) {
	all := content[CheckpointKey, Checkpoint]{newest: map[CheckpointKey]Checkpoint{}}
	err := readEnd(ctx, c, topic, func(r *kafka.Record) {
		p, err := parseCheckpointRecord(r)
		if all.take(p.CheckpointKey, p.Checkpoint, err); p.deleted {
			delete(all.newest, p.CheckpointKey)
		}
	})
	return all, err
}

// ReadCheckpoints reads the newest checkpoint of each key that the last records of a checkpoints topic hold.
func ReadCheckpoints(ctx context.Context, c Cluster, topic string) (map[CheckpointKey]Checkpoint, error) {
	all, err := sampleCheckpoints(ctx, c, topic)
	if err == nil && all.records > 0 && !all.believable() {
		err = fmt.Errorf("%s: %d of %d records do not decode: %w", topic, all.malformed, all.records, ErrMalformed)
	}
	return all.newest, err
}

// readEnd reads the last records of partition 0.
func readEnd(ctx context.Context, c Cluster, topic string, take func(*kafka.Record)) error {
	tp := kafka.TopicPartition{Topic: topic}
	start, err := one(ctx, c, kafka.Earliest, tp)
	if err != nil {
		return err
	}
	end, err := one(ctx, c, kafka.Latest, tp)
	if err != nil {
		return err
	}
	for at := max(start, end-sampleRecords); at < end; {
		got, err := c.FetchOne(ctx, tp, at, sampleBytes)
		if err != nil {
			return fmt.Errorf("read %s: %w", tp, err)
		}
		for i := range got.Batches {
			for j := range got.Batches[i].Records {
				if !got.Batches[i].Control {
					take(&got.Batches[i].Records[j])
				}
			}
		}
		if got.Next <= at {
			return nil
		}
		at = got.Next
	}
	return nil
}

func one(ctx context.Context, c Cluster, at kafka.When, tp kafka.TopicPartition) (int64, error) {
	all, err := c.ListOffsets(ctx, at, []kafka.TopicPartition{tp})
	if err == nil {
		err = all[tp].Err
	}
	if err != nil {
		return 0, fmt.Errorf("find the bounds of %s: %w", tp, err)
	}
	return all[tp].Offset, nil
}
