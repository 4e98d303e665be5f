package acceptance

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// chronicle reads a cluster's state topic, going round the proxies.
type chronicle struct{ log *failover.KafkaLog }

func newChronicle(t *testing.T, c *rig.Cluster) chronicle {
	t.Helper()
	k := kafka.Open(kafka.Config{Name: "chronicle", Brokers: c.Direct()}, nil)
	t.Cleanup(func() { k.Close() })
	return chronicle{&failover.KafkaLog{Cluster: k}}
}

// of is what it says of a link.
func (c chronicle) of(t *testing.T, link string) failover.Known {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	k, err := failover.NewStore(oneLink{c.log, link}, link).Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// has says whether a record is there.
func (c chronicle) has(t *testing.T, value []byte) (there bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if err := c.log.Read(ctx, func(_ int64, v []byte) { there = there || bytes.Equal(v, value) }); err != nil {
		t.Fatal(err)
	}
	return there
}

// oneLink is a log without what is of other links: decoding all of it for each of many lives takes its time.
type oneLink struct {
	*failover.KafkaLog
	link string
}

func (l oneLink) Read(ctx context.Context, yield func(int64, []byte)) error {
	name, err := json.Marshal(l.link)
	if err != nil {
		return err
	}
	return l.KafkaLog.Read(ctx, func(offset int64, value []byte) {
		if bytes.Contains(value, name) {
			yield(offset, value)
		}
	})
}

func (oneLink) Append(context.Context, [][]byte) error { return errors.New("only for reading") }

// stateWrite is one to a state topic that a kill waits for: the first of its link that is of this kind and says this.
type stateWrite struct {
	link    string
	kind    failover.Kind
	step    failover.Step // of a state
	verdict string        // of a group
}

func (w stateWrite) is(e failover.Event) bool {
	return e.Link == w.link && e.Kind == w.kind && (w.step == "" || e.State.Step == w.step) && (w.verdict == "" || e.Verdict == w.verdict)
}

// heldWrite is one on its way to the broker.
type heldWrite struct {
	*rig.Hold
	in     chronicle
	values [][]byte // what it is about to say
}

// hold holds the write when it comes.
func (w stateWrite) hold(p *rig.Proxy, in chronicle) *heldWrite {
	h := &heldWrite{in: in}
	h.Hold = p.HoldMatching(rig.ProduceKey, func(request []byte) bool {
		values := said(request)
		for _, value := range values {
			var e failover.Event
			if json.Unmarshal(value, &e) == nil && w.is(e) {
				h.values = values
				return true
			}
		}
		return false
	})
	return h
}

var gzipped = []byte{0x1f, 0x8b, 8}

// said are the events in a Produce request.
func said(request []byte) [][]byte {
	if !bytes.Contains(request, []byte(failover.Topic)) {
		return nil
	}
	for at := 0; ; at++ {
		next := bytes.Index(request[at:], gzipped)
		if next < 0 {
			return nil
		}
		at += next
		z, err := gzip.NewReader(bytes.NewReader(request[at:]))
		if err != nil {
			continue
		}
		z.Multistream(false)
		if records, err := io.ReadAll(z); err == nil {
			return eventsIn(records)
		}
	}
}

// eventsIn are the values of records: each an object that begins with its kind.
func eventsIn(records []byte) (all [][]byte) {
	for {
		at := bytes.Index(records, []byte(`{"kind":`))
		if at < 0 {
			return all
		}
		var value json.RawMessage
		d := json.NewDecoder(bytes.NewReader(records[at:]))
		if d.Decode(&value) != nil {
			return all
		}
		all, records = append(all, value), records[at+int(d.InputOffset()):]
	}
}
