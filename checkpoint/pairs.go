package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/bbolt"
)

// Pair is a primary topic and its mirrored one.
type Pair struct {
	index      *Index
	mu         sync.Mutex
	info       PairInfo
	partitions map[int32]*Partition
}

// Info is the pair as stored.
func (p *Pair) Info() PairInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.info
}

func (p *Pair) retired() bool { return p.Info().Retired }

// Partition returns a partition of the pair, which need not have been there before. Safe for concurrent use. A partition
// that can't be read says so in Err, in every write, and is unmapped.
func (p *Pair) Partition(n int32) *Partition {
	p.mu.Lock()
	q := p.partitions[n]
	if q == nil {
		q = &Partition{index: p.index, pair: p, at: placeOf(p.info.Number, n)}
		p.partitions[n] = q
		q.mu.Lock()
		defer q.mu.Unlock()
		p.mu.Unlock()
		q.err = q.load()
		return q
	}
	p.mu.Unlock()
	return q
}

func (x *Index) newPair(info PairInfo) *Pair {
	return &Pair{index: x, info: info, partitions: map[int32]*Partition{}}
}

// readPairs loads the topics bucket. Retired pairs whose partitions are still there are purged by the next Flushes.
func (x *Index) readPairs(tx *bbolt.Tx) error {
	return tx.Bucket(topicsBucket).ForEach(func(k, v []byte) error {
		var info PairInfo
		if err := json.Unmarshal(v, &info); err != nil || len(k) != 4 {
			return errCorrupt(fmt.Sprintf("pair %x", k), err)
		}
		p := x.newPair(info)
		x.pairs = append(x.pairs, p)
		if !info.Retired {
			x.live[info.Primary.Name] = p
			return nil
		}
		for _, name := range partitionBuckets {
			if key, _ := tx.Bucket(name).Cursor().Seek(k); len(key) > 4 && string(key[:4]) == string(k) {
				x.purge = append(x.purge, info.Number)
				break
			}
		}
		return nil
	})
}

// Pair returns the live pair of these topics, made when there is none; durable when it returns.
//
// The same names and ids are the same pair. Another id or secondary name, or fewer partitions (Kafka only adds), means
// that a topic was recreated or mapped anew: the old pair is retired with its runs, and created is true. A zero id matches
// by name only; an id that becomes known is stored. More partitions, or another Source, are noted in the pair.
func (x *Index) Pair(t Topics) (p *Pair, created bool, err error) {
	if t.Primary.Name == "" || t.Secondary.Name == "" {
		return nil, false, errors.New("pair without topic names")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.live[t.Primary.Name]
	if old != nil {
		was := old.Info()
		if is, same := merge(was, t); same {
			return old, false, x.store(old, is)
		}
	}
	info := PairInfo{Number: 1, Topics: t}
	if n := len(x.pairs); n > 0 {
		info.Number = x.pairs[n-1].Info().Number + 1
	}
	err = x.put(func(tx *bbolt.Tx) error {
		if old != nil {
			was := old.Info()
			was.Retired = true
			if err := putJSON(tx.Bucket(topicsBucket), pairKey(was.Number), was); err != nil {
				return err
			}
		}
		return putJSON(tx.Bucket(topicsBucket), pairKey(info.Number), info)
	})
	if err != nil {
		return nil, false, err
	}
	if old != nil {
		x.retired(old)
	}
	p = x.newPair(info)
	x.pairs = append(x.pairs, p)
	x.live[t.Primary.Name] = p
	return p, true, nil
}

// merge is the pair with what is new in t, when t means the same topics.
func merge(was PairInfo, t Topics) (is PairInfo, same bool) {
	is = was
	switch {
	case was.Secondary.Name != t.Secondary.Name, t.Partitions > 0 && t.Partitions < was.Partitions,
		!sameID(&is.Primary.ID, t.Primary.ID), !sameID(&is.Secondary.ID, t.Secondary.ID):
		return was, false
	}
	if t.Partitions > 0 {
		is.Partitions = t.Partitions
	}
	if t.Source != "" {
		is.Source = t.Source
	}
	return is, true
}

// sameID compares topic ids; zero is not known, and matches.
func sameID(stored *[16]byte, got [16]byte) bool {
	var unknown [16]byte
	if *stored == unknown {
		*stored = got
	}
	return got == unknown || *stored == got
}

// store writes a pair that has news.
func (x *Index) store(p *Pair, is PairInfo) error {
	if is == p.Info() || x.readOnly {
		return nil
	}
	err := x.put(func(tx *bbolt.Tx) error { return putJSON(tx.Bucket(topicsBucket), pairKey(is.Number), is) })
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.info = is
	return nil
}

// retired notes that a pair has been retired on disk. Call with x.mu held.
func (x *Index) retired(p *Pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.info.Retired = true
	delete(x.live, p.info.Primary.Name)
	x.purge = append(x.purge, p.info.Number)
}

// Retire ends a pair: its runs are dropped, writes to it are ErrRetired, its number is never used again.
func (x *Index) Retire(p *Pair) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	is := p.Info()
	if is.Retired {
		return nil
	}
	is.Retired = true
	err := x.put(func(tx *bbolt.Tx) error { return putJSON(tx.Bucket(topicsBucket), pairKey(is.Number), is) })
	if err != nil {
		return err
	}
	x.retired(p)
	return nil
}

// Pairs lists all pairs by number, the retired ones too.
func (x *Index) Pairs() []PairInfo {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := make([]PairInfo, 0, len(x.pairs))
	for _, p := range x.pairs {
		all = append(all, p.Info())
	}
	return all
}

// Lookup returns the live pair of a primary topic.
func (x *Index) Lookup(primaryTopic string) (*Pair, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p, ok := x.live[primaryTopic]
	return p, ok
}

// purgeBatch is how many keys of retired pairs a Flush deletes at most.
const purgeBatch = 20_000

// purgePairs deletes partitions of retired pairs. rest lists the pairs that are not done.
func purgePairs(tx *bbolt.Tx, pairs []uint32) (rest []uint32, err error) {
	left := purgeBatch
	for i, number := range pairs {
		for _, name := range partitionBuckets {
			var keys [][]byte
			b := tx.Bucket(name)
			eachKey(b.Cursor(), pairKey(number), func(k, _ []byte) bool {
				keys = append(keys, append([]byte(nil), k...))
				return len(keys) < left
			})
			for _, k := range keys {
				if err := b.Delete(k); err != nil {
					return nil, err
				}
			}
			if left -= len(keys); left <= 0 {
				return pairs[i:], nil
			}
		}
	}
	return nil, nil
}
