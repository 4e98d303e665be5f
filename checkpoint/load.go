package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/translate"
)

// load reads a partition: its front, epochs, leftovers, and the last block of the main line.
func (p *Partition) load() error {
	p.copies = translate.New()
	p.copies.Older = (*older)(p)
	return p.index.view(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(frontsBucket).Get(p.at[:]); b != nil {
			cursor, err := decodeFront(p.copies, b)
			if err != nil {
				return errCorrupt(p.String(), err)
			}
			p.cursor = cursor
		}
		p.loadEpochs(tx)
		if err := p.loadAside(tx); err != nil {
			return err
		}
		return p.loadTail(tx)
	})
}

func (p *Partition) loadTail(tx *bbolt.Tx) error {
	l := &line{c: tx.Bucket(runsBucket).Cursor(), at: p.at, limit: math.MaxInt64}
	key, block, ok := l.last(math.MaxInt64 - 1)
	if !ok {
		return nil
	}
	runs, err := decodeBlock(nil, block)
	if err != nil {
		return damagedBlock(p.at, key, err)
	}
	p.copies.Main, p.keys = runs, []int64{key}
	_, _, p.deep = l.before(key)
	p.count()
	return nil
}

func (p *Partition) loadEpochs(tx *bbolt.Tx) {
	eachKey(tx.Bucket(epochsBucket).Cursor(), p.at[:], func(k, v []byte) bool {
		if len(k) == 13 && len(v) == 8 && k[8] < 2 {
			epoch, start := int32(binary.BigEndian.Uint32(k[9:])), int64(binary.BigEndian.Uint64(v))
			p.epochs[k[8]] = append(p.epochs[k[8]], EpochStart{epoch, start})
		}
		return true
	})
}

// loadAside reads the pending and the dead copies.
func (p *Partition) loadAside(tx *bbolt.Tx) (err error) {
	eachKey(tx.Bucket(asideBucket).Cursor(), p.at[:], func(k, v []byte) bool {
		switch k[8] {
		case pendingKind:
			p.copies.Pending, err = decodeBlock(p.copies.Pending, v)
			p.asideSeen[0]++
		case deadKind:
			p.copies.Dead, err = decodeBlock(p.copies.Dead, v)
			p.asideSeen[1]++
		}
		return err == nil
	})
	if err != nil {
		return errCorrupt(p.String()+": copies made again", err)
	}
	return nil
}

// eachKey walks the keys with a prefix.
func eachKey(c *bbolt.Cursor, prefix []byte, yield func(k, v []byte) bool) {
	for k, v := c.Seek(prefix); len(k) >= len(prefix) && string(k[:len(prefix)]) == string(prefix); k, v = c.Next() {
		if !yield(k, v) {
			return
		}
	}
}

// String names the partition in messages.
func (p *Partition) String() string {
	return fmt.Sprintf("pair %d (%s) partition %d", p.at.pair(), p.pair.Info().Primary.Name, p.at.partition())
}

func damagedBlock(at place, key int64, err error) error {
	return errCorrupt(fmt.Sprintf("pair %d partition %d: block %d", at.pair(), at.partition(), key), err)
}
