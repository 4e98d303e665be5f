package kafka

import (
	"context"
	"sync"
	"time"
)

// byLeader sorts partitions by the broker that leads them; lost are those without a known leader.
func (c *Cluster) byLeader(tps []TopicPartition) (led map[int32][]TopicPartition, lost []TopicPartition) {
	led = map[int32][]TopicPartition{}
	for _, tp := range tps {
		if id, ok := c.meta.leader(tp); ok {
			led[id] = append(led[id], tp)
		} else {
			lost = append(lost, tp)
		}
	}
	return led, lost
}

func topicsOf(tps []TopicPartition) []string {
	seen := map[string]bool{}
	names := []string{}
	for _, tp := range tps {
		if !seen[tp.Topic] {
			seen[tp.Topic] = true
			names = append(names, tp.Topic)
		}
	}
	return names
}

// straggle is how long partitions that were answered wait for those that were not: one partition without a leader, or one
// broker that stands still, must not hold up all others.
const straggle = 3 * time.Second

// eachLeader asks the leader of every partition, all leaders at once, and asks again where the answer is temporary: after
// finding leaders anew. one asks one broker for some partitions and returns each one's error. What is left at the
// end has its last error in the result; partitions that went well are not in it.
func (c *Cluster) eachLeader(ctx context.Context, a ask, tps []TopicPartition, one func(context.Context, int32, []TopicPartition) map[TopicPartition]error) map[TopicPartition]error {
	ctx, cancel := c.patient(ctx)
	defer cancel()
	failed := map[TopicPartition]error{}
	left := tps
	start := time.Now()
	var b backoff
	for first := true; ; first = false {
		left = c.roundOfLeaders(ctx, a, left, first, failed, one)
		late := len(failed) < len(tps) && time.Since(start) >= straggle
		if len(left) == 0 || late || !b.wait(ctx) {
			return failed
		}
	}
}

// roundOfLeaders asks once, and returns what is worth asking again.
func (c *Cluster) roundOfLeaders(ctx context.Context, a ask, tps []TopicPartition, first bool, failed map[TopicPartition]error, one func(context.Context, int32, []TopicPartition) map[TopicPartition]error) (again []TopicPartition) {
	led, lost := c.byLeader(tps)
	if len(lost) > 0 || !first {
		if _, err := c.refresh(ctx, topicsOf(tps)); err != nil {
			return note(failed, tps, func(TopicPartition) error { return err })
		}
		led, lost = c.byLeader(tps)
	}
	again = note(failed, lost, func(tp TopicPartition) error { return c.leaderless(a, tp) })
	if len(tps) > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, straggle)
		defer cancel()
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for id, of := range led {
		wg.Go(func() {
			errs := one(ctx, id, of)
			mu.Lock()
			defer mu.Unlock()
			again = append(again, note(failed, of, func(tp TopicPartition) error { return errs[tp] })...)
		})
	}
	wg.Wait()
	return again
}

// note files the errors, and returns the partitions whose error is temporary.
func note(failed map[TopicPartition]error, tps []TopicPartition, err func(TopicPartition) error) (again []TopicPartition) {
	for _, tp := range tps {
		e := err(tp)
		if e == nil {
			delete(failed, tp)
			continue
		}
		if Classify(e) != Canceled || failed[tp] == nil {
			failed[tp] = e
		}
		if Classify(e).Temporary() {
			again = append(again, tp)
		}
	}
	return again
}

// leaderless says why no leader is known, after a refresh.
func (c *Cluster) leaderless(a ask, tp TopicPartition) error {
	a.name = tp.String()
	c.meta.mu.RLock()
	t, ok := c.meta.topics[tp.Topic]
	c.meta.mu.RUnlock()
	switch {
	case !ok, tp.Partition < 0 || t.Err == nil && int(tp.Partition) >= len(t.Partitions):
		return c.answered(a, 3, "")
	case t.Err != nil:
		return t.Err
	}
	if err := t.Partitions[tp.Partition].Err; err != nil {
		return err
	}
	return c.answered(a, 5, "")
}

// unasked returns an error where every partition failed, and none because of a broker's answer.
func unasked(tps []TopicPartition, failed map[TopicPartition]error) error {
	if len(failed) < len(tps) {
		return nil
	}
	var last error
	for _, err := range failed {
		switch Classify(err) {
		case Unreachable, Credentials, Canceled:
			last = err
		default:
			return nil
		}
	}
	return last
}
