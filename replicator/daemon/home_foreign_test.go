package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/match"
	"github.com/leftoff/leftoff/translate"
)

// somebodys is a source over a mirror that is not leftoff's; it answers what it was asked.
type somebodys struct{ source }

func (somebodys) Forward(_ string, _ [16]byte, _ int32, offset int64) replicator.Mapping {
	return replicator.Mapping{Detail: fmt.Sprint("mirror at ", offset)}
}

// abroad is an embedded pair with one topic of one partition.
type abroad struct {
	*testing.T
	ground
	clients [2]*kgo.Client
	pair    *checkpoint.Partition
}

func newAbroad(t *testing.T) *abroad {
	a := &abroad{T: t}
	a.l = &link{Link: Link{Mapping: "match", Rename: func(topic string) (string, bool) { return topic, true }}, log: zap.NewNop()}
	for side, name := range []string{"west", "east"} {
		r, err := region.Start(region.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		a.l.clusters[side] = kafka.Open(kafka.Config{Name: name, Brokers: r.Bootstrap()}, nil)
		t.Cleanup(func() { a.l.clusters[side].Close() })
		client, err := kgo.NewClient(kgo.SeedBrokers(r.Bootstrap()...), kgo.DefaultProduceTopic("orders"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		if _, err := kadm.NewClient(client).CreateTopic(context.Background(), 1, 1, nil, "orders"); err != nil {
			t.Fatal(err)
		}
		a.clients[side] = client
	}
	x, err := checkpoint.Open(filepath.Join(t.TempDir(), "link.db"), checkpoint.Options{Link: checkpoint.Link{Name: "link"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	pair, _, err := x.Pair(checkpoint.Topics{Primary: checkpoint.Topic{Name: "orders", ID: [16]byte{1}}, Secondary: checkpoint.Topic{Name: "orders", ID: [16]byte{2}},
		Partitions: 1, Source: "match"})
	if err != nil {
		t.Fatal(err)
	}
	a.l.index, a.pair = x, pair.Partition(0)
	a.r = &running{source: somebodys{}, memory: newMemory(a.l.clusters[1], "link", zap.NewNop())}
	return a
}

// produce writes records of the numbers from, …, to−1: the same number is the same record on both sides.
func (a *abroad) produce(side replicator.Side, from, to int) {
	a.Helper()
	for i := from; i < to; i++ {
		r := &kgo.Record{Value: fmt.Appendf(nil, "order %d", i), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i))}
		if err := a.clients[side].ProduceSync(context.Background(), r).FirstErr(); err != nil {
			a.Fatal(err)
		}
	}
}

func (a *abroad) diverged(id string, m failover.Mark) failover.Divergence {
	a.Helper()
	d, err := a.Diverged(context.Background(), failover.State{ID: id}, map[string]failover.Role{"orders": {Name: failover.Switched, Marks: []failover.Mark{m}}})
	if err != nil {
		a.Fatal(err)
	}
	return d
}

func only(t *testing.T, what string, d failover.Divergence, from, to int64) {
	t.Helper()
	if len(d.Found) != 1 || d.Found[0] != (failover.Unmirrored{Topic: "orders", From: from, To: to}) || len(d.Waits) != 0 {
		t.Errorf("%s: %+v, want %d to %d", what, d, from, to)
	}
}

// What the secondary never got, over a mirror that is not leftoff's: never less than that, and what it had copied is left out where the
// records prove it.
func TestDivergedOverAnotherMirror(t *testing.T) {
	a := newAbroad(t)
	a.produce(replicator.Primary, 0, 40)
	a.produce(replicator.Secondary, 0, 30)
	if err := a.pair.Append(translate.Run{Length: 20}); err != nil {
		t.Fatal(err)
	}
	if err := a.pair.Advance(translate.Frontier{Primary: 20, Secondary: 20}); err != nil {
		t.Fatal(err)
	}
	only(t, "compared up to 20, copied up to 30", a.diverged("1", failover.Mark{Primary: 20, Secondary: 30}), 30, 40)
	if d := a.diverged("1", failover.Mark{Primary: 20, Secondary: 30}); len(d.Copied) != 1 || d.Copied[0] != (failover.Unmirrored{Topic: "orders", From: 20, To: 30}) {
		t.Errorf("copied before the switch: %+v", d.Copied)
	}
	only(t, "switched where nothing was copied any more", a.diverged("2", failover.Mark{Primary: 20, Secondary: 20}), 20, 40)
	d := a.diverged("2", failover.Mark{Primary: 20, Secondary: 20})
	if len(d.Doubts) != 1 || !strings.Contains(d.Doubts[0], "10 records of the primary were copied to the secondary after the switch, the first to 20") {
		t.Errorf("what was copied above S* is not said: %q", d.Doubts)
	}

	a.produce(replicator.Secondary, 900, 950) // its own
	if d := a.diverged("1", failover.Mark{Primary: 20, Secondary: 30}); len(d.Doubts) != 0 {
		t.Errorf("records that were produced there: %q", d.Doubts)
	}
	a.produce(replicator.Secondary, 35, 36)
	if d := a.diverged("1", failover.Mark{Primary: 20, Secondary: 30}); len(d.Doubts) != 1 || !strings.Contains(d.Doubts[0], "the first to 80") {
		t.Errorf("a mirror that goes on: %q", d.Doubts)
	}

	// The mirror went on, and the frontier with it: where the copies of the rest begin is known by the run that ends there.
	if err := a.pair.Advance(translate.Frontier{Primary: 36, Secondary: 81}); err != nil {
		t.Fatal(err)
	}
	only(t, "compared up to 20, copied up to 30, and more since", a.diverged("6", failover.Mark{Primary: 20, Secondary: 30}), 30, 40)

	// Its own records below S*, by a switch that came too late: nothing can be left out.
	only(t, "not the mirror's alone", a.diverged("3", failover.Mark{Primary: 20, Secondary: 31}), 20, 40)
	only(t, "a hole in what was copied", a.diverged("7", failover.Mark{Primary: 10, Secondary: 80}), 10, 40)

	// The index may have been lost, and the topic empty on the secondary: all of the primary's.
	if d := a.diverged("4", failover.Mark{Primary: -1, Secondary: 0}); len(d.Found) != 1 || d.Found[0].From != 0 {
		t.Errorf("nothing was ever copied: %+v", d)
	}
	if err := kadmDelete(a, 25); err != nil {
		t.Fatal(err)
	}
	only(t, "the primary has deleted the start of it", a.diverged("5", failover.Mark{Primary: 20, Secondary: 20}), 25, 40)
}

func kadmDelete(a *abroad, before int64) error {
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: "orders", At: before})
	got, err := kadm.NewClient(a.clients[replicator.Primary]).DeleteRecords(context.Background(), o)
	return errors.Join(err, got.Error())
}

// A link that rests on equal offsets has no way home: what comes home gets other ones.
func TestNoWayHomeForEqualOffsets(t *testing.T) {
	a := newAbroad(t)
	a.l.Mapping = "identity"
	_, err := a.Diverged(context.Background(), failover.State{}, map[string]failover.Role{"orders": {Name: failover.Switched}})
	if !errors.Is(err, errForeignMirror) {
		t.Error(err)
	}
}

// On the way home a group stands among copies, or behind the last one: then it reads on where the topic was switched.
func TestBelow(t *testing.T) {
	a := newAbroad(t)
	a.produce(replicator.Secondary, 0, 10)
	txn, err := kgo.NewClient(kgo.SeedBrokers(a.clients[1].OptValue(kgo.SeedBrokers).([]string)...), kgo.DefaultProduceTopic("orders"), kgo.TransactionalID("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Close()
	ctx := context.Background()
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} { // 10, marker, 12, marker
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := txn.ProduceSync(ctx, &kgo.Record{Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := txn.EndTransaction(ctx, end); err != nil {
			t.Fatal(err)
		}
	}
	tp := kafka.TopicPartition{Topic: "orders"}
	for end, past := range map[int64]int64{0: 0, 5: 5, 10: 10, 11: 11, 12: 11, 13: 11, 14: 11} {
		got, err := tailOf(ctx, a.l.clusters[replicator.Secondary], tp, end)
		if err != nil || got != (copiesEnd{past, end}) {
			t.Errorf("below %d: %+v %v, want the last copy to end at %d", end, got, err, past)
		}
	}

	b := &below{match: match.New(match.Options{Name: a.l.Rename}), tails: map[kafka.TopicPartition]copiesEnd{tp: {11, 14}}}
	m := (&ways{below: b}).over(somebodys{})
	for offset, want := range map[int64]string{11: "mirror at 14", 14: "mirror at 14", 20: "mirror at 20", 10: "compared", 0: "compared"} {
		if got := m.Forward("orders", [16]byte{}, 0, offset); !strings.Contains(got.Detail, want) {
			t.Errorf("at %d: %+v, want %q", offset, got, want)
		}
	}
	if got := m.Forward("orders", [16]byte{}, 0, 3); got.Reason != replicator.CatchingUp {
		t.Errorf("before the records were compared: %s", got.Reason)
	}
	if got := m.Forward("orders", [16]byte{}, 1, 3); got.Detail != "mirror at 3" {
		t.Errorf("a partition that was never copied: %+v", got)
	}
	if _, plain := (&ways{}).over(somebodys{}).(somebodys); !plain {
		t.Error("a link that is no way home")
	}
}

// Nothing that a mirror leaves out by a person's word is behind, and nothing that it may have copied is passed over.
func TestPassOver(t *testing.T) {
	for what, c := range map[string]struct {
		front, switched, home int64 // on the secondary: compared up to, P* and S*, its end in the end
		want                  int64
	}{
		"nothing was produced there": {30, 30, 30, 40},
		"records were":               {30, 30, 35, 30},
		"not all was compared":       {25, 30, 30, 30},
	} {
		a := newAbroad(t)
		if err := errors.Join(a.pair.Append(translate.Run{Length: 30}), a.pair.Advance(translate.Frontier{Primary: 30, Secondary: c.front})); err != nil {
			t.Fatal(err)
		}
		a.r.loop = replicator.NewLoop(replicator.Options{Mapper: ruled{source: somebodys{}, memory: a.r.memory}})
		a.passOver(failover.State{Home: &failover.Home{Marks: map[string][]failover.Mark{"orders": {{Primary: 40, Secondary: c.home}}, "gone": {{}}}}},
			map[string]failover.Role{"orders": {Marks: []failover.Mark{{Primary: 30, Secondary: c.switched}}}, "gone": {}})
		if f, _ := a.pair.Frontier(); f.Primary != c.want {
			t.Errorf("%s: the frontier is %+v, want %d", what, f, c.want)
		}
	}
}
