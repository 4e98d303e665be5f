package checkpoint

import (
	"encoding/json"
	"maps"
	"time"

	"go.etcd.io/bbolt"
)

// Switched is a topic that changed hands at a failover: its producers are on the secondary, and no mirror may write there. It is this machine's
// own copy of what is kept on the secondary, for the day when that can't be read.
type Switched struct {
	Topic string    `json:"topic"` // the primary's name
	At    time.Time `json:"at"`
	ID    string    `json:"id,omitempty"` // of the failover
	Marks []Mark    `json:"marks,omitempty"`
}

// Mark is where a partition of a switched topic stood: what was mirrored of the primary, and where that ends on the secondary. −1: not known.
type Mark struct {
	Partition int32 `json:"partition"`
	Primary   int64 `json:"primary"`
	Secondary int64 `json:"secondary"`
}

// Switched returns a copy, by topic.
func (x *Index) Switched() map[string]Switched {
	x.judging.Lock()
	defer x.judging.Unlock()
	return maps.Clone(x.switched)
}

// SetSwitched replaces all of them. It is durable when it returns.
func (x *Index) SetSwitched(all map[string]Switched) error {
	x.judging.Lock()
	defer x.judging.Unlock()
	if err := x.put(func(tx *bbolt.Tx) error { return putJSON(tx.Bucket(metaBucket), switchedKey, all) }); err != nil {
		return err
	}
	x.switched = maps.Clone(all)
	return nil
}

// readSwitched loads them. An index from before they were kept has none.
func (x *Index) readSwitched(tx *bbolt.Tx) error {
	text := tx.Bucket(metaBucket).Get(switchedKey)
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, &x.switched); err != nil {
		return errCorrupt(x.path+": topics that changed hands", err)
	}
	return nil
}
