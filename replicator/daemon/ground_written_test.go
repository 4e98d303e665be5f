package daemon

import (
	"errors"
	"slices"
	"testing"

	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// What is past the switch is listed; a partition that can't be asked about is an error, one that is gone is none. One that ends
// before it did is another one.
func TestWrittenSinceTheSwitch(t *testing.T) {
	at := func(n int32) kafka.TopicPartition { return kafka.TopicPartition{Topic: "west.orders", Partition: n} }
	since := map[kafka.TopicPartition]failover.Written{}
	for n := range int32(6) {
		since[at(n)] = failover.Written{Topic: "orders", There: "west.orders", Partition: n, From: 100}
	}
	ends := map[kafka.TopicPartition]kafka.OffsetResult{
		at(0): {Offset: 107}, at(1): {Offset: 100}, at(2): {Err: kafka.ErrUnknownTopic}, at(3): {Offset: 101}, at(4): {Offset: 3}, at(5): {},
	}
	want := []failover.Written{{Topic: "orders", There: "west.orders", Partition: 0, From: 100, To: 107}, {Topic: "orders", There: "west.orders", Partition: 3, From: 100, To: 101},
		{Topic: "orders", There: "west.orders", Partition: 4, To: 3, Anew: true}}
	if got, err := written(since, ends); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %+v", err, got)
	}
	ends[at(1)] = kafka.OffsetResult{Err: errors.New("no leader")}
	if _, err := written(since, ends); err == nil {
		t.Error("a partition without a leader counts as not written")
	}
	delete(ends, at(1))
	if _, err := written(since, ends); err == nil {
		t.Error("a partition without an answer counts as not written")
	}
}
