package mirror

import (
	"sync"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// inbox collects what other goroutines have for a partition. Putting something in never blocks.
type inbox struct {
	mu   sync.Mutex
	held letters
	wake chan struct{} // capacity 1; nil in tests that call step themselves
}

type letters struct {
	answers []answer
	fetched []delivery
	looked  *looked
}

// delivery is what the feed brought under a seek.
type delivery struct {
	kafka.Fetched
	generation int
}

// answer is the secondary's response to a batch.
type answer struct {
	flight         *flight
	base, logStart int64
	err            error
}

// looked is the once-a-second look at both ends. sends is quietSends from before the question was asked.
type looked struct {
	primary, secondary ends
	sends              int64
	err                error
}

func (b *inbox) answer(a answer) {
	b.mu.Lock()
	b.held.answers = append(b.held.answers, a)
	b.mu.Unlock()
	b.ring()
}

func (b *inbox) fetch(f delivery) {
	b.mu.Lock()
	b.held.fetched = append(b.held.fetched, f)
	b.mu.Unlock()
	b.ring()
}

func (b *inbox) look(l looked) {
	b.mu.Lock()
	b.held.looked = &l
	b.mu.Unlock()
	b.ring()
}

func (b *inbox) ring() {
	if b.wake == nil {
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) take() letters {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := b.held
	b.held = letters{}
	return in
}
