package replicator

import (
	"context"
	"testing"
	"time"
)

// counting counts how often the mapping is asked.
type counting struct {
	*bench
	asked int
}

func (c *counting) Forward(topic string, id [16]byte, n int32, u int64) Mapping {
	c.asked++
	return c.bench.Forward(topic, id, n, u)
}

// A commit is planned once: neither its acknowledgement nor its echo in the secondary's log is a reason to plan again, in
// whichever order they come. What changed meanwhile is.
func TestOwnWritesAreNotPlannedAgain(t *testing.T) {
	for _, logFirst := range []bool{false, true} {
		b := newBench(t, nil)
		c := &counting{bench: b}
		b.l.opt.Mapper = c
		b.put(Secondary)
		b.put(Primary, committed(5))
		b.answer(true) // the stamp is known to be kept from here on
		c.asked = 0
		for u := int64(6); u < 16; u++ {
			b.put(Primary, committed(u))
			f := b.flying[0]
			echo := Change{Commit: Commit{Key: benchKey, Offset: u, LeaderEpoch: -1, Retention: f.a.Retention().Milliseconds()}}
			if logFirst {
				b.put(Secondary, echo)
				b.land(Written)
			} else {
				b.land(Written)
				b.put(Secondary, echo)
			}
			if r := b.l.known(benchKey); r.held.offset != u || r.has(rowAwaiting|rowSending|rowDirty) || r.reason != NoReason {
				t.Fatalf("log first %t: %+v", logFirst, r)
			}
		}
		if c.asked != 10 {
			t.Errorf("log first %t: the mapping was asked %d times for 10 commits", logFirst, c.asked)
		}
		b.quiet()
		b.put(Secondary, Change{Commit: Commit{Key: benchKey, Offset: 3, LeaderEpoch: -1, Retention: b.l.retention().Milliseconds()}}) // an old write of ours, late
		if o := b.answer(true); o.Offset != 15 {
			t.Fatalf("repaired to %d", o.Offset)
		}
	}
}

// A write whose log entry came first, and whose answer was lost, is looked at again.
func TestEchoBeforeALostAnswer(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	b.put(Primary, committed(5))
	f := b.flying[0]
	b.put(Secondary, Change{Commit: Commit{Key: benchKey, Offset: 5, LeaderEpoch: -1, Retention: f.a.Retention().Milliseconds()}})
	b.land(Unanswered)
	b.now = b.now.Add(10 * time.Second)
	b.l.retryDue()
	b.l.flow(context.Background())
	b.quiet()
	if e := b.l.entry(b.l.known(benchKey)); e.Reason != NoReason || e.Write || e.Written != 5 {
		t.Fatalf("%+v", e)
	}
}

// An older write of ours with the same offset passes for the one in flight, until the answer shows that it was not.
func TestEchoOfAnotherWriteAtTheSameOffset(t *testing.T) {
	b := newBench(t, nil)
	b.put(Secondary)
	with := func(metadata string) Change {
		return Change{Commit: Commit{Key: benchKey, Offset: 5, Metadata: metadata, LeaderEpoch: 5}}
	}
	b.put(Primary, with("old"))
	b.answer(true)
	b.put(Primary, with("new"))
	b.put(Secondary, Change{Commit: Commit{Key: benchKey, Offset: 5, Metadata: "old", LeaderEpoch: -1, Retention: b.l.retention().Milliseconds()}})
	b.land(Written)
	if o := b.answer(true); o.Metadata != "new" {
		t.Fatalf("wrote %+v", o)
	}
	b.quiet()
}
