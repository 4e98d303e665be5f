package story

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// worker is one consumer group's only member in one region. Its loop takes a batch and commits it, as one.
type worker struct {
	role    role
	takings *takings
	client  *kgo.Client
	take    func(ctx, poll context.Context) error // one batch

	mu     sync.Mutex
	halted func() // ends the loop after the batch in hand, and waits for it
	err    error
}

// role says how a group works.
type role struct {
	Group         string
	Note          string // for people
	batch         int    // records at most between two commits
	pause         time.Duration
	transactional bool
	home          bool // works in west while leftoff runs; the others have been there before, or come only when west is gone
}

// The cast, in the order of the table.
func cast() []role {
	return []role{
		{Group: "ledger", Note: "caught up", batch: 250, home: true},
		{Group: "settlement", Note: "transactional", batch: 250, transactional: true, home: true},
		{Group: "reports", Note: "slow", batch: 40, pause: 40 * time.Millisecond, home: true},
		{Group: "archive", Note: "idle", batch: 250, pause: tick},
	}
}

// start is where a group without a commit begins.
type start struct{ opts []kgo.Opt }

var (
	// fromTheBeginning is how a new group starts in west.
	fromTheBeginning = start{[]kgo.Opt{kgo.ConsumeStartOffset(kgo.NewOffset().AtStart())}}
	// whereItLeftOff is auto.offset.reset=none: without a usable offset the group stops with an error.
	whereItLeftOff = start{[]kgo.Opt{kgo.ConsumeStartOffset(kgo.NewOffset().AtCommitted()), kgo.ConsumeResetOffset(kgo.NoResetOffset())}}
)

// open joins the group. The loop does not run yet.
func open(r role, brokers []string, region string, s start, t *takings, seed uint64) (*worker, error) {
	w := &worker{role: r, takings: t}
	opts := clientOptions(brokers, r.Group, append(s.opts,
		kgo.ConsumerGroup(r.Group), kgo.ConsumeTopics(paymentsTopic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.DisableAutoCommit(),
		kgo.FetchMaxPartitionBytes(batchBytes))...)
	if r.transactional {
		return w, w.openTransactional(opts, region, seed)
	}
	client, err := kgo.NewClient(opts...)
	w.client, w.take = client, w.takePlain
	return w, err
}

// run starts the loop; halt ends it.
func (w *worker) run(ctx context.Context) {
	poll, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	w.mu.Lock()
	w.halted = func() { stop(); <-done }
	w.mu.Unlock()
	go func() {
		defer close(done)
		defer stop()
		for poll.Err() == nil {
			if err := w.take(ctx, poll); err != nil {
				w.fail(err)
				return
			}
			w.rest(poll)
		}
	}()
}

func (w *worker) rest(poll context.Context) {
	if w.role.pause == 0 {
		return
	}
	timer := time.NewTimer(w.role.pause)
	defer timer.Stop()
	select {
	case <-poll.Done():
	case <-timer.C:
	}
}

// halt stops right after a commit. The worker stays a member of its group.
func (w *worker) halt() {
	w.mu.Lock()
	halted := w.halted
	w.halted = nil
	w.mu.Unlock()
	if halted != nil {
		halted()
	}
}

// close leaves the group, which takes a moment where somebody answers.
func (w *worker) close(within time.Duration) {
	w.halt()
	leave(w.client, within)
}

func (w *worker) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && !errors.Is(err, context.Canceled) {
		w.err = fmt.Errorf("group %s: %w", w.role.Group, err)
	}
}

// failed is what ended the loop; nil when nothing did but halt.
func (w *worker) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *worker) takePlain(ctx, poll context.Context) error {
	records, err := polled(w.client.PollRecords(poll, w.role.batch))
	if err != nil || len(records) == 0 {
		return err
	}
	if err := w.client.CommitRecords(ctx, records...); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return w.takings.enter(records)
}

// polled returns a poll's records. That a poll was interrupted is no error.
func polled(f kgo.Fetches) ([]*kgo.Record, error) {
	for _, e := range f.Errors() {
		if !errors.Is(e.Err, context.Canceled) {
			return nil, fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	return f.Records(), nil
}
