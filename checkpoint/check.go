package checkpoint

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/translate"
)

// Check flushes, then proves the index consistent: bbolt's own pages; blocks decode; runs are sorted and apart on both
// sides; copies made again and foreign spans lie outside them; memory and disk say the same. It lists all it finds.
func (x *Index) Check() error {
	if err := x.Flush(); err != nil {
		return err
	}
	problems := []error{x.checkPages()}
	places, err := x.places()
	if err != nil {
		return err
	}
	for _, at := range places {
		problems = append(problems, x.checkPartition(at))
	}
	return errors.Join(problems...)
}

// checkPages is bbolt's own check.
func (x *Index) checkPages() error {
	var problems []error
	err := x.view(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			problems = append(problems, errCorrupt(x.path, err))
		}
		return nil
	})
	return errors.Join(append(problems, err)...)
}

// places lists the partitions that have anything on disk.
func (x *Index) places() (all []place, err error) {
	err = x.view(func(tx *bbolt.Tx) error {
		for _, name := range partitionBuckets {
			c := tx.Bucket(name).Cursor()
			for k, _ := c.First(); len(k) >= 8; {
				at := place(k[:8])
				all = append(all, at)
				k, _ = c.Seek(nextPlace(at))
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b place) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(all), err
}

// nextPlace is the least key after all of a partition's.
func nextPlace(at place) []byte {
	k := slices.Clone(at[:])
	for i := 7; i >= 0; i-- {
		if k[i]++; k[i] != 0 {
			break
		}
	}
	return k
}

// checkPartition reads a partition anew from disk and compares it with the one in memory.
func (x *Index) checkPartition(at place) error {
	pair := x.byNumber(at.pair())
	switch {
	case pair == nil:
		return fmt.Errorf("%w: runs of pair %d, which is not in topics", ErrCorrupt, at.pair())
	case pair.retired():
		return nil // being purged
	}
	info := pair.Info()
	if info.Partitions > 0 && at.partition() >= info.Partitions {
		return fmt.Errorf("%w: %s has %d partitions, but there are runs of partition %d", ErrCorrupt, info.Primary.Name, info.Partitions, at.partition())
	}
	p := &Partition{index: x, pair: pair, at: at}
	defer func() { x.cached.Add(-p.counted) }()
	if err := p.load(); err != nil {
		return err
	}
	problems := []error{p.copies.Check(), p.checkLine(), x.checkMemory(pair, p)}
	for i, err := range problems {
		if err != nil {
			problems[i] = fmt.Errorf("%s: %w", p, err)
		}
	}
	return errors.Join(problems...)
}

func (x *Index) byNumber(number uint32) *Pair {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range x.pairs {
		if p.Info().Number == number {
			return p
		}
	}
	return nil
}

// checkLine walks all blocks of the main line.
func (p *Partition) checkLine() error {
	var last translate.Run
	aside := slices.Concat(p.copies.Pending, p.copies.Dead)
	slices.SortFunc(aside, func(a, b translate.Run) int { return int(min(max(a.Secondary-b.Secondary, -1), 1)) })
	return p.index.view(func(tx *bbolt.Tx) error {
		l := &line{c: tx.Bucket(runsBucket).Cursor(), at: p.at, limit: math.MaxInt64}
		for key, block, ok := l.first(); ok; key, block, ok = l.next() {
			runs, err := decodeBlock(nil, block)
			if err != nil || len(runs) == 0 || runs[0].Primary != key || len(runs) > blockRuns {
				return damagedBlock(p.at, key, err)
			}
			for _, r := range runs {
				if err := p.checkRun(last, r, aside); err != nil {
					return err
				}
				last = r
			}
		}
		return nil
	})
}

func (p *Partition) checkRun(last, r translate.Run, aside []translate.Run) error {
	switch {
	case r.Length <= 0 || r.Primary < last.PrimaryEnd() || r.Secondary < last.SecondaryEnd():
		return fmt.Errorf("%w: run %+v does not lie after %+v", ErrCorrupt, r, last)
	case r.SecondaryEnd() > p.copies.Tip:
		return fmt.Errorf("%w: run %+v lies above the tip %d", ErrCorrupt, r, p.copies.Tip)
	}
	i, _ := slices.BinarySearchFunc(aside, r.Secondary, func(a translate.Run, v int64) int {
		if a.SecondaryEnd() <= v {
			return -1
		}
		return 1
	})
	if i < len(aside) && aside[i].Secondary < r.SecondaryEnd() {
		return fmt.Errorf("%w: run %+v shares offsets with %+v, which was made again", ErrCorrupt, r, aside[i])
	}
	for _, f := range p.copies.Foreign {
		if f.From < r.SecondaryEnd() && r.Secondary < f.To {
			return fmt.Errorf("%w: run %+v shares offsets with foreign records %+v", ErrCorrupt, r, f)
		}
	}
	return nil
}

// checkMemory compares a partition read from disk with the one in memory, unless that has changed since.
func (x *Index) checkMemory(pair *Pair, disk *Partition) error {
	pair.mu.Lock()
	p := pair.partitions[disk.at.partition()]
	pair.mu.Unlock()
	if p == nil {
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.dirty || p.err != nil {
		return nil
	}
	if !slices.Equal(encodeFront(p.copies, p.cursor), encodeFront(disk.copies, disk.cursor)) ||
		!slices.Equal(p.copies.Pending, disk.copies.Pending) || !slices.Equal(p.copies.Dead, disk.copies.Dead) {
		return fmt.Errorf("%w: memory and disk differ", ErrCorrupt)
	}
	if err := p.copies.Check(); err != nil {
		return fmt.Errorf("in memory: %w", err)
	}
	var stored []translate.Run
	if len(p.copies.Main) > 0 {
		if err := disk.copies.Reach(p.copies.Main[0].Primary); err != nil {
			return err
		}
		stored = after(disk.copies.Main, p.copies.Main[0].Primary, translate.None)
	}
	if !slices.Equal(stored, p.copies.Main) {
		return fmt.Errorf("%w: runs in memory and on disk differ: %v, %v", ErrCorrupt, p.copies.Main, stored)
	}
	return nil
}
