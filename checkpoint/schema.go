package checkpoint

import (
	"bytes"
	"encoding/binary"
)

// schemaVersion is written to meta; a file with a greater one is refused.
const schemaVersion = 1

// The buckets.
//
//	meta      "schema" → uint32, "link" → JSON, "switched" → JSON
//	topics    pair → PairInfo as JSON
//	runs      pair, partition, first primary offset → block of the main line
//	aside     pair, partition, kind, number → block of pending or dead copies
//	fronts    pair, partition → frontier, source cursor, foreign spans, what is pruned
//	epochs    pair, partition, side, leader epoch → first offset
//	verdicts  group → JSON
//	intents   group, topic, partition → JSON
//	held      group, topic, partition → JSON
//
// Numbers in keys are big-endian, so that they sort.
var (
	metaBucket     = []byte("meta")
	topicsBucket   = []byte("topics")
	runsBucket     = []byte("runs")
	asideBucket    = []byte("aside")
	frontsBucket   = []byte("fronts")
	epochsBucket   = []byte("epochs")
	verdictsBucket = []byte("verdicts")
	intentsBucket  = []byte("intents")
	heldBucket     = []byte("held")

	allBuckets = [][]byte{metaBucket, topicsBucket, runsBucket, asideBucket, frontsBucket, epochsBucket, verdictsBucket, intentsBucket, heldBucket}
	// partitionBuckets have keys that begin with a pair's number.
	partitionBuckets = [][]byte{runsBucket, asideBucket, frontsBucket, epochsBucket}

	schemaKey   = []byte("schema")
	linkKey     = []byte("link")
	switchedKey = []byte("switched")
)

// place is a partition's key prefix: pair, partition.
type place [8]byte

func placeOf(pair uint32, partition int32) (p place) {
	binary.BigEndian.PutUint32(p[:], pair)
	binary.BigEndian.PutUint32(p[4:], uint32(partition))
	return p
}

func (p place) pair() uint32     { return binary.BigEndian.Uint32(p[:]) }
func (p place) partition() int32 { return int32(binary.BigEndian.Uint32(p[4:])) }

// runKey is a block's key, by its first primary offset.
type runKey [16]byte

func (p place) runKey(primary int64) (k runKey) {
	copy(k[:], p[:])
	binary.BigEndian.PutUint64(k[8:], uint64(primary))
	return k
}

// holds says whether a key of runs belongs to this partition, and its primary offset.
func (p place) holds(key []byte) (primary int64, ok bool) {
	if len(key) != 16 || !bytes.Equal(key[:8], p[:]) {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(key[8:])), true
}

// asideKey is pair, partition, kind, number.
func (p place) asideKey(kind byte, number uint32) []byte {
	k := append([]byte(nil), p[:]...)
	return binary.BigEndian.AppendUint32(append(k, kind), number)
}

const (
	pendingKind = 'p'
	deadKind    = 'd'
)

// epochKey is pair, partition, side, epoch.
func (p place) epochKey(side Side, epoch int32) []byte {
	k := append([]byte(nil), p[:]...)
	return binary.BigEndian.AppendUint32(append(k, byte(side)), uint32(epoch))
}

func pairKey(number uint32) []byte { return binary.BigEndian.AppendUint32(nil, number) }

// groupKey keeps the empty group's key from being empty.
func groupKey(group string) []byte { return append([]byte{'g'}, group...) }

func offsetKey(k OffsetKey) []byte {
	b := binary.AppendUvarint(nil, uint64(len(k.Group)))
	b = append(b, k.Group...)
	b = append(b, k.Topic...)
	return binary.BigEndian.AppendUint32(b, uint32(k.Partition))
}
