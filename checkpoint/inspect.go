package checkpoint

import (
	"encoding/binary"
	"math"
	"os"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/translate"
)

// Runs walks the main line in order until yield says false. It holds no lock while yield runs, so what changes meanwhile
// may be seen or not.
func (p *Partition) Runs(yield func(translate.Run) bool) {
	for from := int64(0); ; {
		runs, err := p.chunk(from)
		p.warn("walk the runs", err)
		if err != nil || len(runs) == 0 {
			return
		}
		for _, r := range runs {
			if !yield(r) {
				return
			}
			from = r.PrimaryEnd()
		}
	}
}

// chunk copies some runs from a primary offset on: one block, or all that is in memory.
func (p *Partition) chunk(from int64) (runs []translate.Run, err error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.err != nil {
		return nil, p.err
	}
	mark := p.copies.Mark
	err = (*older)(p).view(func(l *line) error {
		key, block, ok := l.last(from)
		if !ok {
			key, block, ok = l.first()
		}
		for ; ok && len(runs) == 0; key, block, ok = l.next() {
			all, err := decodeBlock(nil, block)
			if err != nil {
				return damagedBlock(p.at, key, err)
			}
			runs = after(all, from, mark)
		}
		return nil
	})
	if err == nil && len(runs) == 0 {
		runs = after(append([]translate.Run(nil), p.copies.Main...), from, translate.None)
	}
	return runs, err
}

// after keeps the runs at or above a primary offset and a mark.
func after(runs []translate.Run, from, mark int64) []translate.Run {
	for len(runs) > 0 && (runs[0].Primary < from || mark != translate.None && runs[0].Primary < mark) {
		runs = runs[1:]
	}
	return runs
}

// Superseded lists the copies beside the main line: pending ones (last copies that later records' undercut) and dead ones
// (made again later).
func (p *Partition) Superseded() (pending, dead []translate.Run) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return append(pending, p.copies.Pending...), append(dead, p.copies.Dead...)
}

// Stats counts, with what is not flushed yet.
func (p *Partition) Stats() Stats {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := Stats{CachedRuns: int64(len(p.copies.Main)), Runs: int64(len(p.copies.Main)), Foreign: int64(len(p.copies.Foreign)),
		Superseded: int64(len(p.copies.Pending) + len(p.copies.Dead))}
	p.warn("count runs", (*older)(p).view(func(l *line) error {
		for _, block, ok := l.first(); ok; _, block, ok = l.next() {
			s.addBlock(block)
		}
		return nil
	}))
	return s
}

func (s *Stats) addBlock(block []byte) {
	if len(block) > 4 {
		n, _ := binary.Uvarint(block[4:])
		s.Runs += int64(n)
	}
	s.Blocks++
	s.BlockBytes += int64(len(block))
}

// Stats counts over what is on disk.
func (x *Index) Stats() (s Stats, err error) {
	err = x.view(func(tx *bbolt.Tx) error {
		if err := tx.Bucket(runsBucket).ForEach(func(_, v []byte) error { s.addBlock(v); return nil }); err != nil {
			return err
		}
		var aside Stats
		if err := tx.Bucket(asideBucket).ForEach(func(_, v []byte) error { aside.addBlock(v); return nil }); err != nil {
			return err
		}
		s.Superseded = aside.Runs
		return tx.Bucket(frontsBucket).ForEach(func(_, v []byte) error {
			c := translate.New()
			_, err := decodeFront(c, v)
			s.Foreign += int64(len(c.Foreign))
			return err
		})
	})
	if info, statErr := os.Stat(x.path); statErr == nil {
		s.FileBytes = info.Size()
	}
	if s.Runs > 0 {
		s.BytesPerRun = math.Round(100*float64(s.BlockBytes)/float64(s.Runs)) / 100
	}
	s.CachedRuns = x.cached.Load()
	return s, err
}
