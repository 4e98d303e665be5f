package kafka

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/IBM/sarama"
)

// frame writes Kafka's types; flexible is the compact encoding of newer versions (KIP-482).
type frame struct {
	b        []byte
	flexible bool
	err      error
}

func (w *frame) int16(v int16) { w.b = binary.BigEndian.AppendUint16(w.b, uint16(v)) }
func (w *frame) int32(v int32) { w.b = binary.BigEndian.AppendUint32(w.b, uint32(v)) }
func (w *frame) int64(v int64) { w.b = binary.BigEndian.AppendUint64(w.b, uint64(v)) }

// string16 is for headers, which are not flexible.
func (w *frame) string16(s string) {
	if w.fits(s) {
		w.int16(int16(len(s)))
		w.b = append(w.b, s...)
	}
}

func (w *frame) string(s string) {
	switch {
	case !w.flexible:
		w.string16(s)
	case w.fits(s):
		w.b = binary.AppendUvarint(w.b, uint64(len(s))+1)
		w.b = append(w.b, s...)
	}
}

// fits refuses strings that Kafka has no place for. Its brokers close the connection over one, in flexible versions too, and what
// else is on the way there would be lost with it.
func (w *frame) fits(s string) bool {
	if len(s) > math.MaxInt16 && w.err == nil {
		w.err = sarama.PacketEncodingError{Info: fmt.Sprintf("a string of %d bytes: %.64q…", len(s), s)}
	}
	return len(s) <= math.MaxInt16
}

// null is a string that is not there.
func (w *frame) null() {
	if w.flexible {
		w.b = append(w.b, 0)
		return
	}
	w.int16(-1)
}

func (w *frame) array(n int) {
	if w.flexible {
		w.b = binary.AppendUvarint(w.b, uint64(n)+1)
		return
	}
	w.int32(int32(n))
}

// tags says that there are no tagged fields.
func (w *frame) tags() {
	if w.flexible {
		w.b = append(w.b, 0)
	}
}

// frameReader reads them. It never reads past the end: short says that it would have.
type frameReader struct {
	b        []byte
	flexible bool
	short    bool
}

func (r *frameReader) take(n uint64) []byte {
	if r.short || n > uint64(len(r.b)) {
		r.short, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *frameReader) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *frameReader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *frameReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.take(uint64(len(r.b)) + 1)
		return 0
	}
	r.take(uint64(n))
	return v
}

func (r *frameReader) string() []byte {
	if r.flexible {
		return r.take(max(r.uvarint(), 1) - 1)
	}
	return r.take(uint64(max(r.int16(), 0)))
}

// array is the number of its elements, of which none is larger than what is left.
func (r *frameReader) array() int {
	n := int64(0)
	if r.flexible {
		n = int64(min(r.uvarint(), math.MaxInt32)) - 1
	} else {
		n = int64(r.int32())
	}
	if n > int64(len(r.b)) {
		r.take(uint64(len(r.b)) + 1)
		return 0
	}
	return int(max(n, 0))
}

// tags skips tagged fields.
func (r *frameReader) tags() {
	if !r.flexible {
		return
	}
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.take(n)
		return
	}
	for range n {
		r.uvarint()
		r.take(r.uvarint())
	}
}
