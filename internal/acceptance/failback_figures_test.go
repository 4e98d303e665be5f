package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/failover"
)

// failsOverAsItDies kills the primary while the mirror has not come to its end by far, fails over, and lets the primary come back with its
// old records and its producers.
func (b *bench) failsOverAsItDies(r *running, plain, txn string) {
	t := r.t.(*testing.T)
	t.Helper()
	stop := produceSteadily(t, b.primary, plain)
	feed := hold(t, b.primary, rig.FetchKey, b.prefix)
	defer feed()
	pause(2 * time.Second) // the ends are asked for each second
	b.primary.KillAll(t)
	killed := time.Now()
	done := r.failTo(time.Minute, failover.Order{Who: "tester", Unplanned: true}).State
	if done.Step != failover.Done || done.Seen.NeverMirrored == 0 {
		t.Fatalf("%+v, %+v", done, done.Seen)
	}
	b.primary.Restart(t, 1)
	b.primary.WaitReady(t)
	stop()
	b.confirms(done, killed, b.compare(plain, judge.Options{}), b.compare(txn, judge.Options{}))
}

// confirmsExport asserts that a file of JSON lines holds the records of the primary that were never mirrored, byte by byte, and no other.
func (b *bench) confirmsExport(file []byte, c *judge.Copies) {
	b.t.Helper()
	type line struct {
		Topic             string
		Partition         int32
		Offset, Timestamp int64
		Key, Value        []byte
		Headers           []kgo.RecordHeader `json:",omitempty"`
	}
	said := func(l line) string {
		encoded, err := json.Marshal(l)
		if err != nil {
			b.t.Fatal(err)
		}
		return string(encoded)
	}
	lines := map[string]int{}
	for d := json.NewDecoder(bytes.NewReader(file)); ; {
		var l line
		if err := d.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			b.t.Fatalf("what was exported: %v", err)
		}
		lines[said(l)]++
	}
	for _, p := range c.Partitions() {
		lost := c.Lost(p)
		found := recordsAt(b.t, b.primary, c.Primary, p, lost)
		for _, offset := range lost {
			r := found[offset]
			if r == nil {
				b.t.Fatalf("%s/%d: the primary has no record at %d", c.Primary, p, offset)
			}
			want := said(line{r.Topic, r.Partition, r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, r.Headers})
			if lines[want] != 1 {
				b.t.Errorf("exported %d times: %s", lines[want], want)
			}
			delete(lines, want)
		}
	}
	for l := range lines {
		b.t.Errorf("exported, and on the secondary: %s", l)
	}
}

// recordsAt reads the records of a partition from the first of some offsets to the last.
func recordsAt(t testing.TB, c *rig.Cluster, topic string, partition int32, offsets []int64) map[int64]*kgo.Record {
	t.Helper()
	all := map[int64]*kgo.Record{}
	if len(offsets) == 0 {
		return all
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client := c.Client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offsets[0])}}))
	defer client.Close()
	for all[offsets[len(offsets)-1]] == nil {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { all[r.Offset] = r })
	}
	return all
}
