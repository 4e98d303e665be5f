package replicator

import (
	"context"
	"testing"

	"github.com/leftoff/leftoff/translate"
)

// rewind: never is about the group going back. It does not protect a position that the secondary has lost.
func TestNeverRewindDoesNotProtectWhatTheSecondaryLost(t *testing.T) {
	f := &floors{answer: with(translate.Exact, 80)}
	b := newBench(t, func(o *Options) { o.Mapper, o.Policy.Rewind = f, "never" })
	f.bench = b
	b.put(Secondary)
	b.put(Primary, committed(100))
	b.answer(true)
	f.answer = with(translate.Behind, 50)
	b.l.Notify(Advance{Topic: "t", All: true})
	b.l.takeAdvances()
	b.l.flow(context.Background())
	if o := b.answer(true); o.Offset != 50 {
		t.Fatalf("wrote %d", o.Offset)
	}
	f.answer = with(translate.Exact, 30)
	b.put(Primary, committed(30)) // this is the group's own way back
	b.quiet()
}

// A value that waits to be put back is forgotten when a person gives the group to leftoff.
func TestReclaimForgetsWhatWasToBePutBack(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Primary, committed(6))
	late := b.flying[0]
	b.flying = nil
	b.put(Secondary, committed(40))
	b.put(Secondary, joined(1), echo(late)) // a clobber, which can't be put back while somebody is there
	b.l.answered(sent{late.g, late.a, Result{Outcomes: []Outcome{Written}}})
	b.l.flow(context.Background())
	if len(b.l.repairs) != 1 {
		t.Fatalf("%d repairs noted", len(b.l.repairs))
	}
	b.l.table.groups["g"].classicMembers = 0
	if _, err := b.l.reclaim("g", "test"); err != nil {
		t.Fatal(err)
	}
	b.put(Primary, committed(7))
	b.answer(true)
	b.put(Secondary, joined(0)) // taken over again
	b.quiet()
}
