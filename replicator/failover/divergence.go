package failover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
}

const divergenceBytes = 4 << 20

// ReadDivergence yields the records of a part of a divergence in order, and says how many there were. Transaction markers and what
// was aborted are none.
func ReadDivergence(ctx context.Context, from Reader, d Unmirrored, yield func(kafka.Record) error) (Span, error) {
	s := Span{Unmirrored: d}
	tp := kafka.TopicPartition{Topic: d.Topic, Partition: d.Partition}
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
				when := time.UnixMilli(r.Timestamp).UTC()
				if s.Records++; s.Records == 1 {
					s.First = when
				}
				s.Last, failed = when, yield(r)
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

// Target is what a replay needs of a cluster.
type Target interface {
	InitProducer(ctx context.Context) (kafka.ProducerID, error)
	NewProducer(o kafka.ProducerOptions) *kafka.Producer
}

const replayBatch = 500

// ReplayDivergence produces the records to the secondary, into the partitions of the same numbers, behind what is there. there is what
// a topic is called on it. One that is interrupted and repeated produces records twice.
func ReplayDivergence(ctx context.Context, from Reader, all []Unmirrored, to Target, there func(topic string) string) ([]Span, error) {
	id, err := to.InitProducer(ctx)
	if err != nil {
		return nil, err
	}
	p := to.NewProducer(kafka.ProducerOptions{})
	defer p.Close()
	var spans []Span
	for _, d := range all {
		tp := kafka.TopicPartition{Topic: there(d.Topic), Partition: d.Partition}
		sequence := int32(0)
		var batch []kafka.Record
		flush := func() error {
			if len(batch) == 0 {
				return nil
			}
			b := kafka.ProduceBatch{ProducerID: id, FirstSequence: sequence, Records: batch}
			sequence += int32(len(batch))
			batch = nil
			return send(ctx, p, tp, b)
		}
		s, err := ReadDivergence(ctx, from, d, func(r kafka.Record) error {
			if batch = append(batch, r); len(batch) < replayBatch {
				return nil
			}
			return flush()
		})
		if err = errors.Join(err, flush()); err != nil {
			return spans, fmt.Errorf("replay %s: %w", tp, err)
		}
		spans = append(spans, s)
	}
	return spans, nil
}
