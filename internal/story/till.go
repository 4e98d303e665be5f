package story

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// till makes payments in one region. Two producers write to the same topic: one that writes a payment as it comes, and
// payroll, which pays in transactions and takes some of them back. Their markers and aborted records are why an offset of
// west is not the same offset in east.
type till struct {
	plain, payroll *kgo.Client
	book           *dayBook
	seed           uint64
}

const (
	tick        = 20 * time.Millisecond
	batchBytes  = 16 << 10 // small batches and small fetches: a group works on all partitions, not on one after the other
	payrollSize = 25       // payments in one transaction
	abortOneIn  = 6        // transactions, about
)

func openTill(brokers []string, region string, book *dayBook, seed uint64) (*till, error) {
	plain, err := kgo.NewClient(clientOptions(brokers, "till", kgo.ProducerLinger(time.Millisecond), kgo.ProducerBatchMaxBytes(batchBytes))...)
	if err != nil {
		return nil, err
	}
	payroll, err := kgo.NewClient(clientOptions(brokers, "payroll", kgo.TransactionalID("payroll-"+region), kgo.ProducerLinger(time.Millisecond), kgo.ProducerBatchMaxBytes(batchBytes))...)
	if err != nil {
		plain.Close()
		return nil, err
	}
	return &till{plain: plain, payroll: payroll, book: book, seed: seed}, nil
}

func (t *till) close() {
	t.plain.Close()
	t.payroll.Close()
}

// make makes about n payments, rate a second (0: as fast as it goes), and returns when all of them are acknowledged.
// It ends early, without an error, when stop closes.
func (t *till) make(ctx context.Context, n, rate int, stop <-chan struct{}) error {
	group, ctx := errgroup.WithContext(ctx)
	third := n / 3
	group.Go(func() error { return t.payPlain(ctx, paced(ctx, n-third, rate-rate/3, stop)) })
	group.Go(func() error { return t.payTransactions(ctx, paced(ctx, third, rate/3, stop)) })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("make payments: %w", err)
	}
	return nil
}

// paced sends how many payments are due, until n are.
func paced(ctx context.Context, n, rate int, stop <-chan struct{}) <-chan int {
	due := make(chan int)
	go func() {
		defer close(due)
		clock := time.NewTicker(tick)
		defer clock.Stop()
		start := time.Now()
		for sent := 0; sent < n; {
			until := n
			if rate > 0 {
				until = min(n, int(time.Since(start).Seconds()*float64(rate)))
			}
			if until > sent {
				select {
				case due <- until - sent:
					sent = until
				case <-stop:
					return
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-clock.C:
			case <-stop:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return due
}

func (t *till) payPlain(ctx context.Context, due <-chan int) error {
	random := rand.New(rand.NewPCG(t.seed, 1))
	var failed firstError
	for n := range due {
		for range n {
			p := newPayment(t.book.number(), random)
			t.plain.Produce(ctx, p.record(paymentsTopic), func(_ *kgo.Record, err error) {
				if err != nil {
					failed.set(err)
					return
				}
				t.book.enter(p.Number)
			})
		}
	}
	if err := t.plain.Flush(ctx); err != nil {
		return err
	}
	return failed.get()
}

// payTransactions collects what is due into transactions; the last one may be small.
func (t *till) payTransactions(ctx context.Context, due <-chan int) error {
	random := rand.New(rand.NewPCG(t.seed, 2))
	waiting := 0
	for n := range due {
		for waiting += n; waiting >= payrollSize; waiting -= payrollSize {
			if err := t.payTogether(ctx, random, payrollSize); err != nil {
				return err
			}
		}
	}
	if waiting == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	return t.payTogether(ctx, random, waiting)
}

// payTogether pays n payments or none.
func (t *till) payTogether(ctx context.Context, random *rand.Rand, n int) error {
	if err := t.payroll.BeginTransaction(); err != nil {
		return err
	}
	var failed firstError
	var numbers []int64
	for range n {
		p := newPayment(t.book.number(), random)
		numbers = append(numbers, p.Number)
		t.payroll.Produce(ctx, p.record(paymentsTopic), func(_ *kgo.Record, err error) { failed.set(err) })
	}
	if err := t.payroll.Flush(ctx); err != nil {
		return err
	}
	if err := failed.get(); err != nil {
		return err
	}
	end := kgo.TransactionEndTry(random.IntN(abortOneIn) != 0)
	if err := t.payroll.EndTransaction(ctx, end); err != nil {
		return err
	}
	if end == kgo.TryCommit {
		t.book.enter(numbers...)
	}
	return nil
}

// firstError keeps the first error of many callbacks.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
