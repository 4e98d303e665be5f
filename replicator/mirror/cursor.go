package mirror

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// cursor is what a partition must remember to recognise its own writes after a crash. It is durable before the first
// batch of a session leaves: the next process goes on with the same producer id and the epoch after, which fences what
// the dead one may still have on the wire.
type cursor struct {
	// known: ids holds every producer id ever used on this partition, so a record under another one is not ours.
	known bool
	ids   []kafka.ProducerID // the one in use last
	// leaders are the leader epochs by side from before both sides were last compared, -1 unknown.
	leaders [2]int32
}

const (
	cursorVersion = 1
	cursorHead    = 11
	maxIDs        = 16
	idBytes       = 10
)

var errCursor = errors.New("mirror's cursor was written by a newer leftoff")

func (c cursor) encode() []byte {
	b := []byte{cursorVersion, 0, byte(len(c.ids))}
	if c.known {
		b[1] = 1
	}
	for _, epoch := range c.leaders {
		b = binary.BigEndian.AppendUint32(b, uint32(epoch))
	}
	for _, id := range c.ids {
		b = binary.BigEndian.AppendUint64(b, uint64(id.ID))
		b = binary.BigEndian.AppendUint16(b, uint16(id.Epoch))
	}
	return b
}

func decodeCursor(b []byte) (cursor, error) {
	if len(b) == 0 {
		return cursor{leaders: [2]int32{-1, -1}}, nil
	}
	if len(b) < cursorHead || b[0] != cursorVersion || len(b) != cursorHead+int(b[2])*idBytes {
		return cursor{}, errCursor
	}
	c := cursor{known: b[1]&1 != 0}
	for i := range c.leaders {
		c.leaders[i] = int32(binary.BigEndian.Uint32(b[3+4*i:]))
	}
	for b = b[cursorHead:]; len(b) > 0; b = b[idBytes:] {
		c.ids = append(c.ids, kafka.ProducerID{ID: int64(binary.BigEndian.Uint64(b)), Epoch: int16(binary.BigEndian.Uint16(b[8:]))})
	}
	return c, nil
}

// bump raises the epoch of the id in use. It reports false when there is none, or its epochs are used up.
func (c *cursor) bump() bool {
	if len(c.ids) == 0 || c.ids[len(c.ids)-1].Epoch == math.MaxInt16 {
		return false
	}
	c.ids[len(c.ids)-1].Epoch++
	return true
}

// use goes on with a new id.
func (c *cursor) use(id kafka.ProducerID) {
	c.ids = append(slices.DeleteFunc(c.ids, func(o kafka.ProducerID) bool { return o.ID == id.ID }), id)
	if len(c.ids) > maxIDs {
		c.ids, c.known = c.ids[len(c.ids)-maxIDs:], false
	}
}

func (c *cursor) current() kafka.ProducerID { return c.ids[len(c.ids)-1] }

func (c *cursor) owns(producer int64) bool {
	return producer >= 0 && slices.ContainsFunc(c.ids, func(o kafka.ProducerID) bool { return o.ID == producer })
}
