package replicator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	appKey   = Key{"app", "in", 0}
	plainKey = Key{"plain", "in", 0}
	out0     = advanceKey{"out", 0}
)

func outputTest(t *testing.T) *outputWorld {
	w := newOutputWorld(t.Fatalf)
	w.ends[advanceKey{"in", 0}], w.front[advanceKey{"in", 0}] = 1000, 1000
	return w
}

// settle lets everything happen but the mirror.
func (w *outputWorld) settle() {
	for range 1_000 {
		switch {
		case w.read[Primary] < len(w.log[Primary]), !w.loop.caughtUp[Primary]:
			w.deliver(Primary)
		case w.read[Secondary] < len(w.log[Secondary]), !w.loop.caughtUp[Secondary]:
			w.deliver(Secondary)
		case len(w.flying) > 0:
			w.answer(0, false)
		case w.sample != nil:
			w.sampled()
		case w.asked:
			w.sampleBegins()
		default:
			return
		}
	}
	w.fail("never settles")
}

func (w *outputWorld) wants(k Key, offset int64, ok bool) {
	if held, there := w.held(k); held != offset || there != ok {
		w.fail("the secondary holds %d %v of %v, want %d %v", held, there, k, offset, ok)
	}
}

func (w *outputWorld) entryOf(k Key) Entry {
	for _, g := range w.loop.snapshot(true).Groups {
		for _, e := range g.Entries {
			if e.Commit.Key == k {
				return e
			}
		}
	}
	w.fail("no entry of %v", k)
	return Entry{}
}

func TestCommitWaitsForItsOutputs(t *testing.T) {
	w := outputTest(t)
	w.produce(out0, 300)
	w.commit(appKey, 10, true)
	w.commit(plainKey, 11, false)
	w.settle()
	w.wants(plainKey, 11, true)
	w.wants(appKey, 0, false)
	e := w.entryOf(appKey)
	if e.Reason != WaitingForOutputs || e.Write || e.Detail != "out/0 has to reach the secondary up to 300 first: the mirror is at 0" {
		t.Fatalf("%+v", e)
	}
	if since := w.loop.snapshot(false).OutputsSince; since != w.now {
		t.Errorf("waits since %v", since)
	}
	w.mirror(out0, 299)
	w.settle()
	w.wants(appKey, 0, false)
	w.mirror(out0, 1)
	w.settle()
	w.wants(appKey, 10, true)
	if s := w.loop.snapshot(false); !s.OutputsSince.IsZero() || w.loop.outputs.waits != nil {
		t.Errorf("still waits: %v %v", s.OutputsSince, w.loop.outputs.waits)
	}
}

// A sample that was under way when the commit was seen may have missed what was written just before it.
func TestSampleUnderWayDoesNotCount(t *testing.T) {
	w := outputTest(t)
	w.commit(appKey, 10, true)
	w.deliver(Primary)
	w.sampleBegins()
	w.produce(out0, 5)
	other := Key{"other", "in", 0}
	w.commit(other, 20, true)
	w.deliver(Primary)
	w.sampled()
	w.settle()
	w.wants(appKey, 10, true)
	w.wants(other, 0, false)
	w.mirror(out0, 5)
	w.settle()
	w.wants(other, 20, true)
}

// Commits that come all the time do not keep an older one from going through.
func TestNewerCommitsStarveNobody(t *testing.T) {
	w := outputTest(t)
	lag := int64(30)
	for i := int64(1); i <= 500; i++ {
		w.produce(out0, 1)
		w.commit(appKey, i, true)
		w.deliver(Primary)
		if i%7 == 0 {
			w.sampleBegins()
			w.sampled()
		}
		w.mirror(out0, max(0, i-lag-w.front[out0]))
		for len(w.flying) > 0 {
			w.answer(0, false)
		}
		w.deliver(Secondary)
		// What is there now was seen no longer ago than two rounds: each a sample and the mirror's lag.
		if held, _ := w.held(appKey); held < i-2*(lag+7)-1 {
			t.Fatalf("at %d the secondary has %d", i, held)
		}
	}
	if n := len(w.loop.outputs.line); n > 2 {
		t.Errorf("%d barriers for one key", n)
	}
}

func TestRewindDoesNotWait(t *testing.T) {
	w := outputTest(t)
	w.commit(appKey, 100, true)
	w.settle()
	w.wants(appKey, 100, true)
	w.produce(out0, 1)
	w.commit(appKey, 150, true)
	w.settle()
	w.commit(appKey, 40, true)
	w.settle()
	w.wants(appKey, 40, true)
	w.mirror(out0, 1) // what 150 waited for is there, and 150 is not wanted any more
	w.settle()
	w.wants(appKey, 40, true)
	if len(w.loop.outputs.waits) != 0 {
		t.Error("something still waits")
	}
}

// Of 150, 120, the 150 must not be written although its outputs are there first.
func TestWhatAGroupWentBackFromIsNotWritten(t *testing.T) {
	w := outputTest(t)
	w.commit(appKey, 100, true)
	w.settle()
	w.produce(out0, 1)
	w.commit(appKey, 150, true)
	w.settle()
	w.produce(out0, 1)
	w.commit(appKey, 120, true)
	w.settle()
	w.mirror(out0, 1)
	w.settle()
	w.wants(appKey, 100, true)
	w.mirror(out0, 1)
	w.settle()
	w.wants(appKey, 120, true)
}

// A write of what went through may be lost. By the time it is tried again the group may have gone back.
func TestWhatAGroupWentBackFromIsNotTriedAgain(t *testing.T) {
	w := outputTest(t)
	w.commit(appKey, 100, true)
	w.settle()
	w.produce(out0, 1)
	w.commit(appKey, 150, true)
	w.settle()
	w.commit(appKey, 160, true)
	w.settle()
	w.mirror(out0, 1)
	if len(w.flying) != 1 || w.flying[0].a.Offsets()[0].Offset != 150 {
		t.Fatalf("%+v", w.flying)
	}
	w.answer(0, true)
	w.produce(out0, 1)
	w.commit(appKey, 120, true)
	w.settle()
	w.tick(10 * time.Second)
	w.settle()
	w.wants(appKey, 100, true)
	w.mirror(out0, 1)
	w.settle()
	w.wants(appKey, 120, true)
}

// What was deleted on the primary waits for nothing, and what is committed after that stands for itself.
func TestDeletedWhileItWaits(t *testing.T) {
	w := outputTest(t)
	w.produce(out0, 1)
	w.commit(appKey, 10, true)
	w.settle()
	w.append(Primary, Change{Kind: Deleted, Commit: Commit{Key: appKey}})
	w.produce(out0, 1)
	w.commit(appKey, 20, true)
	w.settle()
	w.mirror(out0, 1)
	w.settle()
	w.wants(appKey, 0, false)
	w.mirror(out0, 1)
	w.settle()
	w.wants(appKey, 20, true)
	w.produce(out0, 1)
	w.commit(appKey, 30, true)
	w.settle()
	w.append(Primary, Change{Kind: Deleted, Commit: Commit{Key: appKey}})
	w.settle()
	if len(w.loop.outputs.waits) != 0 {
		t.Error("it still waits")
	}
}

// A plain commit on top of a transactional one that waits stands behind the same outputs.
func TestPlainCommitDoesNotOvertake(t *testing.T) {
	w := outputTest(t)
	w.produce(out0, 1)
	w.commit(appKey, 10, true)
	w.commit(appKey, 20, false)
	w.settle()
	w.wants(appKey, 0, false)
	w.mirror(out0, 1)
	w.settle()
	w.wants(appKey, 20, true)
	w.produce(out0, 1)
	w.commit(appKey, 30, false)
	w.settle()
	w.wants(appKey, 30, true)
}

// A mirror that stands still costs a bounded number of barriers, and lets everything through when it moves again.
func TestStalledMirror(t *testing.T) {
	w := outputTest(t)
	for i := range 200 {
		w.produce(out0, 1)
		w.commit(Key{fmt.Sprintf("app-%d", i), "in", 0}, int64(i), true)
		w.settle()
		w.now = w.now.Add(time.Minute)
	}
	if n := len(w.loop.outputs.line); n > maxLine {
		t.Fatalf("%d barriers", n)
	}
	w.mirror(out0, 100)
	w.settle()
	w.mirror(out0, 100)
	w.settle()
	for i := range 200 {
		w.wants(Key{fmt.Sprintf("app-%d", i), "in", 0}, int64(i), true)
	}
}

func TestWithoutEnds(t *testing.T) {
	w := outputTest(t)
	w.commit(appKey, 10, true)
	w.deliver(Primary)
	w.sampleBegins()
	w.loop.outputs.failed = "primary is away"
	if e := w.entryOf(appKey); e.Reason != WaitingForOutputs || !strings.Contains(e.Detail, "primary is away") {
		t.Errorf("%+v", e)
	}
}

// TestOutputsProperty: random commits, forwards and back, transactional and not; a mirror and samples that take their time; requests
// that are lost; leftoff killed and started again. outputWorld.check holds every write to the naive model, and in the end, with the
// mirror at the primary's ends, every key has its newest commit.
func TestOutputsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newOutputWorld(t.Fatalf)
		keys := []Key{{"app", "in", 0}, {"app", "in", 1}, {"app2", "in", 0}, {"plain", "in", 1}}
		at := map[Key]int64{}
		for _, k := range []advanceKey{{"in", 0}, {"in", 1}} {
			w.ends[k] = 50
		}
		number := func(label string, low, high int) int { return rapid.IntRange(low, high).Draw(t, label) }
		for range number("steps", 20, 200) {
			switch number("step", 0, 13) {
			case 0, 1, 2:
				w.produce(outputKeys[number("partition", 0, 3)], int64(number("records", 1, 5)))
			case 3, 4, 5:
				k := keys[number("key", 0, 3)]
				at[k] = min(at[k]+int64(number("read", 0, 9)), w.ends[advanceKey{k.Topic, k.Partition}])
				if number("back", 0, 9) == 0 {
					at[k] = int64(number("to", 0, int(at[k])))
				}
				w.commit(k, at[k], k.Group != "plain" && number("plain", 0, 9) > 0)
			case 6:
				w.deliver(Primary)
			case 7:
				w.deliver(Secondary)
			case 8, 9:
				w.mirror(outputKeys[number("mirrored", 0, 3)], int64(number("copied", 1, 9)))
			case 10:
				w.sampleBegins()
			case 11:
				w.sampled()
			case 12:
				if len(w.flying) > 0 {
					w.answer(number("request", 0, len(w.flying)-1), number("lost", 0, 4) == 0)
				}
			case 13:
				if number("killed", 0, 9) == 0 {
					w.start()
				}
				w.tick(200 * time.Millisecond)
			}
		}
		for _, k := range outputKeys {
			w.mirror(k, 1<<40)
		}
		for range 5 {
			w.settle()
			w.tick(6 * time.Second) // back-off
		}
		w.settle()
		for k, all := range w.commits {
			w.wants(k, all[len(all)-1].offset, true)
		}
		if o := &w.loop.outputs; o.waits != nil || len(o.kept)+len(o.line) > 0 || o.asked != nil || o.fresh != nil && len(o.fresh.rows) > 0 {
			t.Fatalf("something is left: %+v", o)
		}
	})
}
