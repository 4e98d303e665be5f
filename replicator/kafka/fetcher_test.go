package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reader polls a Fetcher and checks what it promises: records of a partition come in order, each one once.
type reader struct {
	t    *testing.T
	f    *Fetcher
	next map[TopicPartition]int64
	errs map[TopicPartition]error
}

func read(t *testing.T, c *Cluster, o FetchOptions) *reader {
	r := &reader{t: t, f: c.NewFetcher(o), next: map[TopicPartition]int64{}, errs: map[TopicPartition]error{}}
	t.Cleanup(func() { r.f.Close() })
	return r
}

func (r *reader) assign(tp TopicPartition, offset int64) {
	r.next[tp] = offset
	r.f.Assign(tp, offset)
}

// poll takes what there is.
func (r *reader) poll(ctx context.Context) error {
	r.t.Helper()
	fetched, err := r.f.Poll(ctx)
	for _, f := range fetched {
		if f.Err != nil {
			r.errs[f.TopicPartition] = f.Err
			continue
		}
		r.take(f)
	}
	return err
}

func (r *reader) take(f Fetched) {
	r.t.Helper()
	tp := f.TopicPartition
	for _, b := range f.Batches {
		for _, rec := range b.Records {
			if rec.Offset < r.next[tp] {
				r.t.Fatalf("%v: offset %d after %d", tp, rec.Offset, r.next[tp]-1)
			}
			if want := fmt.Sprintf("%v %d", tp, rec.Offset); !b.Control && string(rec.Key) != want {
				r.t.Fatalf("%v at %d: key %q", tp, rec.Offset, rec.Key)
			}
			if rec.Offset > r.next[tp] {
				r.t.Fatalf("%v: %d records lost before %d", tp, rec.Offset-r.next[tp], rec.Offset)
			}
			r.next[tp] = rec.Offset + 1
		}
	}
	if f.Next < r.next[tp] {
		r.t.Fatalf("%v: next %d, read up to %d", tp, f.Next, r.next[tp])
	}
}

// until reads until every partition has reached an offset.
func (r *reader) until(ends map[TopicPartition]int64) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for {
		left := 0
		for tp, end := range ends {
			if r.next[tp] < end {
				left++
			}
		}
		if left == 0 {
			return
		}
		if err := r.poll(ctx); err != nil {
			r.t.Fatalf("%d partitions short, problem %v, errors %v: %v", left, r.f.Problem(), r.errs, err)
		}
	}
}

func TestFetcherReadsAll(t *testing.T) {
	k := fake(t, 8)
	w := writer(t, k.ListenAddrs())
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{})
	ends := map[TopicPartition]int64{}
	for i, tp := range tps("t", 8) {
		write(t, w, tp, 0, 100*i)
		ends[tp] = int64(100 * i)
		r.assign(tp, 0)
	}
	r.until(ends)
	for _, tp := range tps("t", 8) {
		write(t, w, tp, int(ends[tp]), 7)
		ends[tp] += 7
	}
	r.until(ends)
}

func TestFetcherFollowsLeaders(t *testing.T) {
	k := fake(t, 6)
	w := writer(t, k.ListenAddrs())
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{})
	ends := map[TopicPartition]int64{}
	for _, tp := range tps("t", 6) {
		r.assign(tp, 0)
	}
	for round := range 10 {
		for i, tp := range tps("t", 6) {
			write(t, w, tp, round*20, 20)
			ends[tp] = int64(round*20 + 20)
			if err := k.MoveTopicPartition(tp.Topic, tp.Partition, int32((round+i)%3)); err != nil {
				t.Fatal(err)
			}
		}
		r.until(ends)
	}
}

func TestFetcherSurvivesDroppedConnections(t *testing.T) {
	k := fake(t, 4)
	var fetches atomic.Int64
	k.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if fetches.Add(1)%3 == 0 {
			return nil, errors.New("dropped"), true
		}
		return nil, nil, false
	})
	w := writer(t, k.ListenAddrs())
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{})
	ends := map[TopicPartition]int64{}
	for _, tp := range tps("t", 4) {
		r.assign(tp, 0)
	}
	for round := range 10 {
		for _, tp := range tps("t", 4) {
			write(t, w, tp, round*5, 5)
			ends[tp] = int64(round*5 + 5)
		}
		r.until(ends)
	}
	if n := fetches.Load(); n < 10 {
		t.Errorf("only %d fetches", n)
	}
}

func TestFetcherOutOfRangeIsTyped(t *testing.T) {
	k := fake(t, 2)
	w := writer(t, k.ListenAddrs())
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{})
	far, near := TopicPartition{"t", 0}, TopicPartition{"t", 1}
	write(t, w, near, 0, 3)
	r.assign(far, 1000)
	r.assign(near, 0)
	r.until(map[TopicPartition]int64{near: 3})
	eventually(t, "error", func() error { return r.failsWith(far, ErrOffsetOutOfRange) })
	write(t, w, far, 0, 3)
	r.assign(far, 0)
	r.until(map[TopicPartition]int64{far: 3})
}

func (r *reader) failsWith(tp TopicPartition, want error) error {
	ctx, cancel := context.WithTimeout(r.t.Context(), 100*time.Millisecond)
	defer cancel()
	_ = r.poll(ctx)
	if got := r.errs[tp]; !errors.Is(got, want) {
		return fmt.Errorf("%v: %v", tp, got)
	}
	return nil
}

func TestFetcherNoticesRecreatedTopic(t *testing.T) {
	k := fake(t, 1)
	w := writer(t, k.ListenAddrs())
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{})
	tp := TopicPartition{"t", 0}
	write(t, w, tp, 0, 5)
	r.assign(tp, 0)
	r.until(map[TopicPartition]int64{tp: 5})
	if err := k.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	// The deletion is seen before the new topic is there.
	eventually(t, "noticed", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_ = r.poll(ctx)
		return ifNil(r.f.Problem(), "no problem yet")
	})
	if err := k.CreateTopic("t", 1, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "error", func() error { return r.failsWith(tp, ErrTopicRecreated) })
}

func ifNil(err error, say string) error {
	if err == nil {
		return errors.New(say)
	}
	return nil
}

func TestFetcherUnauthorizedIsTyped(t *testing.T) {
	k := fake(t, 1)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{})
	tp := TopicPartition{"t", 0}
	r.assign(tp, 0)
	eventually(t, "error", func() error { return r.failsWith(tp, ErrUnauthorized) })
	if want := "west fetch t: TOPIC_AUTHORIZATION_FAILED. Try: kafka-acls --add --allow-principal User:LEFTOFF --operation Read --topic t"; r.errs[tp].Error() != want {
		t.Errorf("got  %v\nwant %s", r.errs[tp], want)
	}
}
