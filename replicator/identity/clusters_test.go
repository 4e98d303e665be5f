package identity

import (
	"errors"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

func TestTheTipIsExactSoon(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100).start()
		p.settle(1500 * time.Millisecond)
		p.both(100, 200)
		p.want(200, 100, translate.Behind) // the known end is old
		p.told = nil
		p.s.Want("t", 0, 200)
		p.settle(0)
		p.want(200, 200, translate.Exact)
		p.wantTold(onward)

		p.a.edit(func() { p.primary().append(records(200, 300)...) })
		p.want(300, 200, translate.Behind)
		p.s.Want("t", 0, 300)
		p.settle(120 * time.Millisecond)
		p.b.edit(func() { p.secondary().append(records(200, 300)...) })
		p.settle(chaseLater)
		p.want(300, 300, translate.Exact)

		p.s.Want("t", 0, 1000) // never comes: the watch remains, and nothing hot
		p.settle(time.Minute)
		p.b.edit(func() { p.b.lists = 0 })
		p.settle(10 * time.Second)
		if p.b.lists > 25 {
			t.Errorf("%d questions in ten idle seconds", p.b.lists)
		}
		p.end()
	})
}

func TestOnlyWhatIsStableIsReadable(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100)
		p.secondary().stable = 40
		p.start()
		p.settle(time.Second)
		p.want(80, 60, translate.Behind)
		p.b.edit(func() { p.secondary().stable = 0 })
		p.settle(time.Second)
		p.want(80, 80, translate.Exact)
		p.end()
	})
}

func TestLogStartIsWatched(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100).start()
		p.settle(time.Second)
		p.want(10, 10, translate.Exact)
		p.told = nil
		p.b.edit(func() { p.secondary().trim(50) })
		p.settle(time.Second)
		p.want(10, 50, translate.Exact)
		p.wantTold(replan)
		p.end()
	})
}

func TestCompactedDifferently(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 1000)
		for o := range int64(1000) {
			if o%3 != 0 {
				delete(p.primary().records, o)
			}
			if o%2 != 0 {
				delete(p.secondary().records, o)
			}
		}
		p.start()
		p.settle(time.Second)
		p.want(500, 500, translate.Exact)
		p.end()
	})
}

func TestTruncationLowersPositions(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100).start()
		p.settle(time.Second)
		p.want(90, 90, translate.Exact)
		p.told = nil
		p.b.edit(func() { p.secondary().cut(80); p.secondary().epoch++ })
		p.settle(time.Second)
		p.want(90, 80, translate.Behind)
		p.wantTold(replan)
		p.b.edit(func() { p.secondary().append(records(81, 100)...) }) // copied again, one missing
		p.settle(20 * time.Second)
		p.wantHeld(90, replicator.SourceDegraded, "differs")
		p.end()
	})
}

func TestAForeignWriter(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100).start()
		p.settle(time.Second)
		p.b.edit(func() { p.secondary().append(record(7777)) })
		p.settle(2 * time.Second)
		p.wantHeld(100, replicator.SourceDegraded, "the secondary ends at 101, past the primary's 100")
		p.a.edit(func() { p.primary().append(records(100, 105)...) }) // its own next records
		p.settle(20 * time.Second)
		p.wantHeld(100, replicator.SourceDegraded, "offset 100 differs")
		p.end()
	})
}

func TestRecreatedTopics(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100).start()
		p.settle(time.Second)
		p.told = nil
		p.a.create("t", 11, 1)
		p.a.edit(func() { p.primary().append(records(500, 700)...) })
		p.settle(2 * time.Second)
		p.wantHeld(50, replicator.SourceDegraded, "differs")
		p.wantTold(wholeTopic)
		p.b.edit(func() { p.b.block = make(chan struct{}) })
		p.b.create("t2", 12, 1)
		p.b.edit(func() { p.secondary().append(records(500, 600)...) })
		p.settle(2 * time.Second)
		p.wantHeld(50, replicator.TopicRecreated, "not compared since")
		close(p.b.block)
		p.settle(20 * time.Second)
		p.want(50, 50, translate.Exact)
		if m := p.s.Forward("t", [16]byte{1}, 0, 50); m.Reason != replicator.TopicRecreated {
			t.Errorf("a commit for the old topic is answered %+v", m)
		}
		if m := p.s.Forward("t", [16]byte{11}, 0, 50); m.Reason != replicator.NoReason {
			t.Errorf("a commit for the new topic is answered %+v", m)
		}
		p.b.create("t2", 13, 1) // and empty
		p.settle(2 * time.Second)
		p.want(50, 0, translate.Behind)
		p.end()
	})
}

func TestWhatIsNotThere(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 10)
		p.a.create("tmissing", 3, 1)
		p.a.create("tmore", 4, 3)
		p.b.create("tmore2", 5, 2)
		p.a.create("tfewer", 6, 1)
		p.b.create("tfewer2", 7, 2)
		p.a.create("tdenied", 8, 1)
		p.b.create("tdenied2", 9, 1)
		p.b.topics["tdenied2"].err = kafka.ErrUnauthorized
		p.a.create("other", 10, 1)
		p.start()
		p.settle(time.Second)
		for _, c := range []struct {
			topic     string
			partition int32
			want      replicator.Reason
		}{
			{"t", 0, replicator.NoReason}, {"t", 1, replicator.PartitionMissing}, {"t", -1, replicator.PartitionMissing},
			{"tmissing", 0, replicator.TopicMissing}, {"tmore", 1, replicator.NoReason}, {"tmore", 2, replicator.PartitionMissing},
			{"tfewer", 0, replicator.PartitionMismatch}, {"tdenied", 0, replicator.Unauthorized}, {"other", 0, replicator.TopicMissing}, {"never", 0, replicator.TopicMissing},
		} {
			if m := p.s.Forward(c.topic, [16]byte{}, c.partition, 0); m.Reason != c.want {
				t.Errorf("%s/%d: %v %q, want %v", c.topic, c.partition, m.Reason, m.Detail, c.want)
			}
		}
		if n := len(p.s.State().Problems); n != 4 {
			t.Errorf("problems %+v", p.s.State().Problems)
		}
		p.b.create("tmissing2", 20, 1) // the link got there
		p.settle(2 * time.Second)
		if m := p.s.Forward("tmissing", [16]byte{}, 0, 5); m.Reason != replicator.NoReason || m.Position.Offset != 0 {
			t.Errorf("%+v", m)
		}
		p.a.create("tnew", 21, 1) // unknown topics are looked for, and only every Discover when nobody asks
		p.b.create("tnew2", 22, 1)
		p.s.Forward("tnew", [16]byte{}, 0, 5)
		p.settle(2 * time.Second)
		if m := p.s.Forward("tnew", [16]byte{}, 0, 5); m.Reason != replicator.NoReason {
			t.Errorf("%+v", m)
		}
		p.a.edit(func() { delete(p.a.topics, "t") })
		p.settle(2 * time.Second)
		p.wantHeld(5, replicator.TopicMissing, "")
		p.end()
	})
}

func TestAnswersOutliveTheirClusters(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100).start()
		p.settle(time.Second)
		p.a.edit(func() { p.a.down = errDown })
		p.settle(time.Hour)
		p.want(90, 90, translate.Exact)
		if st := p.s.State(); !errors.Is(st.Error, errDown) || time.Since(st.Since) < 59*time.Minute {
			t.Errorf("state %+v", st)
		}
		p.b.edit(func() { p.secondary().trim(95) }) // the secondary is followed alone
		p.settle(2 * time.Second)
		p.want(90, 95, translate.Exact)
		p.b.edit(func() { p.b.down = errDown })
		p.settle(time.Hour)
		p.want(97, 97, translate.Exact)
		p.a.edit(func() { p.a.down = nil })
		p.b.edit(func() { p.b.down = nil })
		p.settle(2 * time.Second)
		if st := p.s.State(); st.Error != nil {
			t.Errorf("state %+v", st)
		}
		p.end()
	})
}

func TestBothDownAtStart(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100)
		p.a.down, p.b.down = errDown, errDown
		p.start()
		p.settle(time.Minute)
		p.wantHeld(5, replicator.TopicMissing, "")
		p.a.edit(func() { p.a.down = nil })
		p.b.edit(func() { p.b.down, p.b.fails["FetchOne"] = nil, kafka.ErrUnauthorized })
		p.settle(5 * time.Second)
		p.wantHeld(5, replicator.SourceDegraded, "not compared yet: not authorized")
		p.b.edit(func() { clear(p.b.fails) })
		p.settle(5 * time.Second)
		p.want(5, 5, translate.Exact)
		p.end()
	})
}

func TestComparesAgain(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 10_000).start()
		p.settle(30 * time.Minute)
		p.want(90, 90, translate.Exact)
		quiet := func() int { p.a.edit(func() { p.a.probes = 0 }); p.settle(time.Minute); return p.a.probes }
		p.settle(time.Second)
		if n := quiet(); n > 6 {
			t.Errorf("%d probes in a quiet minute", n)
		}
		p.a.edit(func() { p.primary().epoch++ })
		if n := quiet(); n < 12 {
			t.Errorf("%d probes in the minute after an election", n)
		}
		p.a.edit(func() { r := record(9999); r.Value = []byte("another"); r.Offset = 9999; p.primary().records[9999] = r })
		p.settle(6 * time.Minute)
		p.wantHeld(90, replicator.SourceDegraded, "offset 9999 differs: the value")
		p.end()
	})
}
