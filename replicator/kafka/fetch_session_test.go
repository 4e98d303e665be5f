package kafka

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// observeFetches counts the partitions that fetches name.
func observeFetches(k *kfake.Cluster) (last func() int) {
	var mu sync.Mutex
	named := 0
	k.ControlKey(int16(kmsg.Fetch), func(q kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		named = 0
		for _, t := range q.(*kmsg.FetchRequest).Topics {
			named += len(t.Partitions)
		}
		return nil, nil, false
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return named
	}
}

// At the tip, a request names only what moved.
func TestFetchSessions(t *testing.T) {
	const n = 300
	k := fake(t, n)
	for _, tp := range tps("t", n) {
		if err := k.MoveTopicPartition("t", tp.Partition, 0); err != nil {
			t.Fatal(err)
		}
	}
	last := observeFetches(k)
	w := writer(t, k.ListenAddrs())
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{MaxWait: 50 * time.Millisecond})
	ends := map[TopicPartition]int64{}
	for _, tp := range tps("t", n) {
		r.assign(tp, 0)
	}
	for i := range 50 {
		tp := TopicPartition{"t", int32(i * 5)}
		write(t, w, tp, 0, 1)
		ends[tp] = 1
		r.until(ends)
	}
	eventually(t, "small requests", func() error {
		if last() > 2 {
			return errLeftOut
		}
		return nil
	})
	for round := range 3 { // and with partitions coming and going
		for i := range 10 {
			tp := TopicPartition{"t", int32(i * 5)}
			r.f.Unassign(tp)
			write(t, w, tp, 1+round, 1)
			r.assign(tp, r.next[tp])
			ends[tp]++
		}
		r.until(ends)
	}
}

// Brokers forget sessions.
func TestFetchSessionLost(t *testing.T) {
	for _, e := range []*kerr.Error{kerr.FetchSessionIDNotFound, kerr.InvalidFetchSessionEpoch} {
		t.Run(e.Message, func(t *testing.T) {
			k := fake(t, 20)
			w := writer(t, k.ListenAddrs())
			r := read(t, open(t, k.ListenAddrs()), FetchOptions{MaxWait: 50 * time.Millisecond})
			ends := map[TopicPartition]int64{}
			for _, tp := range tps("t", 20) {
				r.assign(tp, 0)
			}
			for round := range 10 {
				fault := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, TopLevel: true, Err: e, Count: 1})
				for _, tp := range tps("t", 20) {
					write(t, w, tp, round, 1)
					ends[tp]++
				}
				r.until(ends)
				fault.Remove()
			}
			if err := r.f.Problem(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whoever assigns a partition hears its bounds, also when nothing changed since the last assignment.
func TestAssignTellsBounds(t *testing.T) {
	k := fake(t, 2)
	w := writer(t, k.ListenAddrs())
	tp := TopicPartition{"t", 0}
	write(t, w, tp, 0, 5)
	f := open(t, k.ListenAddrs()).NewFetcher(FetchOptions{MaxWait: 50 * time.Millisecond})
	defer f.Close()
	f.Assign(TopicPartition{"t", 1}, 0)
	for range 3 {
		f.Assign(tp, 5)
		for heard := false; !heard; {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			some, err := f.Poll(ctx)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range some {
				heard = heard || s.TopicPartition == tp && s.HighWatermark == 5 && s.Next == 5
			}
		}
	}
}
