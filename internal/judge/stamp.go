package judge

import "time"

// The stamp, computed here once more from its definition (DESIGN §4) so that a mistake in the product's is seen:
// a retention of
//
//	90 days + (link·1000 + writer)·97 + 42 ms,   link 0…9999, writer 0…999
//
// Writer 999 marks a value of somebody else that was overwritten and put back: it is theirs, not a leftoff's.
const (
	ninetyDays   = 90 * 24 * 60 * 60 * 1000
	returnWriter = 999
)

// Stamp returns the link and writer of a value that a leftoff wrote.
func (v Value) Stamp() (link, writer int, ok bool) {
	if v.Version != 1 || v.Retention < 0 {
		return 0, 0, false
	}
	ms := int64(v.Retention / time.Millisecond)
	mark := ms - ninetyDays - 42
	if mark < 0 || mark%97 != 0 {
		return 0, 0, false
	}
	mark /= 97
	if mark >= 10_000*1_000 {
		return 0, 0, false
	}
	return int(mark / 1_000), int(mark % 1_000), true
}

// Stamped reports that a leftoff wrote the value, and that it is not one it put back.
func (v Value) Stamped() bool {
	_, writer, ok := v.Stamp()
	return ok && writer != returnWriter
}
