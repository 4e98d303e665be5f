package kafka

import (
	"context"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/IBM/sarama"
)

const offsetsTopic = "__consumer_offsets"

// coordinators finds the broker that keeps a group's offsets. In Apache Kafka that is the leader of one partition of
// `__consumer_offsets`, so that one metadata request finds the coordinators of all groups; where that rule turns out wrong, or the
// topic is not shown, each group is asked for.
type coordinators struct {
	c *Cluster

	mu          sync.Mutex
	asked       map[string]int32 // by FindCoordinator
	guesses     bool             // the rule is to be used
	right       int
	wrong       int
	refreshedAt time.Time
	refreshing  chan struct{} // closed when the refresh under way is done
}

// refreshEvery bounds how often a moved coordinator makes all groups ask for metadata.
const refreshEvery = 200 * time.Millisecond

func newCoordinators(c *Cluster) *coordinators {
	return &coordinators{c: c, asked: map[string]int32{}, guesses: true}
}

// find returns the coordinator of a group, and whether that is a guess.
func (k *coordinators) find(ctx context.Context, group string) (id int32, guess bool, err error) {
	k.mu.Lock()
	id, ok := k.asked[group]
	guesses := k.guesses
	k.mu.Unlock()
	if ok {
		return id, false, nil
	}
	if guesses {
		if id, ok := k.guess(ctx, group); ok {
			return id, true, nil
		}
	}
	id, err = k.ask(ctx, group)
	return id, false, err
}

// guess applies Kafka's rule.
func (k *coordinators) guess(ctx context.Context, group string) (int32, bool) {
	if id, ok := k.rule(group); ok {
		return id, true
	}
	k.refresh(ctx)
	return k.rule(group)
}

func (k *coordinators) rule(group string) (int32, bool) {
	m := &k.c.meta
	m.mu.RLock()
	n := len(m.topics[offsetsTopic].Partitions)
	m.mu.RUnlock()
	if n == 0 {
		return -1, false
	}
	return m.leader(TopicPartition{offsetsTopic, CoordinatingPartition(group, int32(n))})
}

// refresh asks for the metadata of the offsets topic; whoever comes while somebody does waits for that answer.
func (k *coordinators) refresh(ctx context.Context) {
	k.mu.Lock()
	if under := k.refreshing; under != nil {
		k.mu.Unlock()
		select {
		case <-under:
		case <-ctx.Done():
		}
		return
	}
	if time.Since(k.refreshedAt) < refreshEvery {
		k.mu.Unlock()
		return
	}
	done := make(chan struct{})
	k.refreshing, k.refreshedAt = done, time.Now()
	k.mu.Unlock()
	_, _ = k.c.refresh(ctx, []string{offsetsTopic}) // without an answer, the group is asked for
	k.mu.Lock()
	k.refreshing = nil
	k.mu.Unlock()
	close(done)
}

// ask asks any broker for the coordinator of a group.
func (k *coordinators) ask(ctx context.Context, group string) (int32, error) {
	a := ask{op: "find coordinator", kind: aGroup, name: group, need: "Describe"}
	var r *sarama.FindCoordinatorResponse
	err := k.c.anyone(ctx, a, func(b *sarama.Broker) (err error) {
		r, err = b.FindCoordinator(&sarama.FindCoordinatorRequest{Version: 3, CoordinatorKey: group, CoordinatorType: sarama.CoordinatorGroup})
		return err
	})
	if err != nil {
		return -1, err
	}
	if err := k.c.answered(a, r.Err, text(r.ErrMsg)); err != nil {
		return -1, err
	}
	if r.Coordinator == nil {
		return -1, k.c.answered(a, sarama.ErrConsumerCoordinatorNotAvailable, "")
	}
	k.c.meta.learnBroker(r.Coordinator.ID(), r.Coordinator.Addr())
	k.mu.Lock()
	k.asked[group] = r.Coordinator.ID()
	k.mu.Unlock()
	return r.Coordinator.ID(), nil
}

// trustedTries is how often a group believes a rule that has proved itself before it asks: metadata may lag behind a broker
// that failed, and thousands of groups must not all ask.
const trustedTries = 4

// missed says that the broker found last is not the coordinator, or does not answer, the tries-th time in a row. ctx bounds
// asking again.
func (k *coordinators) missed(ctx context.Context, group string, id int32, guess bool, tries int) {
	k.mu.Lock()
	delete(k.asked, group)
	proven := k.right > 0
	k.mu.Unlock()
	if !guess {
		return
	}
	k.refresh(ctx)
	if again, ok := k.rule(group); ok && (again != id || proven && tries < trustedTries) {
		return
	}
	// The rule insists: let the cluster say.
	if _, err := k.ask(ctx, group); err == nil {
		k.judge(group, id)
	}
}

// judge gives the rule up where it keeps being wrong.
func (k *coordinators) judge(group string, guessed int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asked[group] == guessed {
		delete(k.asked, group)
		return
	}
	k.wrong++
	if k.wrong > 2+k.right/100 {
		k.guesses = false
	}
}

// hit says that a guess was right.
func (k *coordinators) hit(guess bool) {
	if guess {
		k.mu.Lock()
		k.right++
		k.mu.Unlock()
	}
}

// CoordinatingPartition is the partition of `__consumer_offsets`, of n, that keeps a group in Apache Kafka:
// Utils.abs(group.hashCode()) % n, with Java's hash over UTF-16 units and abs(Integer.MIN_VALUE) = 0.
func CoordinatingPartition(group string, n int32) int32 {
	var h int32
	for _, u := range utf16.Encode([]rune(group)) {
		h = 31*h + int32(u)
	}
	if h < 0 {
		h = -h
	}
	if h < 0 { // MinInt32
		h = 0
	}
	return h % n
}
