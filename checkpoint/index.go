package checkpoint

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.uber.org/zap"
)

// Index is one link's index.
type Index struct {
	path     string
	db       *bbolt.DB
	readOnly bool
	log      *zap.Logger
	limiter  limiter
	cached   atomic.Int64 // runs in memory

	flushing sync.Mutex // one Flush at a time

	judging  sync.Mutex
	verdicts map[string]Verdict
	switched map[string]Switched

	mu     sync.Mutex
	closed bool
	link   Link
	pairs  []*Pair // by number
	live   map[string]*Pair
	held   map[OffsetKey]*Held // not flushed yet; nil means dropped
	dirty  map[*Partition]struct{}
	purge  []uint32 // retired pairs whose partitions are still on disk

	// update is db.Update, but for tests that make it fail.
	update func(func(*bbolt.Tx) error) error
}

// Link is the link as stored.
func (x *Index) Link() Link {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.link
}

// view runs f over what is on disk; f must be short, as pages are not used again while it runs.
func (x *Index) view(f func(*bbolt.Tx) error) error { return closedErr(x.db.View(f)) }

// put runs a small update of its own, durable when it returns.
func (x *Index) put(f func(*bbolt.Tx) error) error {
	if x.readOnly {
		return ErrReadOnly
	}
	return closedErr(x.update(f))
}

func closedErr(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

func (x *Index) soil(p *Partition) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.dirty[p] = struct{}{}
}

// Flush makes everything durable, in one bbolt update with an fsync; nothing to do is nothing done. When it fails (a full
// disk), everything stays in memory and the next Flush tries again.
func (x *Index) Flush() error {
	x.flushing.Lock()
	defer x.flushing.Unlock()
	if x.readOnly {
		return nil
	}
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return ErrClosed
	}
	dirty, held, purge := x.dirty, x.held, x.purge
	x.dirty, x.held = map[*Partition]struct{}{}, map[OffsetKey]*Held{}
	x.mu.Unlock()
	if len(dirty) == 0 && len(held) == 0 && len(purge) == 0 {
		return nil
	}
	changes := make([]*change, 0, len(dirty))
	for p := range dirty {
		changes = append(changes, p.take())
	}
	// In key order: a bbolt page is not split before the commit, and each key put into its middle moves all that follow.
	slices.SortFunc(changes, func(a, b *change) int { return bytes.Compare(a.p.at[:], b.p.at[:]) })
	var rest []uint32
	err := closedErr(x.update(func(tx *bbolt.Tx) (err error) {
		for _, b := range partitionBuckets {
			tx.Bucket(b).FillPercent = fillPercent
		}
		for _, ch := range changes {
			if ch.p.pair.retired() {
				continue
			}
			if err := ch.write(tx); err != nil {
				return err
			}
		}
		if err := writeHeld(tx, held); err != nil {
			return err
		}
		rest, err = purgePairs(tx, purge)
		return err
	}))
	if err != nil {
		x.spill(changes, held)
		return err
	}
	for _, ch := range changes {
		ch.settle()
	}
	x.mu.Lock()
	x.purge = append(rest, x.purge[len(purge):]...)
	x.mu.Unlock()
	return nil
}

// fillPercent leaves little room in pages: keys of a partition come in order.
const fillPercent = 0.9

// spill gives back what a Flush could not write.
func (x *Index) spill(changes []*change, held map[OffsetKey]*Held) {
	for _, ch := range changes {
		ch.spill()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for k, h := range held {
		if _, newer := x.held[k]; !newer {
			x.held[k] = h
		}
	}
}

// Close flushes and closes. A second Close does nothing. When the flush fails the index is closed all the same.
func (x *Index) Close() error {
	flushed := x.Flush()
	if errors.Is(flushed, ErrClosed) {
		flushed = nil
	}
	x.mu.Lock()
	was := x.closed
	x.closed = true
	x.mu.Unlock()
	if was {
		return nil
	}
	return errors.Join(flushed, x.db.Close())
}
