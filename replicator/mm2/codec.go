package mm2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrMalformed: the record is not of the format that its topic's name promises.
var ErrMalformed = errors.New("malformed")

// ErrVersion: a checkpoint of a version that this program does not know. Its fields are not guessed.
var ErrVersion = errors.New("unknown version. Try: a newer leftoff")

// Sync says that the record at Upstream of a primary's partition was copied to Downstream of the secondary's.
type Sync struct {
	Topic                string // the primary's name
	Partition            int32
	Upstream, Downstream int64
}

// ParseSync decodes a record of an offset-syncs topic (MirrorMaker 2's OffsetSync.java):
//
//	key    STRING topic, INT32 partition
//	value  INT64 upstreamOffset, INT64 downstreamOffset
//
// Bytes that are left over, names that no topic has and negative numbers are errors: there is no version field to tell an
// offset sync from anything else.
func ParseSync(key, value []byte) (Sync, error) {
	k := reader{b: key, of: "key"}
	s := Sync{Topic: k.topic(), Partition: k.partition()}
	if err := k.end(); err != nil {
		return Sync{}, err
	}
	v := reader{b: value, of: "value"}
	s.Upstream, s.Downstream = v.offset("upstream offset"), v.offset("downstream offset")
	if err := v.end(); err != nil {
		return Sync{}, err
	}
	return s, nil
}

// AppendSync encodes key and value of a Sync. A topic longer than 32,767 bytes is the caller's mistake, and panics.
func AppendSync(key, value []byte, s Sync) (k, v []byte) {
	key = appendString(key, s.Topic)
	key = binary.BigEndian.AppendUint32(key, uint32(s.Partition))
	value = binary.BigEndian.AppendUint64(value, uint64(s.Upstream))
	return key, binary.BigEndian.AppendUint64(value, uint64(s.Downstream))
}

// CheckpointKey is what a checkpoint is about.
type CheckpointKey struct {
	Group     string
	Topic     string // the secondary's name
	Partition int32
}

// Checkpoint is MirrorMaker 2's translation of a group's committed offset.
type Checkpoint struct {
	CheckpointKey
	Upstream, Downstream int64
	Metadata             string
}

// ParseCheckpointKey decodes the key of a record of a checkpoints topic (Checkpoint.java):
//
//	key    STRING group, STRING topic, INT32 partition
func ParseCheckpointKey(key []byte) (CheckpointKey, error) {
	r := reader{b: key, of: "key"}
	k := CheckpointKey{Group: r.str("group"), Topic: r.topic(), Partition: r.partition()}
	if err := r.end(); err != nil {
		return CheckpointKey{}, err
	}
	return k, nil
}

// ParseCheckpoint decodes a record of a checkpoints topic. The error is ErrVersion or ErrMalformed.
//
//	value  INT16 version (0), INT64 upstreamOffset, INT64 downstreamOffset, STRING metadata
func ParseCheckpoint(key, value []byte) (Checkpoint, error) {
	k, err := ParseCheckpointKey(key)
	if err != nil {
		return Checkpoint{}, err
	}
	r := reader{b: value, of: "value"}
	if v := r.int16("version"); r.err == nil && v != 0 {
		return Checkpoint{}, fmt.Errorf("checkpoint value v%d: %w", v, ErrVersion)
	}
	c := Checkpoint{CheckpointKey: k, Upstream: r.offset("upstream offset"), Downstream: r.offset("downstream offset"), Metadata: r.str("metadata")}
	if err := r.end(); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// AppendCheckpoint encodes key and value of a Checkpoint, version 0. Strings longer than 32,767 bytes panic.
func AppendCheckpoint(key, value []byte, c Checkpoint) (k, v []byte) {
	key = appendString(appendString(key, c.Group), c.Topic)
	key = binary.BigEndian.AppendUint32(key, uint32(c.Partition))
	value = append(value, 0, 0)
	value = binary.BigEndian.AppendUint64(value, uint64(c.Upstream))
	value = binary.BigEndian.AppendUint64(value, uint64(c.Downstream))
	return key, appendString(value, c.Metadata)
}

func appendString(b []byte, s string) []byte {
	if len(s) > 1<<15-1 {
		panic("mm2: string too long")
	}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// reader takes big-endian fields off a byte slice. The first field that does not fit is its error; callers check at the end.
type reader struct {
	b   []byte
	of  string // key or value
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s: %w", r.of, fmt.Sprintf(format, args...), ErrMalformed)
	}
	r.b = nil
}

// take returns zeros where there are not n bytes, so that decoding goes on without a check.
func (r *reader) take(n int, what string) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.fail("%s: %d of %d bytes", what, len(r.b), n)
		return make([]byte, max(0, min(n, 8)))
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) int16(what string) int16 { return int16(binary.BigEndian.Uint16(r.take(2, what))) }

func (r *reader) offset(what string) int64 {
	v := int64(binary.BigEndian.Uint64(r.take(8, what)))
	if v < 0 {
		r.fail("%s %d is negative", what, v)
	}
	return v
}

func (r *reader) partition() int32 {
	v := int32(binary.BigEndian.Uint32(r.take(4, "partition")))
	if v < 0 {
		r.fail("partition %d is negative", v)
	}
	return v
}

func (r *reader) str(what string) string {
	n := int(r.int16(what))
	if n < 0 {
		r.fail("%s: length %d", what, n)
		return ""
	}
	s := r.take(n, what)
	if r.err == nil && !utf8.Valid(s) {
		r.fail("%s is not UTF-8", what)
	}
	return string(s)
}

func (r *reader) topic() string {
	t := r.str("topic")
	if r.err == nil && !validTopic(t) {
		r.fail("%.60q is no topic's name", t)
	}
	return t
}

func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes left over", len(r.b))
	}
	return r.err
}

// validTopic is Kafka's own rule (Topic.java).
func validTopic(name string) bool {
	if name == "" || len(name) > 249 || name == "." || name == ".." {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
