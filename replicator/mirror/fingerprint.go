package mirror

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// seed is drawn anew by every process: nobody can prepare records that collide.
var seed = maphash.MakeSeed()

// fingerprint condenses what a copy keeps of a record: timestamp, key, value and headers, null and empty told apart.
// The timestamp is left out where the secondary's topic stamps records itself.
func fingerprint(r *kafka.Record, timestamp bool) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	if timestamp {
		number(&h, r.Timestamp)
	}
	field(&h, r.Key)
	field(&h, r.Value)
	number(&h, int64(len(r.Headers)))
	for i := range r.Headers {
		field(&h, r.Headers[i].Key)
		field(&h, r.Headers[i].Value)
	}
	return h.Sum64()
}

func keyPrint(key []byte) uint64 {
	if key == nil {
		return 0
	}
	return maphash.Bytes(seed, key) | 1
}

func number(h *maphash.Hash, n int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}

func field(h *maphash.Hash, b []byte) {
	if b == nil {
		number(h, -1)
		return
	}
	number(h, int64(len(b)))
	h.Write(b)
}
