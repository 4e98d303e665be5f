package identity

import (
	"bytes"
	"fmt"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// evidence is what comparing samples of a partition has shown so far.
type evidence struct {
	records int // on both sides, and equal
	first   *kafka.Record
	varied  bool // they are not all alike
	differs string
}

// conclusive: at least one record, and where there are several, something to tell them apart. A thousand equal records
// with one timestamp would look the same at any shift.
func (e *evidence) conclusive() bool { return e.records == 1 || e.records > 1 && e.varied }

// placed is a record, or a transaction marker, at its offset.
type placed struct {
	*kafka.Record
	control bool
}

// compare takes the records that two fetches brought below end, and compares those that both have.
//
// An offset that only one side has is no difference: in an unbroken log every offset is taken, so the other side was
// compacted there. Where offsets are not kept, the records at equal offsets are different ones.
func (e *evidence) compare(primary, secondary *kafka.Fetched, end int64) {
	end = min(end, primary.Next, secondary.Next)
	a, b := flatten(primary, end), flatten(secondary, end)
	for len(a) > 0 && len(b) > 0 && e.differs == "" {
		switch {
		case a[0].Offset < b[0].Offset:
			a = a[1:]
		case a[0].Offset > b[0].Offset:
			b = b[1:]
		default:
			e.pair(a[0], b[0])
			a, b = a[1:], b[1:]
		}
	}
}

func (e *evidence) pair(a, b placed) {
	what := difference(a, b)
	if what != "" {
		e.differs = fmt.Sprintf("the record at offset %d differs: %s. Not a copy at equal offsets. Try: mapping mirror, or another one", a.Offset, what)
		return
	}
	if a.control {
		return
	}
	e.records++
	if e.first == nil {
		e.first = a.Record
	} else if difference(placed{Record: e.first}, a) != "" {
		e.varied = true
	}
}

func flatten(f *kafka.Fetched, end int64) (all []placed) {
	for i := range f.Batches {
		for j := range f.Batches[i].Records {
			if r := &f.Batches[i].Records[j]; r.Offset < end {
				all = append(all, placed{r, f.Batches[i].Control})
			}
		}
	}
	return all
}

// difference names what differs between two records, offsets aside; "" when nothing does. It never shows content.
func difference(a, b placed) string {
	switch {
	case a.control != b.control:
		return "a transaction marker on one side, a record on the other"
	case a.control:
		return ""
	case !same(a.Key, b.Key):
		return "the key (" + sizes(a.Key, b.Key) + ")"
	case !same(a.Value, b.Value):
		return "the value (" + sizes(a.Value, b.Value) + ")"
	case len(a.Headers) != len(b.Headers):
		return fmt.Sprintf("%d headers, %d on the secondary", len(a.Headers), len(b.Headers))
	case a.Timestamp != b.Timestamp:
		return fmt.Sprintf("timestamp %d, %d on the secondary", a.Timestamp, b.Timestamp)
	}
	for i := range a.Headers {
		if !same(a.Headers[i].Key, b.Headers[i].Key) || !same(a.Headers[i].Value, b.Headers[i].Value) {
			return fmt.Sprintf("header %d", i)
		}
	}
	return ""
}

// same keeps null and empty apart.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

func sizes(a, b []byte) string { return fmt.Sprintf("%s, %s on the secondary", size(a), size(b)) }

func size(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%d bytes", len(b))
}
