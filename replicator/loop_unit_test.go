package replicator

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leftoff/leftoff/translate"
)

// bench is a loop with a hand on every event: nothing moves by itself.
type bench struct {
	t      *testing.T
	l      *Loop
	now    time.Time
	front  int64
	flying []flight
	order  [2]int64
	start  int64 // the secondary's log start
}

const benchStart = 1_700_000_000_000 // ms

func newBench(t *testing.T, change func(*Options)) *bench {
	b := &bench{t: t, now: time.UnixMilli(benchStart), front: 1 << 40}
	o := Options{
		Link: "l", PrimaryID: "p", OtherID: "s", Mapper: b, Policy: DefaultPolicy(), SelectGroup: all,
		SelectTopic: all, Now: func() time.Time { return b.now },
	}
	if change != nil {
		change(&o)
	}
	b.l = NewLoop(o)
	b.l.launch = func(_ context.Context, g *group, a Admitted) { b.flying = append(b.flying, flight{g, a}) }
	return b
}

func (b *bench) Forward(_ string, _ [16]byte, _ int32, u int64) Mapping {
	p := translate.Position{Offset: max(min(u, b.front), b.start), Confidence: translate.Exact}
	if u > b.front {
		p.Confidence = translate.Behind
	}
	return Mapping{Topic: "t", Position: p, Secondary: translate.Bounds{LogStart: b.start, End: 1 << 40}}
}
func (b *bench) Mirrored() map[string]int32 { return map[string]int32{"t": 2} }
func (b *bench) Want(string, int32, int64)  {}

var benchKey = Key{"g", "t", 0}

func (b *bench) put(s Side, changes ...Change) {
	for i := range changes {
		b.order[s]++
		changes[i].Commit.Order = Order{Offset: b.order[s]}
		changes[i].Commit.CommittedAt = b.now.UnixMilli()
	}
	b.l.takeBatch(Batch{Side: s, Changes: changes, CaughtUp: true})
	b.l.flow(context.Background())
}

func committed(offset int64) Change {
	return Change{Commit: Commit{Key: benchKey, Offset: offset, LeaderEpoch: 5}}
}

// answer acknowledges the one request in flight and shows it in the secondary's log, as the broker would store it.
func (b *bench) answer(stamped bool) Offset {
	b.t.Helper()
	if len(b.flying) != 1 {
		b.t.Fatalf("%d requests in flight, want 1", len(b.flying))
	}
	f := b.flying[0]
	b.flying = nil
	o := f.a.Offsets()[0]
	b.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{Written}}})
	c := Change{Commit: Commit{Key: o.Key, Offset: o.Offset, Metadata: o.Metadata, LeaderEpoch: -1}}
	if stamped {
		c.Commit.Retention = f.a.Retention().Milliseconds()
	}
	b.put(Secondary, c)
	return o
}

func (b *bench) quiet() {
	b.t.Helper()
	b.l.retryDue()
	b.l.takeTick()
	b.l.flow(context.Background())
	if len(b.flying) != 0 {
		b.t.Fatalf("unexpected request %+v", b.flying[0].a)
	}
}

func TestNothingIsWrittenBeforeBothTailsCaughtUp(t *testing.T) {
	b := newBench(t, nil)
	b.put(Primary, committed(5))
	b.quiet()
	b.put(Secondary)
	if o := b.answer(true); o.Offset != 5 {
		t.Fatalf("wrote %d", o.Offset)
	}
	b.quiet()
}

func TestClosedGateWritesNothing(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Closed = true })
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.quiet()
}

func TestCommitsMergeWhileOneIsInFlight(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.put(Primary, committed(6), committed(7))
	b.put(Primary, committed(8))
	if o := b.answer(true); o.Offset != 5 {
		t.Fatalf("first request: %d", o.Offset)
	}
	if o := b.answer(true); o.Offset != 8 {
		t.Fatalf("merged request: %d", o.Offset)
	}
	b.quiet()
}

func TestDroppedStampIsNoticedAndIdleOffsetsAreCommittedAgain(t *testing.T) {
	told := 0
	b := newBench(t, func(o *Options) { o.StampDropped = func() { told++ } })
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(false)
	if told != 1 || b.l.snapshot(false).Stamp != "dropped" {
		t.Fatalf("told %d times, state %s", told, b.l.snapshot(false).Stamp)
	}
	b.quiet()
	b.now = b.now.Add(7 * time.Hour)
	b.l.takeTick()
	b.l.flow(context.Background())
	if o := b.answer(false); o.Offset != 5 {
		t.Fatalf("refreshed %d", o.Offset)
	}
	if s := b.l.snapshot(true); s.Groups[0].Verdict != "" {
		t.Fatal("an unstamped write of ours was taken for somebody else's")
	}
}

func TestStampedIdleOffsetsRestForWeeks(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	for range 29 * 24 {
		b.now = b.now.Add(time.Hour)
		b.quiet()
	}
	b.now = b.now.Add(48 * time.Hour)
	b.l.takeTick()
	b.l.flow(context.Background())
	b.answer(true)
}

func TestExpiredOffsetIsWrittenAgain(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Secondary, Change{Kind: Deleted, Commit: Commit{Key: benchKey}})
	if o := b.answer(true); o.Offset != 5 {
		t.Fatalf("wrote %d", o.Offset)
	}
}

func TestPrimaryTombstoneKeepsTheSecondary(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Primary, Change{Kind: Deleted, Commit: Commit{Key: benchKey}})
	b.quiet()
}

func TestOppositeLinksCommitsAreNotTheGroupsOwn(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	c := committed(5)
	c.Commit.Retention = Stamp{Link: LinkMark("s", "p"), Writer: 3}.Retention().Milliseconds()
	b.put(Primary, c)
	b.quiet()
}

func TestLogStartPassingAPositionRaisesIt(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.start = 50
	b.l.Notify(Advance{Topic: "t", Partition: 0, All: true})
	b.l.takeAdvances()
	b.l.flow(context.Background())
	if o := b.answer(true); o.Offset != 50 {
		t.Fatalf("raised to %d", o.Offset)
	}
}

func TestBehindIsWrittenAtOnceThenOnceASecondThenExactly(t *testing.T) {
	b := newBench(t, nil)
	b.front = 10
	b.put(Secondary)
	b.put(Primary, committed(100))
	if o := b.answer(true); o.Offset != 10 {
		t.Fatalf("wrote %d, want the frontier", o.Offset)
	}
	advance := func(to int64) {
		b.front = to
		b.l.Notify(Advance{Topic: "t"})
		b.l.takeAdvances()
		b.l.flow(context.Background())
	}
	advance(20)
	b.quiet()
	b.now = b.now.Add(2 * time.Second)
	b.l.takeTick()
	b.l.flow(context.Background())
	if o := b.answer(true); o.Offset != 20 {
		t.Fatalf("raised to %d", o.Offset)
	}
	advance(150)
	if o := b.answer(true); o.Offset != 100 {
		t.Fatalf("exact at %d", o.Offset)
	}
}

func joined(members int) Change {
	return Change{Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup, Members: members}}
}

func TestTakenOverUntilReclaimed(t *testing.T) {
	remembered := map[string]Verdict{}
	remember := func(o *Options) { o.Remember = func(g string, v Verdict) { remembered[g] = v } }
	b := newBench(t, remember)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)

	b.put(Secondary, joined(1))
	b.put(Primary, committed(6))
	b.quiet()
	if _, err := b.l.reclaim("g", "test"); !errors.Is(err, ErrGroupLive) {
		t.Fatalf("reclaim of a live group: %v", err)
	}
	b.put(Secondary, committed(40), joined(0))
	b.put(Primary, committed(7))
	b.quiet()

	again := newBench(t, func(o *Options) { remember(o); o.Verdicts = remembered })
	again.put(Secondary) // the log was compacted away: only the verdict is left
	again.put(Primary, committed(8))
	again.quiet()

	if _, err := b.l.reclaim("nobody", "test"); !errors.Is(err, ErrUnknownGroup) {
		t.Fatalf("reclaim of an unknown group: %v", err)
	}
	if _, err := b.l.reclaim("g", "test"); err != nil {
		t.Fatal(err)
	}
	b.l.flow(context.Background())
	if o := b.answer(true); o.Offset != 7 {
		t.Fatalf("after reclaim wrote %d", o.Offset)
	}
	b.put(Secondary, committed(41))
	b.put(Primary, committed(9))
	b.quiet()
}

func TestRefusalBeatsReclaim(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	f := b.flying[0]
	b.flying = nil
	b.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{RefusedLive}}})
	b.quiet()
	if v := b.l.table.groups["g"].verdict.Kind; v != VerdictTakenOver {
		t.Fatalf("verdict %v", v)
	}
}

func TestUnansweredIsTriedAgainWithItsReasonShown(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	f := b.flying[0]
	b.flying = nil
	b.l.answered(sent{f.g, f.a, Result{Err: errors.New("connection refused")}})
	b.quiet()
	if e := b.l.snapshot(true).Groups[0].Entries[0]; e.Reason != Unreachable || e.Detail != "connection refused" {
		t.Fatalf("entry %+v", e)
	}
	b.now = b.now.Add(time.Minute)
	b.l.retryDue()
	b.l.flow(context.Background())
	if o := b.answer(true); o.Offset != 5 {
		t.Fatalf("wrote %d", o.Offset)
	}
}

func TestUncommittedPartitionsAreReported(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	if u := b.l.snapshot(true).Groups[0].Uncommitted; len(u) != 1 || u[0] != (Key{"g", "t", 1}) {
		t.Fatalf("uncommitted: %v", u)
	}
}

func TestUnreadableValueIsNeverGuessed(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Primary, Change{Kind: Unreadable, Commit: Commit{Key: benchKey}})
	b.quiet()
	if e := b.l.snapshot(true).Groups[0].Entries[0]; e.Reason != SourceDegraded || e.Detail == "" {
		t.Fatalf("entry %+v", e)
	}
	b.put(Primary, committed(6))
	b.answer(true)
}

func TestLateEchoOfAnEarlierWriteIsNoRewind(t *testing.T) {
	for _, stamped := range []bool{true, false} {
		t.Run(fmt.Sprint("stamped ", stamped), func(t *testing.T) { lateEcho(t, stamped) })
	}
}

func lateEcho(t *testing.T, stamped bool) {
	b := newBench(t, nil)
	b.put(Secondary)
	var echoes []Change
	for _, u := range []int64{5, 6} { // two writes acknowledged before the log shows the first
		b.put(Primary, committed(u))
		f := b.flying[0]
		b.flying = nil
		b.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{Written}}})
		echo := Change{Commit: Commit{Key: benchKey, Offset: u, LeaderEpoch: -1}}
		if stamped {
			echo.Commit.Retention = f.a.Retention().Milliseconds()
		}
		echoes = append(echoes, echo)
	}
	b.put(Secondary, echoes[0])
	b.quiet()
	b.put(Secondary, echoes[1])
	b.quiet()
	if v := b.l.table.groups["g"].verdict.Kind; v != NoVerdict {
		t.Fatalf("our own writes led to %v", v)
	}
}

func TestAcknowledgedWriteThatNeverShowsUpIsWrittenAgain(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	f := b.flying[0]
	b.flying = nil
	b.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{Written}}})
	b.quiet()
	b.now = b.now.Add(lostAfter + time.Second)
	for range 2 {
		b.l.takeTick()
	}
	b.l.flow(context.Background())
	b.answer(true)
}
