package kafka

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// The log cleaner keeps the last batch of every idempotent producer, even when none of its records is left. Reading steps over it,
// also where it is all that a response holds.
func TestRealCompactionLeavesEmptyBatches(t *testing.T) {
	rig.RequireSoak(t) // the cleaner takes its time; TestFetcherStepsOverEmptyBatches plays the same
	_, secondary := rig.Shared(t)
	topic := rig.Name(t, "compacted")
	secondary.CreateTopic(t, topic, 1, map[string]string{"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.001", "segment.ms": "200", "max.compaction.lag.ms": "200", "file.delete.delay.ms": "100"})
	tp := TopicPartition{topic, 0}
	const batch = 300
	overwrite := func() {
		w := secondary.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())) // a producer id of its own
		var records []*kgo.Record
		for i := range batch {
			records = append(records, &kgo.Record{Topic: topic, Key: fmt.Append(nil, i), Value: []byte("v")})
		}
		if err := w.ProduceSync(within(t), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	overwrite()
	overwrite()
	c := open(t, secondary.Bootstrap())
	rig.Eventually(t, time.Minute, "compacted", func() error {
		overwrite() // rolls the segment, too
		got, err := c.FetchOne(within(t), tp, 0, 1<<20)
		if err != nil {
			return err
		}
		if first := got.Batches[0].BaseOffset; first < batch {
			return fmt.Errorf("records at %d", first)
		}
		return nil
	})
	at, err := c.ListOffsets(within(t), Latest, []TopicPartition{tp})
	if err != nil {
		t.Fatal(err)
	}
	end := at[tp].Offset
	for _, small := range []int32{1, 256 << 10} {
		f := c.NewFetcher(FetchOptions{PartitionMaxBytes: small, Isolation: ReadCommitted})
		f.Assign(tp, 0)
		keys, next, polls := map[string]bool{}, int64(0), 0
		for ; next < end; polls++ {
			some, err := f.Poll(within(t))
			if err != nil {
				t.Fatalf("at %d of %d: %v", next, end, err)
			}
			for _, s := range some {
				if s.Err != nil {
					t.Fatal(s.Err)
				}
				if s.Next < next || len(s.Batches) > 0 && s.Batches[0].BaseOffset < next {
					t.Fatalf("back from %d: %+v", next, s)
				}
				next = s.Next
				for _, b := range s.Batches {
					for _, r := range b.Records {
						keys[string(r.Key)] = true
					}
				}
			}
		}
		f.Close()
		if len(keys) != batch {
			t.Errorf("%d keys of %d", len(keys), batch)
		}
		t.Logf("%d offsets in %d polls", end, polls)
	}
}

// A topic that was deleted and made again under the same name is noticed by its id, and no record of the new one comes out as the old one's.
func TestRealRecreatedTopic(t *testing.T) {
	primary, _ := rig.Shared(t)
	topic := rig.Name(t, "again")
	primary.CreateTopic(t, topic, 1, nil)
	tp := TopicPartition{topic, 0}
	w := primary.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	write(t, w, tp, 0, 10)
	c := open(t, primary.Bootstrap())
	r := read(t, c, FetchOptions{})
	r.assign(tp, 0)
	r.until(map[TopicPartition]int64{tp: 10})
	primary.DeleteTopic(t, topic)
	primary.CreateTopic(t, topic, 1, nil)
	write(t, primary.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())), tp, 0, 20)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for r.errs[tp] == nil {
		if err := r.poll(ctx); err != nil {
			t.Fatal(err, r.next)
		}
	}
	if err := r.errs[tp]; !errors.Is(err, ErrTopicRecreated) || r.next[tp] != 10 {
		t.Fatalf("%v, read up to %d", err, r.next[tp])
	}
}

func TestRealOutOfRange(t *testing.T) {
	primary, _ := rig.Shared(t)
	topic := rig.Name(t, "range")
	primary.CreateTopic(t, topic, 1, nil)
	tp := TopicPartition{topic, 0}
	write(t, primary.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())), tp, 0, 10)
	c := open(t, primary.Bootstrap())
	for _, offset := range []int64{11, -1} {
		r := read(t, c, FetchOptions{})
		r.assign(tp, offset)
		eventually(t, "error", func() error { return r.failsWith(tp, ErrOffsetOutOfRange) })
	}
	at, err := c.ListOffsets(within(t), At(time.Now().Add(time.Hour)), []TopicPartition{tp})
	if err != nil || at[tp].Offset != -1 || at[tp].Err != nil {
		t.Errorf("%+v, %v", at, err)
	}
	if at, err = c.ListOffsets(within(t), At(time.Now().Add(-time.Hour)), []TopicPartition{tp}); err != nil || at[tp].Offset != 0 {
		t.Errorf("%+v, %v", at, err)
	}
}
