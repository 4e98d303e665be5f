package failover

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// Reader is what reading a divergence needs of a cluster.
type Reader interface {
	FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
}

// Span is a partition's part of a divergence, as its records are.
type Span struct {
	Unmirrored
	Records int       `json:"records"`
	First   time.Time `json:"first_timestamp,omitzero"`
	Last    time.Time `json:"last_timestamp,omitzero"`

	pieces int // of consecutive offsets
}

// Beyond are the parts of what was found that a list does not hold.
func Beyond(found, listed []Unmirrored) (more []Unmirrored) {
	listed = slices.Clone(listed)
	slices.SortFunc(listed, func(a, b Unmirrored) int { return cmp.Compare(a.From, b.From) })
	for _, u := range found {
		for _, l := range listed {
			if l.Topic != u.Topic || l.Partition != u.Partition || l.To <= u.From || l.From >= u.To {
				continue
			}
			if l.From > u.From {
				more = append(more, Unmirrored{Topic: u.Topic, Partition: u.Partition, From: u.From, To: l.From})
			}
			u.From = l.To
		}
		if u.From < u.To {
			more = append(more, u)
		}
	}
	return more
}

const divergenceBytes = 4 << 20

// ReadDivergence yields the records of a part of a divergence in order, and says how many there were. Transaction markers and what
// was aborted are none.
func ReadDivergence(ctx context.Context, from Reader, d Unmirrored, yield func(kafka.Record) error) (Span, error) {
	s := Span{Unmirrored: d}
	tp, last := kafka.TopicPartition{Topic: d.Topic, Partition: d.Partition}, int64(-1)
	for at := d.From; at < d.To; {
		got, err := from.FetchCommitted(ctx, tp, at, divergenceBytes)
		if err != nil {
			return s, err
		}
		var failed error
		got.Readable(true, func(b *kafka.Batch) {
			for i := range b.Records {
				r := b.Records[i]
				if failed != nil || r.Offset < at || r.Offset >= d.To {
					continue
				}
				s.take(&r, &last)
				failed = yield(r)
			}
		})
		if failed != nil {
			return s, failed
		}
		if got.Next <= at {
			return s, fmt.Errorf("%s: nothing more at offset %d, and it should go on to %d", tp, at, d.To)
		}
		at = got.Next
	}
	return s, nil
}

// take counts a record; last is the offset of the one before.
func (s *Span) take(r *kafka.Record, last *int64) {
	when := time.UnixMilli(r.Timestamp).UTC()
	if s.Records++; s.Records == 1 {
		s.First, s.Last = when, when
	}
	if when.Before(s.First) {
		s.First = when
	}
	if when.After(s.Last) {
		s.Last = when
	}
	if r.Offset != *last+1 || s.pieces == 0 {
		s.pieces++
	}
	*last = r.Offset
}

// CountDivergence says what the records of a divergence are, and does nothing with them.
func CountDivergence(ctx context.Context, from Reader, all []Unmirrored) (spans []Span, err error) {
	for _, d := range all {
		s, err := ReadDivergence(ctx, from, d, func(kafka.Record) error { return nil })
		if err != nil {
			return spans, fmt.Errorf("read %s/%d: %w", d.Topic, d.Partition, err)
		}
		spans = append(spans, s)
	}
	return spans, nil
}

// exported is a record in a file: one a line, bytes in base64.
type exported struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"` // ms since the epoch
	Key       []byte   `json:"key"`       // null: none
	Value     []byte   `json:"value"`     // null: a tombstone
	Headers   []header `json:"headers,omitempty"`
}

type header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// ExportDivergence writes the records as JSON, one a line.
func ExportDivergence(ctx context.Context, from Reader, all []Unmirrored, to io.Writer) ([]Span, error) {
	e := json.NewEncoder(to)
	var spans []Span
	for _, d := range all {
		s, err := ReadDivergence(ctx, from, d, func(r kafka.Record) error {
			x := exported{Topic: d.Topic, Partition: d.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				x.Headers = append(x.Headers, header{string(h.Key), h.Value})
			}
			return e.Encode(x)
		})
		if err != nil {
			return spans, fmt.Errorf("export %s/%d: %w", d.Topic, d.Partition, err)
		}
		spans = append(spans, s)
	}
	return spans, nil
}
