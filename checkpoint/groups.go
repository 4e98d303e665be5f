package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"

	"go.etcd.io/bbolt"
)

// Verdict is the durable judgement on a group.
func (x *Index) Verdict(group string) (Verdict, bool) {
	x.judging.Lock()
	defer x.judging.Unlock()
	v, ok := x.verdicts[group]
	return v, ok
}

// Verdicts returns a copy of all of them.
func (x *Index) Verdicts() map[string]Verdict {
	x.judging.Lock()
	defer x.judging.Unlock()
	return maps.Clone(x.verdicts)
}

// SetVerdict is durable when it returns.
func (x *Index) SetVerdict(group string, v Verdict) error {
	x.judging.Lock()
	defer x.judging.Unlock()
	err := x.put(func(tx *bbolt.Tx) error { return putJSON(tx.Bucket(verdictsBucket), groupKey(group), v) })
	if err == nil {
		x.verdicts[group] = v
	}
	return err
}

// ClearVerdict is durable when it returns.
func (x *Index) ClearVerdict(group string) error {
	x.judging.Lock()
	defer x.judging.Unlock()
	if _, ok := x.verdicts[group]; !ok {
		return nil
	}
	err := x.put(func(tx *bbolt.Tx) error { return tx.Bucket(verdictsBucket).Delete(groupKey(group)) })
	if err == nil {
		delete(x.verdicts, group)
	}
	return err
}

// PutIntents is durable when it returns: one update for all of them.
func (x *Index) PutIntents(all []Intent) error {
	if len(all) == 0 {
		return nil
	}
	return x.put(func(tx *bbolt.Tx) error {
		for _, i := range all {
			if err := putJSON(tx.Bucket(intentsBucket), offsetKey(i.OffsetKey), i); err != nil {
				return err
			}
		}
		return nil
	})
}

// DropIntents forgets keys, durable when it returns.
func (x *Index) DropIntents(keys []OffsetKey) error {
	if len(keys) == 0 {
		return nil
	}
	return x.put(func(tx *bbolt.Tx) error {
		for _, k := range keys {
			if err := tx.Bucket(intentsBucket).Delete(offsetKey(k)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Intents walks all of them until yield says false.
func (x *Index) Intents(yield func(Intent) bool) error {
	return walk(x, intentsBucket, yield)
}

// PutHeld keeps commits that are not written yet, durable at the next Flush.
func (x *Index) PutHeld(all []Held) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, h := range all {
		x.held[h.OffsetKey] = &h
	}
}

// DropHeld forgets keys, durable at the next Flush.
func (x *Index) DropHeld(keys []OffsetKey) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, k := range keys {
		x.held[k] = nil
	}
}

// Held walks all of them until yield says false, those of the last second, too. yield must not flush.
func (x *Index) Held(yield func(Held) bool) error {
	x.flushing.Lock() // between memory and disk nothing may be seen twice or not at all
	x.mu.Lock()
	fresh := maps.Clone(x.held)
	x.mu.Unlock()
	stopped := false
	err := walk(x, heldBucket, func(h Held) bool {
		if _, newer := fresh[h.OffsetKey]; newer {
			return true
		}
		stopped = !yield(h)
		return !stopped
	})
	x.flushing.Unlock()
	for _, h := range fresh {
		if err != nil || stopped {
			break
		}
		if h != nil {
			stopped = !yield(*h)
		}
	}
	return err
}

func writeHeld(tx *bbolt.Tx, held map[OffsetKey]*Held) error {
	b := tx.Bucket(heldBucket)
	for k, h := range held {
		if h == nil {
			if err := b.Delete(offsetKey(k)); err != nil {
				return err
			}
			continue
		}
		if err := putJSON(b, offsetKey(k), h); err != nil {
			return err
		}
	}
	return nil
}

// walkBatch is how many values a walk reads in one view: yield may take its time.
const walkBatch = 1000

// walk reads the JSON values of a bucket in key order.
func walk[T any](x *Index, bucket []byte, yield func(T) bool) error {
	var after []byte
	for {
		batch := make([]T, 0, walkBatch)
		err := x.view(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucket).Cursor()
			for k, v := c.Seek(append(after, 0)); k != nil && len(batch) < walkBatch; k, v = c.Next() {
				var value T
				if err := json.Unmarshal(v, &value); err != nil {
					return errCorrupt(fmt.Sprintf("%s %q", bucket, k), err)
				}
				batch, after = append(batch, value), append([]byte(nil), k...)
			}
			return nil
		})
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, value := range batch {
			if !yield(value) {
				return nil
			}
		}
	}
}
