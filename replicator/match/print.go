package match

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// level says what of a record a copy is recognised by. The lowest level at which two stretches agree is used: the less a
// mirror changed, the more is compared.
type level uint8

const (
	whole    level = iota // timestamp, key, value and headers
	bare                  // timestamp, key and value: the mirror adds or strips headers
	keyed                 // timestamp and key: it transforms values
	timeless              // key and value: the secondary stamps records itself
	levels
)

var levelNames = [levels]string{
	"timestamp, key, value and headers", "timestamp, key and value", "timestamp and key", "key and value",
}

func (l level) String() string { return levelNames[l] }

// prints are a record's fingerprints by level, 0 where the record can't be recognised at that level.
type prints [levels]uint64

// seed is drawn anew by every process: nobody can prepare records that collide.
var seed = maphash.MakeSeed()

func printsOf(r *kafka.Record) prints {
	value, key, headers := hash(r.Value), hash(r.Key), uint64(0)
	for i := range r.Headers {
		headers = mix(headers, hash(r.Headers[i].Key), hash(r.Headers[i].Value))
	}
	stamp := uint64(r.Timestamp)
	p := prints{
		whole:    mix(stamp, key, value, headers+1),
		bare:     mix(stamp, key, value),
		timeless: mix(key, value, 7),
	}
	if r.Key != nil {
		p[keyed] = mix(stamp, key, 3)
	}
	return p
}

// hash tells null from empty.
func hash(b []byte) uint64 {
	if b == nil {
		return 1
	}
	return maphash.Bytes(seed, b) | 2
}

func mix(parts ...uint64) uint64 {
	var b [8 * 4]byte
	for i, p := range parts {
		binary.LittleEndian.PutUint64(b[8*i:], p)
	}
	return maphash.Bytes(seed, b[:8*len(parts)]) | 1
}
