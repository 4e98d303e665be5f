package replicator

import (
	"context"
	"fmt"
	"testing"
)

// Rows whose commits move on while a request of their group is in flight must not hide the others from the frontier.
func TestFrontierReachesPastRowsThatMovedOn(t *testing.T) {
	b := newBench(t, nil)
	b.front = 0
	b.put(Secondary)
	commit := func(g string, u int64) {
		b.put(Primary, Change{Commit: Commit{Key: Key{g, "t", 0}, Offset: u, LeaderEpoch: 5}})
	}
	for i, g := range []string{"a", "b", "d", "c"} {
		commit(g, []int64{1, 2, 4, 3}[i])
	}
	commit("a", 100)
	commit("b", 200)
	b.front = 3
	b.l.Notify(Advance{Topic: "t"})
	b.l.takeAdvances()
	if r := b.l.known(Key{"c", "t", 0}); r.heap != 0 || !r.has(rowDirty) {
		t.Fatal("c was not reached: it would wait for the next tick")
	}
}

// Values that never land are not remembered for ever.
func TestUnmarkedValuesAreBounded(t *testing.T) {
	b := newBench(t, nil)
	r := b.l.row(benchKey)
	for i := range int64(100_000) {
		b.l.unmarked.sent(r, i)
	}
	if n := len(b.l.unmarked[r]); n > unmarkedLimit || !b.l.unmarked.seen(r, 99_999) {
		t.Fatalf("%d values kept", n)
	}
}

// A random crowd at one partition: after every advance, nobody whom the frontier reached still waits.
func TestNobodyReachedStillWaits(t *testing.T) {
	b := newBench(t, nil)
	b.front = 0
	b.put(Secondary)
	random := uint64(12345)
	next := func(n int64) int64 {
		random = random*6364136223846793005 + 1442695040888963407
		return int64(random>>33) % n
	}
	for range 5_000 {
		key := Key{fmt.Sprint("g", next(30)), "t", 0}
		switch next(10) {
		case 0:
			b.front += next(4)
			b.l.Notify(Advance{Topic: "t"})
			b.l.takeAdvances()
			for _, r := range b.l.table.topics["t"].at(0).waiting {
				if r.primary.offset <= b.front {
					t.Fatalf("%s waits at %d, the frontier is at %d", r.group.name, r.primary.offset, b.front)
				}
			}
			b.l.flow(context.Background())
		case 1:
			if len(b.flying) > 0 {
				i := next(int64(len(b.flying)))
				f := b.flying[i]
				b.flying = append(b.flying[:i], b.flying[i+1:]...)
				b.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{Written}}})
			}
		case 2:
			b.put(Primary, Change{Kind: Deleted, Commit: Commit{Key: key}})
		default:
			b.put(Primary, Change{Commit: Commit{Key: key, Offset: b.front + next(50), LeaderEpoch: 5}})
		}
	}
}
