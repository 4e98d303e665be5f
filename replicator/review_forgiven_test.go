package replicator

import (
	"fmt"
	"testing"
	"time"
)

// forgetful is a loop on an empty disk that was told of a reclaim, by a clock that is that much ahead of the secondary's.
func forgetful(t *testing.T, ahead time.Duration, change func(*Options)) *bench {
	b := newBench(t, change)
	b.l.recall("g", Verdict{Kind: VerdictReclaimed, At: b.now.Add(ahead).UnixMilli(), Why: "mine"}, false)
	return b
}

var evidence = map[string]func() Change{
	"committed": func() Change { return Change{Commit: Commit{Key: benchKey, Offset: 3, LeaderEpoch: 7}} },
	"joined": func() Change {
		return Change{Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup}}
	},
	"joined by KIP-848": func() Change {
		return Change{Kind: MemberSeen, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ConsumerGroup}}
	},
}

// A clock that is an hour ahead says that a reclaim is an hour later than it was. What leftoff itself sees of the group after it has read the log
// is a take-over all the same.
func TestReviewTakeOverUnderAFastClock(t *testing.T) {
	for before := range evidence {
		for what, change := range evidence {
			b := forgetful(t, time.Hour, nil)
			b.put(Secondary, evidence[before]())
			b.is(VerdictReclaimed, before)
			b.now = b.now.Add(time.Minute)
			b.put(Secondary, change())
			b.is(VerdictTakenOver, fmt.Sprintf("%s before, and %s now", before, what))
		}
	}
	for what, change := range evidence {
		b := forgetful(t, time.Hour, nil)
		b.put(Secondary)
		b.put(Secondary, change())
		b.is(VerdictTakenOver, "nothing before, and "+what)
	}
}

// What is forgiven is remembered by its place in the log: the next start, with its disk, needs no clock.
func TestReviewForgivenIsKept(t *testing.T) {
	for what, change := range evidence {
		var kept Verdict
		b := forgetful(t, 0, func(o *Options) { o.Remember = func(_ string, v Verdict) { kept = v } })
		b.put(Secondary, change())
		if kept.Kind != VerdictReclaimed || kept.Why != "mine" || kept.Order != (Order{Offset: 1}) {
			t.Fatalf("%s: kept %+v", what, kept)
		}
		b = newBench(t, func(o *Options) { o.Verdicts = map[string]Verdict{"g": kept} })
		b.l.recall("g", Verdict{Kind: VerdictReclaimed, At: kept.At + time.Hour.Milliseconds()}, false)
		b.put(Secondary, change())
		b.is(VerdictReclaimed, what+", read again")
		b.put(Secondary, change())
		b.is(VerdictTakenOver, what+", since")
	}
}

// The tail reads the log again from its start, as after an unclean election: what was forgiven stays so, and what came since is newer.
func TestReviewForgivenAndReadAgain(t *testing.T) {
	for what, change := range evidence {
		b := forgetful(t, 0, nil)
		b.put(Secondary, change())
		b.l.takeBatch(Batch{Side: Secondary})
		b.order[Secondary] = 0
		b.put(Secondary, change())
		b.is(VerdictReclaimed, what)
	}
}

// Evidence without a time is older than nothing, and without a reclaim nothing is forgiven.
func TestReviewEvidenceWithoutATime(t *testing.T) {
	for what, change := range evidence {
		for _, at := range []int64{-1, 0} {
			for _, reclaimed := range []bool{false, true} {
				b := newBench(t, nil)
				if reclaimed {
					b = forgetful(t, 0, nil)
				}
				c := change()
				c.Commit.Order, c.Commit.CommittedAt = Order{Offset: 1}, at
				b.l.takeBatch(Batch{Side: Secondary, Changes: []Change{c}, CaughtUp: true})
				b.is(VerdictTakenOver, fmt.Sprintf("%s at %d, reclaimed %t", what, at, reclaimed))
			}
		}
	}
}

// A group that is written again after a restart on an empty disk was reclaimed; a consumer's later commit stands, whatever the order of reading.
func TestReviewForgivenGroupIsWritten(t *testing.T) {
	for _, first := range []Side{Primary, Secondary} {
		b := forgetful(t, 0, nil)
		put := func(s Side) {
			if s == Primary {
				b.put(Primary, committed(9))
			} else {
				b.put(Secondary, evidence["committed"]())
			}
		}
		put(first)
		put(1 - first)
		if o := b.answer(true); o.Offset != 9 {
			t.Fatalf("wrote %d", o.Offset)
		}
		b.put(Secondary, evidence["committed"]())
		b.is(VerdictTakenOver, "since")
		b.put(Primary, committed(11))
		b.quiet()
	}
}
