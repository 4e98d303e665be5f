package checkpoint

import (
	"math"
	"sort"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/translate"
)

// older is the part of a partition's main line that is on disk only: the blocks before p.keys[0]. It reads them in place,
// in short views. It is called with p.mu held.
type older Partition

// limit is the primary offset below which blocks are not in memory.
func (o *older) limit() int64 {
	if len(o.keys) == 0 {
		return math.MaxInt64
	}
	return o.keys[0]
}

// view gives f a cursor over the blocks, when there may be any.
func (o *older) view(f func(*line) error) error {
	if !o.deep {
		return nil
	}
	return o.index.view(func(tx *bbolt.Tx) error {
		return f(&line{c: tx.Bucket(runsBucket).Cursor(), at: o.at, limit: o.limit()})
	})
}

// AtPrimary implements translate.Older.
func (o *older) AtPrimary(u int64) (at translate.Place, err error) {
	mark := o.copies.Mark
	if mark != translate.None {
		u = max(u, mark)
	}
	err = o.view(func(l *line) error {
		key, block, ok := l.last(u)
		if !ok {
			at.Next, at.HasNext, err = l.head(l.first())
			return err
		}
		at, err = l.place(key, block, u, Primary)
		return err
	})
	return unmarked(at, mark), err
}

// AtSecondary implements translate.Older. Blocks are sorted by secondary offset, too: it bisects over their keys.
func (o *older) AtSecondary(v int64) (at translate.Place, err error) {
	mark := o.copies.Mark
	err = o.view(func(l *line) error {
		low, block, ok := l.first()
		if at.Next, at.HasNext, err = l.head(low, block, ok); !ok || err != nil || v < at.Next.Secondary {
			return err
		}
		high := l.limit
		if key, _, ok := l.last(math.MaxInt64 - 1); ok {
			high = key + 1 // bisect over what is there, not over all numbers
		}
		for high-low > 1 {
			mid := low + (high-low)/2
			key, b, ok := l.from(mid)
			if !ok || key >= high {
				high = mid
				continue
			}
			first, _, err := l.head(key, b, true)
			if err != nil {
				return err
			}
			if first.Secondary <= v {
				low = key
			} else {
				high = mid
			}
		}
		low, block, _ = l.from(low)
		at, err = l.place(low, block, v, Secondary)
		return err
	})
	if err == nil && mark != translate.None && at.HasNext && at.Next.Primary < mark {
		return o.AtPrimary(mark) // all below the mark is void
	}
	return unmarked(at, mark), err
}

// unmarked takes away what is void.
func unmarked(at translate.Place, mark int64) translate.Place {
	if mark == translate.None {
		return at
	}
	if at.HasPrev && at.Prev.Primary < mark {
		at.Prev, at.HasPrev = translate.Run{}, false
	}
	if at.HasNext && at.Next.Primary < mark {
		at.Next, at.HasNext = translate.Run{}, false
	}
	return at
}

// Load implements translate.Older.
func (o *older) Load(primary int64) (runs []translate.Run, err error) {
	var keys []int64
	deep := false
	err = o.view(func(l *line) error {
		first, _, ok := l.last(primary - 1)
		if ok {
			_, _, deep = l.before(first)
		} else {
			first = 0
		}
		for key, block, ok := l.from(first); ok; key, block, ok = l.next() {
			if runs, err = decodeBlock(runs, block); err != nil {
				return damagedBlock(o.at, key, err)
			}
			keys = append(keys, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if mark := o.copies.Mark; mark != translate.None {
		runs = runs[sort.Search(len(runs), func(i int) bool { return runs[i].Primary >= mark }):]
	}
	o.keys, o.deep = append(keys, o.keys...), deep
	return runs, nil
}

// line walks the blocks of one partition that have keys below limit.
type line struct {
	c     *bbolt.Cursor
	at    place
	limit int64
}

func (l *line) check(key, block []byte) (int64, []byte, bool) {
	primary, ok := l.at.holds(key)
	return primary, block, ok && primary < l.limit
}

// last is the last block with a key of u or below.
func (l *line) last(u int64) (int64, []byte, bool) {
	k := l.at.runKey(min(u, l.limit-1) + 1)
	if key, _ := l.c.Seek(k[:]); key == nil {
		return l.check(l.c.Last())
	}
	return l.check(l.c.Prev())
}

// from is the first block with a key of u or above.
func (l *line) from(u int64) (int64, []byte, bool) {
	k := l.at.runKey(u)
	return l.check(l.c.Seek(k[:]))
}

func (l *line) first() (int64, []byte, bool) { return l.from(0) }
func (l *line) next() (int64, []byte, bool)  { return l.check(l.c.Next()) }

func (l *line) before(key int64) (int64, []byte, bool) {
	k := l.at.runKey(key)
	l.c.Seek(k[:])
	return l.check(l.c.Prev())
}

// head is a block's first run.
func (l *line) head(key int64, block []byte, ok bool) (translate.Run, bool, error) {
	if !ok {
		return translate.Run{}, false, nil
	}
	d, err := openBlock(block)
	if err != nil {
		return translate.Run{}, false, damagedBlock(l.at, key, err)
	}
	r, ok := d.next()
	if !ok {
		return translate.Run{}, false, damagedBlock(l.at, key, errBlock)
	}
	return r, true, nil
}

// place finds an offset in a block that begins at or below it, looking into its neighbours where it must.
func (l *line) place(key int64, block []byte, offset int64, side Side) (at translate.Place, err error) {
	d, err := openBlock(block)
	if err != nil {
		return at, damagedBlock(l.at, key, err)
	}
	at.Prev, at.Next, at.HasNext = d.seek(offset, side)
	at.HasPrev = at.Prev.Length > 0
	switch {
	case !at.HasNext && d.left > 0:
		return at, damagedBlock(l.at, key, errBlock)
	case !at.HasNext:
		l.from(key)
		at.Next, at.HasNext, err = l.head(l.next())
	case !at.HasPrev:
		var ok bool
		if key, block, ok = l.before(key); !ok {
			return at, nil
		}
		var runs []translate.Run
		if runs, err = decodeBlock(nil, block); err != nil {
			return at, damagedBlock(l.at, key, err)
		}
		at.Prev, at.HasPrev = runs[len(runs)-1], true
	}
	return at, err
}
