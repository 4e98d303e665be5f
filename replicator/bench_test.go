package replicator

import (
	"context"
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/translate"
)

const (
	benchGroups     = 1_000
	benchPartitions = 10
)

// straight maps every offset one to one.
type straight struct{}

func (straight) Forward(topic string, _ [16]byte, _ int32, u int64) Mapping {
	return Mapping{Topic: topic, Position: translate.Position{Offset: u, Confidence: translate.Exact}}
}
func (straight) Mirrored() map[string]int32 { return map[string]int32{"orders": benchPartitions} }
func (straight) Want(string, int32, int64)  {}

// benchLoop answers every request at once, without a goroutine.
func benchLoop(closed bool) *Loop {
	l := NewLoop(Options{
		Link: "bench", PrimaryID: "p", OtherID: "s", Mapper: straight{}, Policy: DefaultPolicy(), SelectGroup: all, SelectTopic: all, Closed: closed,
	})
	l.launch = func(_ context.Context, g *group, a Admitted) {
		l.answered(sent{group: g, admitted: a, result: Result{Outcomes: make([]Outcome, len(a.Offsets()))}})
	}
	return l
}

// benchBatch is one commit of every pair, at an offset and at a place in the log.
func benchBatch(offset, place int64) Batch {
	b := Batch{Side: Primary, CaughtUp: true, Changes: make([]Change, 0, benchGroups*benchPartitions)}
	for g := range benchGroups {
		for p := range int32(benchPartitions) {
			k := Key{Group: fmt.Sprintf("group-%d", g), Topic: "orders", Partition: p}
			b.Changes = append(b.Changes, Change{Commit: Commit{Key: k, Offset: offset, LeaderEpoch: -1, CommittedAt: place, Order: Order{Offset: place}}})
		}
	}
	return b
}

// renew makes the same batch one commit later, in place.
func renew(b *Batch, offset int64) {
	for i := range b.Changes {
		c := &b.Changes[i].Commit
		c.Offset, c.CommittedAt, c.Order.Offset = offset, offset, offset
	}
}

// BenchmarkLedger takes commits of 10,000 known pairs into the table: nothing is planned, as the gate is closed.
func BenchmarkLedger(b *testing.B) {
	l, batch, n := benchLoop(true), benchBatch(1, 1), int64(1)
	l.takeBatch(batch)
	b.ReportAllocs()
	for b.Loop() {
		n++
		renew(&batch, n)
		l.takeBatch(batch)
	}
	if want := n * int64(len(batch.Changes)); l.counters.Commits != want {
		b.Fatalf("%d commits taken, not %d", l.counters.Commits, want)
	}
	b.ReportMetric(float64(b.N*len(batch.Changes))/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkLedgerFirst is the same for pairs that were never seen: the table grows.
func BenchmarkLedgerFirst(b *testing.B) {
	batch := benchBatch(1, 1)
	b.ReportAllocs()
	for b.Loop() {
		benchLoop(true).takeBatch(batch)
	}
	b.ReportMetric(float64(b.N*len(batch.Changes))/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkPlan is a commit's whole way through the core: ledger, plan, gate, and the secondary's answer.
func BenchmarkPlan(b *testing.B) {
	l, batch, n := benchLoop(false), benchBatch(1, 1), int64(1)
	l.takeBatch(Batch{Side: Secondary, CaughtUp: true})
	l.takeBatch(batch)
	l.flow(b.Context())
	b.ReportAllocs()
	for b.Loop() {
		n++
		renew(&batch, n)
		l.takeBatch(batch)
		l.flow(b.Context())
	}
	if want := n * int64(len(batch.Changes)); l.counters.Written != want {
		b.Fatalf("%d offsets written, not %d", l.counters.Written, want)
	}
	b.ReportMetric(float64(b.N*len(batch.Changes))/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkDecide is the decision alone.
func BenchmarkDecide(b *testing.B) {
	row := Row{Commit: Commit{Key: Key{Group: "payments", Topic: "orders"}, Offset: 42, LeaderEpoch: -1}, Held: 41, HasHeld: true, Ours: true}
	m := straight{}.Forward("orders", [16]byte{}, 0, 42)
	policy := DefaultPolicy()
	b.ReportAllocs()
	for b.Loop() {
		if e := Decide(row, m, policy); !e.Write {
			b.Fatal(e)
		}
	}
}
