package bench

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// payment is a record that no other equals. With keys it has one of so many.
func payment(i, keys int) *kgo.Record {
	r := &kgo.Record{Value: fmt.Appendf(nil, "payment %09d %s", i, strings.Repeat("x", i%40))}
	if keys > 0 {
		r.Key = fmt.Appendf(nil, "account %05d", i%keys)
	}
	return r
}

func fillPayments(r *Run, c *rig.Cluster, topic string, from, n, keys int) {
	r.Helper()
	cl := c.Client(r.TB, kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(50_000))
	defer cl.Close()
	var failed atomic.Pointer[error]
	for i := from; i < from+n; i++ {
		cl.Produce(r.Context, payment(i, keys), func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(&err)
			}
		})
	}
	if err := cl.Flush(r.Context); err != nil {
		r.Fatalf("produce to %s: %v", topic, err)
	}
	if err := failed.Load(); err != nil {
		r.Fatalf("produce to %s: %v", topic, *err)
	}
}

// fillTransactions aborts every tenth, and the last one.
func fillTransactions(r *Run, c *rig.Cluster, topic string, transactions, size int) {
	r.Helper()
	cl := c.Client(r.TB, kgo.DefaultProduceTopic(topic), kgo.TransactionalID("load-"+topic), kgo.ProducerLinger(0))
	defer cl.Close()
	for tx := range transactions {
		if err := cl.BeginTransaction(); err != nil {
			r.Fatal(err)
		}
		for i := range size {
			cl.Produce(r.Context, payment(tx*size+i, 1000), nil)
		}
		if err := cl.Flush(r.Context); err != nil {
			r.Fatal(err)
		}
		end := kgo.TryCommit
		if tx%10 == 3 || tx == transactions-1 {
			end = kgo.TryAbort
		}
		if err := cl.EndTransaction(r.Context, end); err != nil {
			r.Fatal(err)
		}
	}
}

// countRecords counts what is left of a topic of one partition.
func countRecords(r *Run, c *rig.Cluster, topic string) (n int) {
	r.Helper()
	end := logEnds(r, c, topic)
	cl := c.Client(r.TB, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	defer cl.Close()
	for {
		fetches := cl.PollFetches(r.Context)
		if err := fetches.Err(); err != nil {
			r.Fatal(err)
		}
		last := int64(-1)
		fetches.EachRecord(func(x *kgo.Record) { n++; last = x.Offset })
		if last >= end-1 {
			return n
		}
	}
}
