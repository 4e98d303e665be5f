package replicator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// With topics renamed, the secondary's log speaks of the secondary's names.
func TestRenamedTopicsMeetTheirOriginals(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.PrimaryTopic = func(s string) (string, bool) { return strings.CutPrefix(s, "west.") }
	})
	there := func(c Change, topic string) Change {
		c.Commit.Topic = topic
		return c
	}
	foreign := committed(30)
	foreign.Commit.LeaderEpoch = -1
	b.put(Secondary, there(foreign, "west.t"))
	b.put(Primary, committed(5))
	b.quiet() // ahead of us: first contact keeps it
	if e := b.l.snapshot(true).Groups[0].Entries[0]; e.Reason != AheadOnSecondary || e.Written != 30 {
		t.Fatalf("entry %+v", e)
	}
	b.put(Primary, committed(40))
	f := b.flying[0]
	b.flying = nil
	b.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{Written}}})
	b.put(Secondary, there(echo(f), "west.t"))
	if r := b.l.known(benchKey); !r.ours() || r.has(rowAwaiting) {
		t.Fatalf("our own write was not recognised: %+v", r)
	}
	// A topic of that name on the secondary that is no copy has nothing to do with the primary's.
	native := committed(3)
	native.Commit.LeaderEpoch = -1
	b.put(Secondary, there(native, "t"))
	b.quiet()
	if r := b.l.known(benchKey); r.held.offset != 40 || r.group.verdict.Kind != NoVerdict {
		t.Fatalf("row %+v, verdict %+v", r, r.group.verdict)
	}
}

// A reclaimed group whose disk was lost: the old foreign value in the log was overwritten on purpose, long ago.
func TestOldForeignValueIsNotPutBackAfterTheDiskWasLost(t *testing.T) {
	b := newBench(t, nil)
	old := committed(500)
	b.put(Secondary, joined(0), old)
	b.now = b.now.Add(time.Hour)
	ours := committed(20)
	ours.Commit.LeaderEpoch, ours.Commit.Retention = -1, b.l.stamp.Retention().Milliseconds()
	b.put(Secondary, ours)
	b.put(Primary, committed(20))
	b.later(time.Minute)
	if len(b.flying) > 0 {
		t.Fatalf("put back %+v", b.flying[0].a.Offsets())
	}
}

// A value this program can't read is somebody else's: it must not be overwritten.
func TestUnreadableValueOnTheSecondaryIsNotClobbered(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	b.answer(true)
	b.put(Secondary, Change{Kind: Unreadable, Commit: Commit{Key: benchKey}})
	b.put(Primary, committed(6))
	b.quiet()
	if v := b.l.table.groups["g"].verdict; v.Kind != VerdictTakenOver || v.Why == "" {
		t.Fatalf("verdict %+v", v)
	}
}

// What the opposite link put back is the group's own commit, not that link's.
func TestReturnedValueOfTheOppositeLinkIsTheGroupsOwn(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	c := committed(5)
	c.Commit.LeaderEpoch = -1
	c.Commit.Retention = Stamp{Link: LinkMark("s", "p"), Writer: returnedWriter}.Retention().Milliseconds()
	b.put(Primary, c)
	if o := b.answer(true); o.Offset != 5 {
		t.Fatalf("wrote %d", o.Offset)
	}
}

// Groups that the configuration leaves out are nobody's business: no verdict, no line in the log.
func TestFilteredGroupsGetNoVerdict(t *testing.T) {
	told := 0
	b := newBench(t, func(o *Options) {
		o.SelectGroup = func(g string) bool { return g != "g" }
		o.Remember = func(string, Verdict) { told++ }
	})
	b.put(Secondary, joined(1))
	if told != 0 || b.l.filtered != 1 {
		t.Fatalf("%d verdicts, %d filtered", told, b.l.filtered)
	}
}

// An answer that was under way must not hide that the newest commit could not be read.
func TestAnswersDoNotHideAnUnreadableCommit(t *testing.T) {
	for _, res := range []Result{{Outcomes: []Outcome{Written}}, {Err: errors.New("timed out")}} {
		b := newBench(t, nil)
		b.put(Secondary)
		b.put(Primary, committed(5))
		f := b.flying[0]
		b.flying = nil
		b.put(Primary, Change{Kind: Unreadable, Commit: Commit{Key: benchKey}})
		b.l.answered(sent{f.g, f.a, res})
		b.later(time.Minute)
		if e := b.l.snapshot(true).Groups[0].Entries[0]; e.Reason != SourceDegraded || e.Detail == "" {
			t.Fatalf("entry %+v", e)
		}
	}
}

func TestPairsAreCountedOnce(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, Change{Kind: Deleted, Commit: Commit{Key: benchKey}})
	opposites := committed(5)
	opposites.Commit.Retention = Stamp{Link: LinkMark("s", "p"), Writer: 3}.Retention().Milliseconds()
	b.put(Primary, opposites, opposites, opposites)
	if n := b.l.table.pairs[Primary]; n != 0 {
		t.Fatalf("%d pairs, want none", n)
	}
	b.put(Primary, committed(6), opposites, committed(7))
	gone := Change{Kind: Deleted, Commit: Commit{Key: benchKey}}
	b.put(Primary, gone, gone)
	if n := b.l.table.pairs[Primary]; n != 0 {
		t.Fatalf("%d pairs, want none", n)
	}
}

// Questions to a loop that has ended get an answer: nobody would ever serve them.
func TestQuestionsAfterTheEndAreAnswered(t *testing.T) {
	l := NewLoop(Options{PrimaryID: "p", OtherID: "s", SelectGroup: all, SelectTopic: all})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	patient, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	if _, err := l.Snapshot(patient, true); !errors.Is(err, ErrEnded) {
		t.Fatalf("%v", err)
	}
}

// The queue of a link that is never idle does not grow for ever.
func TestQueueStaysSmall(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxInFlight = 1 })
	b.put(Secondary)
	for i := range int64(20_000) {
		for _, g := range []string{"a", "b", "c"} {
			b.put(Primary, Change{Commit: Commit{Key: Key{g, "t", 0}, Offset: i, LeaderEpoch: 5}})
		}
		f := b.flying[0]
		b.flying = nil
		b.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{Written}}})
		b.l.flow(context.Background())
	}
	if n := cap(b.l.queue.line); n > 8 {
		t.Fatalf("the queue has room for %d entries, for 3 groups", n)
	}
}
