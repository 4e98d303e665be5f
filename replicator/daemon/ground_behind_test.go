package daemon

import (
	"errors"
	"slices"
	"testing"

	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// A partition of which not all is readable has a transaction open. One that is gone has none; one that can't be asked about is an error.
func TestOpenTransactions(t *testing.T) {
	at := func(n int32) kafka.TopicPartition { return kafka.TopicPartition{Topic: "orders", Partition: n} }
	tps := []kafka.TopicPartition{at(0), at(1), at(2), at(3)}
	ends := map[kafka.TopicPartition]kafka.OffsetResult{at(0): {Offset: 10}, at(1): {Offset: 10}, at(2): {Err: kafka.ErrUnknownTopic}, at(3): {Offset: 10}}
	stable := map[kafka.TopicPartition]kafka.OffsetResult{at(0): {Offset: 10}, at(1): {Offset: 4}, at(2): {Err: kafka.ErrUnknownTopic}, at(3): {Offset: 12}}
	want := []failover.Unmirrored{{Topic: "orders", Partition: 1, From: 4, To: 10}}
	if got, err := open(tps, ends, stable); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %+v", err, got)
	}
	stable[at(0)] = kafka.OffsetResult{Err: errors.New("no leader")}
	if _, err := open(tps, ends, stable); err == nil {
		t.Error("a partition without a leader counts as one without a transaction")
	}
}

// What is missing is counted only where it is records for sure; nothing that was not counted reads as nothing lost.
func TestLost(t *testing.T) {
	for what, c := range map[string]struct {
		from, end int64
		plain     bool
		n         int64
		known     bool
	}{
		"all is there":              {10, 10, false, 0, true},
		"more than was asked for":   {12, 10, false, 0, true},
		"nothing ever was":          {unknown, 0, false, 0, true},
		"some is missing":           {7, 10, true, 3, true},
		"some may be":               {7, 10, false, 0, false},
		"nothing is known of it":    {unknown, 10, true, 0, false},
		"nothing was copied at all": {0, 10, true, 10, true},
	} {
		if n, known := lost(c.from, c.end, func() bool { return c.plain }); n != c.n || known != c.known {
			t.Errorf("%s: %d, known %v", what, n, known)
		}
	}
}
