package acceptance

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// fill produces n records with unique values to a topic, spread over its partitions by the key.
func fill(t testing.TB, c *rig.Cluster, topic string, from, n, keys int) {
	t.Helper()
	client := c.Client(t, kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(50_000))
	failed := make(chan error, 1)
	for i := from; i < from+n; i++ {
		client.Produce(context.Background(), paymentRecord(i, keys), func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		t.Fatalf("produce to %s: %v", topic, err)
	default:
	}
}

func paymentRecord(i, keys int) *kgo.Record {
	r := &kgo.Record{Value: fmt.Appendf(nil, "payment %09d %s", i, strings.Repeat("x", i%40))}
	if keys > 0 {
		r.Key = fmt.Appendf(nil, "account %05d", i%keys)
	}
	if i%7 == 0 {
		r.Headers = []kgo.RecordHeader{{Key: "empty", Value: []byte{}}, {Key: "null"}}
	}
	return r
}

// fillTransactions produces transactions of size records each; every tenth is aborted, the last one included where
// abortedEnd says so.
func fillTransactions(t testing.TB, c *rig.Cluster, topic string, transactions, size int, abortedEnd bool) {
	t.Helper()
	client := c.Client(t, kgo.DefaultProduceTopic(topic), kgo.TransactionalID("load-"+topic), kgo.ProducerLinger(0))
	ctx := context.Background()
	for tx := range transactions {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for i := range size {
			client.Produce(ctx, paymentRecord(tx*size+i, 1000), nil)
		}
		if err := client.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		commit := kgo.TryCommit
		if tx%10 == 3 || abortedEnd && tx == transactions-1 {
			commit = kgo.TryAbort
		}
		if err := client.EndTransaction(ctx, commit); err != nil {
			t.Fatal(err)
		}
	}
}

// ends are a topic's readable ends (last stable offsets), by partition.
func ends(t testing.TB, c *rig.Cluster, topic string) map[int32]int64 {
	t.Helper()
	listed, err := c.Admin().ListCommittedOffsets(context.Background(), topic)
	return offsets(t, listed, err)
}

// endsOf is ends for a cluster that may have lost a broker.
func endsOf(c *rig.Cluster, topic string) (map[int32]int64, bool) {
	listed, err := c.Admin().ListCommittedOffsets(context.Background(), topic)
	if err != nil || listed.Error() != nil {
		return nil, false
	}
	all := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { all[o.Partition] = o.Offset })
	return all, true
}

func starts(t testing.TB, c *rig.Cluster, topic string) map[int32]int64 {
	t.Helper()
	listed, err := c.Admin().ListStartOffsets(context.Background(), topic)
	return offsets(t, listed, err)
}

func offsets(t testing.TB, listed kadm.ListedOffsets, err error) map[int32]int64 {
	t.Helper()
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	all := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { all[o.Partition] = o.Offset })
	return all
}

// commit commits from outside the group, as kafka-consumer-groups --reset-offsets does.
func commit(t testing.TB, c *rig.Cluster, group, topic string, at map[int32]int64) {
	t.Helper()
	var o kadm.Offsets
	for p, offset := range at {
		o.AddOffset(topic, p, offset, -1)
	}
	if err := c.Admin().CommitAllOffsets(context.Background(), group, o); err != nil {
		t.Fatalf("commit %s: %v", group, err)
	}
}

// committed reads a group's offsets.
func committed(t testing.TB, c *rig.Cluster, group, topic string) map[int32]int64 {
	t.Helper()
	fetched, err := c.Admin().FetchOffsets(context.Background(), group)
	if err != nil {
		t.Fatal(err)
	}
	all := map[int32]int64{}
	fetched.Each(func(o kadm.OffsetResponse) {
		if o.Topic == topic && o.Err == nil && o.At >= 0 {
			all[o.Partition] = o.At
		}
	})
	return all
}

// lagging gives the offsets of a group that is lag records' offsets behind the end in every partition, never below the start.
func lagging(end, start map[int32]int64, lag int64) map[int32]int64 {
	at := map[int32]int64{}
	for p, e := range end {
		at[p] = max(e-lag, start[p])
	}
	return at
}
