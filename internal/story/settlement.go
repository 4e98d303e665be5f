package story

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"
)

// openTransactional makes a worker that writes a settlement for each payment and commits both in one transaction, so that
// its offsets reach the coordinator by TxnOffsetCommit. Some transactions are aborted, records, offsets and all.
func (w *worker) openTransactional(opts []kgo.Opt, region string, seed uint64) error {
	session, err := kgo.NewGroupTransactSession(append(opts, kgo.TransactionalID(w.role.Group+"-"+region))...)
	if err != nil {
		return err
	}
	w.client = session.Client()
	random := rand.New(rand.NewPCG(seed, 3))
	w.take = func(ctx, poll context.Context) error {
		records, err := polled(session.PollRecords(poll, w.role.batch))
		if err != nil || len(records) == 0 {
			return err
		}
		committed, err := w.settle(ctx, session, records, random.IntN(abortOneIn) != 0)
		if err != nil || !committed {
			return err // after an abort the session goes back to the last commit
		}
		return w.takings.enter(records)
	}
	return nil
}

func (w *worker) settle(ctx context.Context, session *kgo.GroupTransactSession, records []*kgo.Record, commit bool) (bool, error) {
	if err := session.Begin(); err != nil {
		return false, fmt.Errorf("begin a transaction: %w", err)
	}
	var failed firstError
	for _, r := range records {
		out := &kgo.Record{Topic: settlementsTopic, Key: r.Key, Value: r.Value}
		session.Produce(ctx, out, func(_ *kgo.Record, err error) { failed.set(err) })
	}
	if err := session.Client().Flush(ctx); err != nil { // aborted ones are to reach the log, too
		return false, err
	}
	if err := failed.get(); err != nil {
		return false, fmt.Errorf("write settlements: %w", err)
	}
	committed, err := session.End(ctx, kgo.TransactionEndTry(commit))
	if err != nil {
		return false, fmt.Errorf("end the transaction: %w", err)
	}
	return committed, nil
}
