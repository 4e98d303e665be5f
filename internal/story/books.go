package story

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// dayBook lists the payments that were made: acknowledged by a region, in a transaction that was committed. It outlives
// both regions, as a customer's memory does.
type dayBook struct {
	mu   sync.Mutex
	last int64
	made map[int64]struct{}
}

func newDayBook() *dayBook { return &dayBook{made: make(map[int64]struct{})} }

// number hands out the next payment's number. Not every number becomes a payment: transactions are aborted.
func (b *dayBook) number() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	return b.last
}

func (b *dayBook) enter(numbers ...int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range numbers {
		b.made[n] = struct{}{}
	}
}

func (b *dayBook) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.made)
}

// takings is what one application has taken, over both regions: how many times each payment. A payment is taken when
// its offset is committed, together with it: the application's own work and its commit are one.
type takings struct {
	mu    sync.Mutex
	times map[int64]int
	from  map[int32]bool // partitions
}

func newTakings() *takings { return &takings{times: make(map[int64]int), from: make(map[int32]bool)} }

func (t *takings) enter(records []*kgo.Record) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range records {
		p, err := parsePayment(r)
		if err != nil {
			return err
		}
		t.times[p.Number]++
		t.from[r.Partition] = true
	}
	return nil
}

// count is how many different payments were taken.
func (t *takings) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.times)
}

// everywhere says that something was taken from every partition, so that the group has an offset in each.
func (t *takings) everywhere() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.from) == partitions
}

// against compares with what was made. Unknown are payments that nobody made: aborted ones, which a reader must never see.
func (t *takings) against(b *dayBook) (once, lost, twice, unknown int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := range b.made {
		switch times := t.times[n]; {
		case times == 0:
			lost++
		case times == 1:
			once++
		default:
			twice++
		}
	}
	for n := range t.times {
		if _, ok := b.made[n]; !ok {
			unknown++
		}
	}
	return once, lost, twice, unknown
}
