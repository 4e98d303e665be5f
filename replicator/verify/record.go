package verify

import (
	"bytes"
	"encoding/binary"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// kinds gives equal records equal numbers. Records of the primary go first: one of the secondary is of the kind of the
// record it may be a copy of, which has the same key, value, headers and, where they are compared, timestamp. Headers that a mirror added are no
// difference.
type kinds struct {
	times   bool // timestamps are compared
	byBody  map[string][]int
	headers [][]kafka.Header // by kind
	added   bool             // the secondary has headers that the primary has not
	lacking bool             // a record is the same but for headers
}

func newKinds(times bool) *kinds { return &kinds{times: times, byBody: map[string][]int{}} }

func (k *kinds) body(r *kafka.Record) string {
	b := make([]byte, 0, 24+len(r.Key)+len(r.Value))
	if k.times {
		b = binary.BigEndian.AppendUint64(b, uint64(r.Timestamp))
	}
	for _, part := range [][]byte{r.Key, r.Value} {
		n := int64(len(part))
		if part == nil {
			n = -1
		}
		b = append(binary.BigEndian.AppendUint64(b, uint64(n)), part...)
	}
	return string(b)
}

// original is the kind of a record of the primary.
func (k *kinds) original(r *kafka.Record) int {
	body := k.body(r)
	for _, kind := range k.byBody[body] {
		if len(r.Headers) == len(k.headers[kind]) && included(k.headers[kind], r.Headers) {
			return kind
		}
	}
	return k.add(body, r.Headers)
}

// copied is the kind of a record of the secondary.
func (k *kinds) copied(r *kafka.Record) int {
	body, best := k.body(r), -1
	for _, kind := range k.byBody[body] {
		if included(k.headers[kind], r.Headers) && (best < 0 || len(k.headers[kind]) > len(k.headers[best])) {
			best = kind
		}
	}
	if best < 0 {
		k.lacking = k.lacking || len(k.byBody[body]) > 0
		return k.add(body, r.Headers)
	}
	k.added = k.added || len(k.headers[best]) < len(r.Headers)
	return best
}

func (k *kinds) add(body string, headers []kafka.Header) int {
	kind := len(k.headers)
	k.headers = append(k.headers, headers)
	k.byBody[body] = append(k.byBody[body], kind)
	return kind
}

// included: the one's headers are among the other's, in their order.
func included(these, those []kafka.Header) bool {
	for _, h := range those {
		if len(these) > 0 && bytes.Equal(h.Key, these[0].Key) && bytes.Equal(h.Value, these[0].Value) && (h.Value == nil) == (these[0].Value == nil) {
			these = these[1:]
		}
	}
	return len(these) == 0
}
