package offsetlog

import "encoding/binary"

// reader takes big-endian fields off a byte slice. After a field that does not fit it is bad and returns zeros: callers
// check once, at the end.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) span(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) int16() int16 {
	if len(r.b) < 2 {
		r.bad, r.b = true, nil
		return 0
	}
	v := int16(binary.BigEndian.Uint16(r.b))
	r.b = r.b[2:]
	return v
}

func (r *reader) int32() int32 {
	if len(r.b) < 4 {
		r.bad, r.b = true, nil
		return 0
	}
	v := int32(binary.BigEndian.Uint32(r.b))
	r.b = r.b[4:]
	return v
}

func (r *reader) int64() int64 {
	if len(r.b) < 8 {
		r.bad, r.b = true, nil
		return 0
	}
	v := int64(binary.BigEndian.Uint64(r.b))
	r.b = r.b[8:]
	return v
}

// uvarint is at most five bytes, as Kafka's readUnsignedVarint.
func (r *reader) uvarint() uint32 {
	var v uint64
	for i := 0; i < 5 && i < len(r.b); i++ {
		c := r.b[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.b = r.b[i+1:]
			if v > 1<<32-1 {
				r.bad, r.b = true, nil
				return 0
			}
			return uint32(v)
		}
	}
	r.bad, r.b = true, nil
	return 0
}

// compactLen reads the length of a compact field, −1 for null.
func (r *reader) compactLen() int { return int(int64(r.uvarint()) - 1) }

// str reads a STRING or COMPACT_STRING; null is malformed.
func (r *reader) str(flexible bool) []byte {
	if flexible {
		return r.span(r.compactLen())
	}
	return r.span(int(r.int16()))
}

// skipNullableStr steps over a nullable string.
func (r *reader) skipNullableStr(flexible bool) {
	n := 0
	if flexible {
		n = r.compactLen()
	} else {
		n = int(r.int16())
	}
	r.skipNullable(n)
}

// skipBytes steps over BYTES or COMPACT_BYTES; null is malformed.
func (r *reader) skipBytes(flexible bool) {
	if flexible {
		r.span(r.compactLen())
		return
	}
	r.span(int(r.int32()))
}

func (r *reader) skipNullable(n int) {
	if n == -1 {
		return
	}
	r.span(n)
}

// tags reads a tagged-field section and hands each field to f, which may be nil.
func (r *reader) tags(f func(tag uint32, field []byte)) {
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		tag := r.uvarint()
		field := r.span(int(r.uvarint()))
		if f != nil && !r.bad {
			f(tag, field)
		}
	}
}
