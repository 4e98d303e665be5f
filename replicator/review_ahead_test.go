package replicator

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leftoff/leftoff/translate"
)

// unanswered leaves the one request in flight without an answer; landed shows it in the secondary's log all the same.
func (b *bench) unanswered(landed bool) {
	b.t.Helper()
	if len(b.flying) != 1 {
		b.t.Fatalf("%d requests in flight, want 1", len(b.flying))
	}
	f := b.flying[0]
	b.flying = nil
	b.l.answered(sent{f.g, f.a, Result{Err: errors.New("timed out")}})
	if landed {
		b.put(Secondary, echo(f))
	}
}

func echo(f flight) Change {
	o := f.a.Offsets()[0]
	return Change{Commit: Commit{Key: o.Key, Offset: o.Offset, Metadata: o.Metadata, LeaderEpoch: -1, Retention: f.a.Retention().Milliseconds()}}
}

func (b *bench) later(d time.Duration) {
	b.now = b.now.Add(d)
	b.l.retryDue()
	b.l.takeTick()
	b.l.flow(context.Background())
}

// floors answers with a fixed mapping.
type floors struct {
	*bench
	answer Mapping
}

func (f *floors) Forward(string, [16]byte, int32, int64) Mapping { return f.answer }

func floorBench(t *testing.T, c translate.Confidence, d int64) (*bench, *floors) {
	f := &floors{answer: with(c, d)}
	b := newBench(t, func(o *Options) { o.Mapper = f })
	f.bench = b
	return b, f
}

// A value that landed although its request went unanswered was not made from the commit of the one before it: after the
// group went back, it must not stay as "proven".
func TestValueOfAnUnansweredWriteHasNoBasis(t *testing.T) {
	b, f := floorBench(t, translate.Exact, 5)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	f.answer = with(translate.Floor, 80)
	b.put(Primary, committed(100))
	b.unanswered(true)
	f.answer = with(translate.Floor, 40)
	b.put(Primary, committed(50)) // went back; T(50) is 40 or more, and may well be below 80
	b.later(time.Minute)
	if o := b.answer(true); o.Offset != 40 {
		t.Fatalf("wrote %d", o.Offset)
	}
}

// A request that left before the mapping was called off must not make its position proven when its answer comes.
func TestAnswerFromBeforeATruncationProvesNothing(t *testing.T) {
	for _, logFirst := range []bool{false, true} {
		b, f := floorBench(t, translate.Exact, 80)
		b.put(Secondary)
		b.put(Primary, committed(100))
		f.answer = with(translate.Behind, 50) // the secondary lost its end
		b.l.Notify(Advance{Topic: "t", All: true})
		b.l.takeAdvances()
		first := b.flying[0]
		if logFirst {
			b.put(Secondary, echo(first))
		}
		b.flying = nil
		b.l.answered(sent{first.g, first.a, Result{Outcomes: []Outcome{Written}}})
		b.l.flow(context.Background())
		if !logFirst {
			b.put(Secondary, echo(first))
		}
		b.later(time.Minute)
		if o := b.answer(true); o.Offset != 50 {
			t.Fatalf("wrote %d", o.Offset)
		}
	}
}

// What the log shows of a write that went unanswered counts, also while the next is on its way.
func TestLandedWriteIsSeenWhileTheNextIsInFlight(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Primary, committed(10))
	ten := b.flying[0]
	b.unanswered(false)
	b.put(Primary, committed(20))
	b.later(time.Minute)
	b.put(Secondary, echo(ten)) // it had landed
	b.unanswered(false)         // this one did not
	b.put(Primary, committed(5))
	b.later(time.Minute)
	if o := b.answer(true); o.Offset != 5 {
		t.Fatalf("wrote %d", o.Offset)
	}
}

// An unanswered write after an acknowledged one does not make the acknowledged one look lost.
func TestAcknowledgedWriteIsConfirmedWhileTheNextIsInFlight(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	five := b.flying[0]
	b.flying = nil
	b.l.answered(sent{five.g, five.a, Result{Outcomes: []Outcome{Written}}})
	b.put(Primary, committed(6))
	b.put(Secondary, echo(five))
	b.unanswered(false)
	if r := b.l.known(benchKey); r.has(rowAwaiting) || r.held.offset != 5 {
		t.Fatalf("row %+v", r)
	}
}
