package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leftoff/leftoff/internal/rig"
)

// TestRealBrokersFail runs a mirror's kind of load (produce, fetch, commit) over three brokers while one is killed and another
// stopped under it. Nothing is lost, nothing doubled, nothing hangs.
func TestRealBrokersFail(t *testing.T) {
	rig.RequireSoak(t)
	k := rig.Start(t, rig.Options{Name: "three", Brokers: 3})
	topic := rig.Name(t, "t")
	const partitions = 6
	k.CreateTopic(t, topic, partitions, nil)
	c := open(t, k.Bootstrap(), func(c *Config) { c.RequestTimeout = 4 * time.Second; c.RetryFor = 2 * time.Minute })
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	f := c.NewFetcher(FetchOptions{})
	defer f.Close()

	stop := make(chan struct{})
	written := make([]int, partitions)
	var load sync.WaitGroup
	for n := range int32(partitions) {
		load.Go(func() { written[n] = feedUntil(t, p, id, TopicPartition{topic, n}, stop) })
	}
	committed := make([]int64, 20)
	for g := range committed {
		load.Go(func() { committed[g] = commitUntil(t, m, fmt.Sprint("g", g), topic, stop) })
	}
	r := &reader{t: t, f: f, next: map[TopicPartition]int64{}, errs: map[TopicPartition]error{}}
	for _, tp := range tps(topic, partitions) {
		r.assign(tp, 0)
	}
	goOn := func(what string) {
		t.Helper()
		start, ends := time.Now(), map[TopicPartition]int64{}
		for tp, next := range r.next {
			ends[tp] = next + 200
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for short := true; short; {
			short = false
			if err := r.poll(ctx); err != nil {
				t.Fatalf("%s: %v; problem %v; errors %v", what, err, f.Problem(), r.errs)
			}
			for tp, end := range ends {
				short = short || r.next[tp] < end
			}
		}
		t.Logf("%s: every partition went on after %v", what, time.Since(start).Round(time.Millisecond))
	}
	goOn("at first")
	k.Kill(t, 1)
	goOn("broker 1 killed")
	k.Restart(t, 1)
	goOn("broker 1 back")
	k.Pause(t, 2)
	goOn("broker 2 stopped")
	k.Resume(t, 2)
	goOn("broker 2 resumed")
	close(stop)
	load.Wait()
	ends := map[TopicPartition]int64{}
	for n, w := range written {
		ends[TopicPartition{topic, int32(n)}] = int64(w)
	}
	r.until(ends)
	at, err := c.ListOffsets(within(t), Latest, tps(topic, partitions))
	if err != nil {
		t.Fatal(err)
	}
	for tp, end := range ends {
		if at[tp].Offset != end || end == 0 {
			t.Errorf("%v: %d written, the log ends at %d, %v", tp, end, at[tp].Offset, at[tp].Err)
		}
	}
	for g, last := range committed {
		got, err := kadm.NewClient(k.Client(t)).FetchOffsets(within(t), fmt.Sprint("g", g))
		if o, ok := got.Lookup(topic, 0); err != nil || !ok || o.At != last || last == 0 {
			t.Errorf("g%d: %d committed, %v is there, %v", g, last, o.Offset, err)
		}
	}
}

// feedUntil produces as feed does, and returns how many records were acknowledged.
func feedUntil(t *testing.T, p *Producer, id ProducerID, tp TopicPartition, stop <-chan struct{}) int {
	type answer struct {
		batch int
		r     ProduceResult
	}
	results := make(chan answer, 5)
	next, acked, flying, failed := 0, 0, 0, false
	for {
		ended := false
		select {
		case <-stop:
			ended = true
		default:
		}
		for !ended && !failed && flying < 5 && (acked > 0 || flying == 0) {
			n := next
			p.Produce(tp, batchOf(id, tp, 10*n, 10), func(r ProduceResult) { results <- answer{n, r} })
			next++
			flying++
		}
		for n := acked; ended && !failed && flying == 0 && n < next; n++ {
			p.Produce(tp, batchOf(id, tp, 10*n, 10), func(r ProduceResult) { results <- answer{n, r} })
			flying++
		}
		if flying == 0 && !failed {
			return 10 * acked
		}
		a := <-results
		flying--
		if a.r.Err == nil && a.batch == acked {
			if a.r.BaseOffset != int64(10*acked) {
				t.Errorf("%v batch %d at %d", tp, a.batch, a.r.BaseOffset)
				return 0
			}
			acked++
			if flying == 0 || failed {
				time.Sleep(5 * time.Millisecond) // a modest load
			}
		} else if a.r.Err != nil {
			if class := Classify(a.r.Err); !class.Temporary() && !(failed && class == Sequence) {
				t.Errorf("%v batch %d: %v", tp, a.batch, a.r.Err)
				return 0
			}
			failed = true
		}
		if failed && flying == 0 {
			failed = false
			if ended {
				continue
			}
			next = acked
		}
	}
}

func commitUntil(t *testing.T, m *Committer, group, topic string, stop <-chan struct{}) (last int64) {
	for {
		select {
		case <-stop:
			return last
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		results, err := m.Commit(ctx, group, time.Hour, []CommitOffset{{Topic: topic, Offset: last + 1}})
		cancel()
		if err = errors.Join(append(results, err)...); err != nil {
			t.Errorf("%s: %v", group, err)
			return last
		}
		last++
		time.Sleep(10 * time.Millisecond)
	}
}
