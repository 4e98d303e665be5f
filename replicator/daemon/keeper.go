package daemon

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
)

// keeper writes the index: everything that became known in a second goes into one bbolt update.
type keeper struct {
	index *checkpoint.Index
	log   *zap.Logger

	flushing sync.Mutex // one flush at a time, or an older verdict could land on top of a newer one

	mu       sync.Mutex
	verdicts map[string]replicator.Verdict
	lastErr  error
}

func newKeeper(index *checkpoint.Index, log *zap.Logger) *keeper {
	return &keeper{index: index, log: log, verdicts: map[string]replicator.Verdict{}}
}

// remember takes a verdict from the loop. It does not block on the disk.
func (k *keeper) remember(group string, v replicator.Verdict) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.verdicts[group] = v
}

// run flushes once a second, and once more at the end.
func (k *keeper) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return k.flush()
		case <-tick.C:
			k.note(k.flush())
		}
	}
}

// flush makes durable what is known. A full disk keeps everything in memory, and the next flush tries again.
func (k *keeper) flush() error {
	k.flushing.Lock()
	defer k.flushing.Unlock()
	k.mu.Lock()
	verdicts := k.verdicts
	k.verdicts = map[string]replicator.Verdict{}
	k.mu.Unlock()
	for group, v := range verdicts {
		if err := k.index.SetVerdict(group, toIndex(v)); err != nil {
			k.restore(verdicts)
			return err
		}
	}
	return k.index.Flush()
}

func (k *keeper) restore(verdicts map[string]replicator.Verdict) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for group, v := range verdicts {
		if _, newer := k.verdicts[group]; !newer {
			k.verdicts[group] = v
		}
	}
}

// note logs an error once, and its end.
func (k *keeper) note(err error) {
	k.mu.Lock()
	was := k.lastErr
	k.lastErr = err
	k.mu.Unlock()
	switch {
	case err != nil && (was == nil || was.Error() != err.Error()):
		k.log.Error("the index can't be written; leftoff goes on from memory and tries again each second. Try: is the disk full?", zap.Error(err))
	case err == nil && was != nil:
		k.log.Info("the index is written again")
	}
}

// err is the last flush's error.
func (k *keeper) err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lastErr
}

// verdicts of the core and of the index are the same four, numbered apart so that the file's numbers never move.
var kinds = map[replicator.VerdictKind]checkpoint.VerdictKind{
	replicator.VerdictTakenOver:  checkpoint.TakenOver,
	replicator.VerdictHandedOver: checkpoint.HandedOver,
	replicator.VerdictReclaimed:  checkpoint.Reclaimed,
}

func toIndex(v replicator.Verdict) checkpoint.Verdict {
	return checkpoint.Verdict{
		Kind: kinds[v.Kind], At: time.UnixMilli(v.At), Why: v.Why, LogEpoch: v.Order.Epoch, LogOffset: v.Order.Offset,
	}
}

func fromIndex(index *checkpoint.Index) map[string]replicator.Verdict {
	all := map[string]replicator.Verdict{}
	for group, v := range index.Verdicts() {
		for core, kept := range kinds {
			if kept == v.Kind {
				all[group] = replicator.Verdict{
					Kind: core, At: v.At.UnixMilli(), Why: v.Why, Order: replicator.Order{Epoch: v.LogEpoch, Offset: v.LogOffset},
				}
			}
		}
	}
	return all
}
