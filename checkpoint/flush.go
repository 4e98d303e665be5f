package checkpoint

import (
	"bytes"
	"encoding/binary"
	"math"
	"sort"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/translate"
)

// keepBlocks is how many blocks a partition keeps in memory behind its open one; maxCached bounds what all of them keep.
var (
	keepBlocks       = 4       // tests make it small
	maxCached  int64 = 2 << 20 // runs: 64 MiB
)

// change is what a Flush writes for one partition: everything of one moment, encoded.
type change struct {
	p     *Partition
	front []byte
	// from: the blocks with this key and above are replaced by blocks. translate.None: the main line did not change.
	from   int64
	keys   []int64
	blocks [][]byte
	first  int64 // key of the first block that memory covers
	// mark voids every run below it.
	mark   int64
	aside  [2][][]byte
	seen   [2]int // how many of them are on disk now
	epochs *[2][]EpochStart

	deep bool // found out by write: there are blocks below first
}

// take encodes what changed. What it takes is given back by settle or spill.
func (p *Partition) take() *change {
	p.together.Lock()
	defer p.together.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.copies
	ch := &change{p: p, front: encodeFront(c, p.cursor), mark: c.Mark, seen: p.asideSeen, from: p.rewriteFrom()}
	if ch.from != translate.None {
		i := sort.Search(len(c.Main), func(i int) bool { return c.Main[i].Primary >= ch.from })
		for ; i < len(c.Main); i += blockRuns {
			runs := c.Main[i:min(i+blockRuns, len(c.Main))]
			ch.keys = append(ch.keys, runs[0].Primary)
			ch.blocks = append(ch.blocks, encodeBlock(runs))
		}
	}
	ch.first = ch.from
	if len(p.keys) > 0 {
		ch.first = min(ch.first, p.keys[0])
	}
	for kind, runs := range [][]translate.Run{c.Pending, c.Dead} {
		for i := 0; i < len(runs); i += blockRuns {
			ch.aside[kind] = append(ch.aside[kind], encodeBlock(runs[i:min(i+blockRuns, len(runs))]))
		}
	}
	if p.epochsNew {
		ch.epochs = &[2][]EpochStart{append([]EpochStart(nil), p.epochs[0]...), append([]EpochStart(nil), p.epochs[1]...)}
	}
	c.Low, p.epochsNew, p.dirty = translate.None, false, false
	return ch
}

// rewriteFrom is the key of the first block that is not on disk as it is in memory.
func (p *Partition) rewriteFrom() int64 {
	from := translate.None + int64(0)
	low := p.copies.Low
	if mark := p.copies.Mark; mark != translate.None && len(p.keys) > 0 && mark > p.keys[0] {
		low = min(low, mark-1) // the block that the mark goes through still holds pruned runs
	}
	if low == translate.None {
		return from
	}
	from = 0
	if p.deep {
		from = low
	}
	for _, k := range p.keys {
		if k <= low {
			from = k
		}
	}
	return from
}

// write puts a change into the transaction.
func (ch *change) write(tx *bbolt.Tx) error {
	runs := tx.Bucket(runsBucket)
	if err := ch.prune(runs); err != nil {
		return err
	}
	if err := ch.writeBlocks(runs); err != nil {
		return err
	}
	if err := ch.writeAside(tx.Bucket(asideBucket)); err != nil {
		return err
	}
	if err := ch.writeEpochs(tx.Bucket(epochsBucket)); err != nil {
		return err
	}
	l := &line{c: runs.Cursor(), at: ch.p.at, limit: ch.first}
	_, _, ch.deep = l.first()
	return tx.Bucket(frontsBucket).Put(ch.p.at[:], ch.front)
}

// prune deletes the blocks below the mark. The one it goes through is cut, unless it is rewritten anyway.
func (ch *change) prune(b *bbolt.Bucket) error {
	if ch.mark == translate.None {
		return nil
	}
	l := &line{c: b.Cursor(), at: ch.p.at, limit: ch.mark}
	var old []int64
	for key, _, ok := l.first(); ok; key, _, ok = l.next() {
		old = append(old, key)
	}
	if len(old) == 0 {
		return nil
	}
	last := old[len(old)-1]
	var rest []translate.Run
	if last < ch.from {
		k := ch.p.at.runKey(last)
		runs, err := decodeBlock(nil, b.Get(k[:]))
		if err != nil {
			return damagedBlock(ch.p.at, last, err)
		}
		rest = runs[sort.Search(len(runs), func(i int) bool { return runs[i].Primary >= ch.mark }):]
	}
	if err := ch.remove(b, old); err != nil || len(rest) == 0 {
		return err
	}
	k := ch.p.at.runKey(rest[0].Primary)
	return b.Put(k[:], encodeBlock(rest))
}

// writeBlocks replaces the blocks at from and above.
func (ch *change) writeBlocks(b *bbolt.Bucket) error {
	if ch.from == translate.None {
		return nil
	}
	var old []int64
	l := &line{c: b.Cursor(), at: ch.p.at, limit: math.MaxInt64}
	for key, _, ok := l.from(ch.from); ok; key, _, ok = l.next() {
		if i := sort.Search(len(ch.keys), func(i int) bool { return ch.keys[i] >= key }); i == len(ch.keys) || ch.keys[i] != key {
			old = append(old, key)
		}
	}
	if err := ch.remove(b, old); err != nil {
		return err
	}
	for i, key := range ch.keys {
		k := ch.p.at.runKey(key)
		if err := b.Put(k[:], ch.blocks[i]); err != nil {
			return err
		}
	}
	return nil
}

func (ch *change) remove(b *bbolt.Bucket, keys []int64) error {
	for _, key := range keys {
		k := ch.p.at.runKey(key)
		if err := b.Delete(k[:]); err != nil {
			return err
		}
	}
	return nil
}

// writeAside writes the pending and dead copies, as far as they are not there like that. They grow at their ends.
func (ch *change) writeAside(b *bbolt.Bucket) error {
	for kind, letter := range []byte{pendingKind, deadKind} {
		for i, block := range ch.aside[kind] {
			k := ch.p.at.asideKey(letter, uint32(i))
			if bytes.Equal(b.Get(k), block) {
				continue
			}
			if err := b.Put(k, block); err != nil {
				return err
			}
		}
		for i := len(ch.aside[kind]); i < ch.seen[kind]; i++ {
			if err := b.Delete(ch.p.at.asideKey(letter, uint32(i))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (ch *change) writeEpochs(b *bbolt.Bucket) error {
	if ch.epochs == nil {
		return nil
	}
	var old [][]byte
	eachKey(b.Cursor(), ch.p.at[:], func(k, _ []byte) bool { old = append(old, bytes.Clone(k)); return true })
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	for side, all := range ch.epochs {
		for _, e := range all {
			v := binary.BigEndian.AppendUint64(nil, uint64(e.Start))
			if err := b.Put(ch.p.at.epochKey(Side(side), e.Epoch), v); err != nil {
				return err
			}
		}
	}
	return nil
}

// spill gives back what could not be written: the next Flush tries again.
func (ch *change) spill() {
	p := ch.p
	p.mu.Lock()
	defer p.mu.Unlock()
	p.copies.Low = min(p.copies.Low, ch.from)
	p.epochsNew = p.epochsNew || ch.epochs != nil
	p.soil()
}

// settle notes what is on disk now, and lets go of what memory need not hold.
func (ch *change) settle() {
	p := ch.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if ch.from != translate.None {
		kept := p.keys[:sort.Search(len(p.keys), func(i int) bool { return p.keys[i] >= ch.from })]
		p.keys = append(append([]int64(nil), kept...), ch.keys...)
	}
	for kind := range ch.aside {
		p.asideSeen[kind] = len(ch.aside[kind])
	}
	p.deep = p.deep && ch.deep
	if p.copies.Mark == ch.mark {
		p.copies.Mark = translate.None
	}
	p.trim()
}

// trim moves the blocks before the newest ones out of memory.
func (p *Partition) trim() {
	keep := keepBlocks + 1
	if p.index.cached.Load() > maxCached {
		keep = 1
	}
	if p.copies.Mark != translate.None || len(p.keys) <= keep {
		p.count()
		return
	}
	cut := len(p.keys) - keep
	if p.copies.Low < p.keys[cut] {
		p.count()
		return
	}
	first := p.keys[cut]
	main := p.copies.Main
	i := sort.Search(len(main), func(i int) bool { return main[i].Primary >= first })
	p.copies.Main = append(make([]translate.Run, 0, len(main)-i+blockRuns), main[i:]...)
	p.keys = append([]int64(nil), p.keys[cut:]...)
	p.deep = true
	p.count()
}

// count keeps the sum of runs in memory.
func (p *Partition) count() {
	n := int64(len(p.copies.Main))
	p.index.cached.Add(n - p.counted)
	p.counted = n
}
