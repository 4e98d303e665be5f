package replicator

import (
	"testing"
	"time"

	"github.com/leftoff/leftoff/translate"
)

// cut makes a partition of the primary shorter: what lay above is gone, and nobody's output any more.
func (w *outputWorld) cut(k advanceKey, end int64) {
	w.ends[k] = end
	for _, all := range w.commits {
		for _, c := range all {
			c.needs[k] = min(c.needs[k], end)
		}
	}
}

// A topic that is deleted on the primary never reaches the secondary: what waited for it goes on, and does not keep everything behind it
// waiting, although nobody commits any more.
func TestDeletedTopicIsNotWaitedFor(t *testing.T) {
	w := outputTest(t)
	w.produce(out0, 300)
	w.commit(appKey, 10, true)
	w.settle()
	w.produce(advanceKey{"out", 1}, 50)
	w.commit(appKey, 20, true)
	w.settle()
	w.wants(appKey, 0, false)

	w.cut(out0, 0)
	w.tick(stuckAfter)
	w.settle()
	w.wants(appKey, 10, true)
	w.mirror(advanceKey{"out", 1}, 50)
	w.settle()
	w.wants(appKey, 20, true)
	if len(w.loop.outputs.line) != 0 || w.loop.outputs.waits != nil {
		t.Errorf("%+v", w.loop.outputs)
	}
}

// One that was cut, or made again, is waited for as long as it is now.
func TestShorterTopicIsWaitedForAsItIs(t *testing.T) {
	w := outputTest(t)
	w.produce(out0, 300)
	w.commit(appKey, 10, true)
	w.settle()
	w.cut(out0, 5)
	w.mirror(out0, 4)
	w.tick(stuckAfter)
	w.settle()
	w.wants(appKey, 0, false)
	w.mirror(out0, 1)
	w.settle()
	w.wants(appKey, 10, true)
}

// A mirror that stands still is no reason to ask the primary all the time, and what it lacks is still waited for.
func TestStandingMirrorIsAskedForNowAndThen(t *testing.T) {
	w := outputTest(t)
	w.produce(out0, 300)
	w.commit(appKey, 10, true)
	w.settle()
	asked := 0
	for range 600 {
		w.tick(time.Second)
		if w.asked {
			asked++
		}
		w.settle()
	}
	if most := int(600*time.Second/stuckAfter) + 1; asked == 0 || asked > most {
		t.Errorf("asked %d times in ten minutes, want 1 to %d", asked, most)
	}
	w.wants(appKey, 0, false)
	w.mirror(out0, 300)
	w.settle()
	w.wants(appKey, 10, true)
}

// Rows that come and go while the primary does not answer, or the mirror stands still, leave nothing behind.
func TestWaitingRowsDoNotPileUp(t *testing.T) {
	w := outputTest(t)
	w.produce(out0, 300)
	for i := range int64(400) {
		w.commit(appKey, 10+i, true)
		w.deliver(Primary)
		if i%3 == 0 {
			w.append(Primary, Change{Kind: Deleted, Commit: Commit{Key: appKey}})
			w.deliver(Primary)
		}
		if i%2 == 0 && i > 200 {
			w.sampleBegins()
			w.sampled()
		}
	}
	o, rows := &w.loop.outputs, 0
	for _, b := range append([]*barrier{o.fresh, o.asked}, o.line...) {
		if b != nil {
			rows += len(b.rows)
		}
	}
	if rows > 250 || len(o.line) > maxLine || len(o.waits) > 1 || len(o.kept) > 1 {
		t.Errorf("%d rows at barriers, %d barriers, %d wait, %d kept", rows, len(o.line), len(o.waits), len(o.kept))
	}
}

// looking is a mapper that is still looking for where an offset lies exactly, and never says that it has found it.
type looking struct {
	*outputWorld
	of int64
}

func (m looking) Forward(topic string, id [16]byte, n int32, u int64) Mapping {
	to := m.outputWorld.Forward(topic, id, n, u)
	if topic == "in" && u == m.of {
		to.Pending, to.Position.Confidence = true, translate.Floor
	}
	return to
}

// An older commit that went through is not put off until its exact position is known: it is planned again by chance only.
func TestOpenCommitIsNotPutOff(t *testing.T) {
	w := outputTest(t)
	w.loop.opt.Mapper = looking{w, 10}
	for _, offset := range []int64{5, 10, 20} {
		w.produce(out0, 100)
		w.commit(appKey, offset, true)
		w.settle()
		if offset == 5 {
			w.mirror(out0, 100)
			w.settle()
			w.wants(appKey, 5, true)
		}
	}
	w.mirror(out0, 100)
	w.settle()
	w.tick(2 * time.Second)
	w.settle()
	w.wants(appKey, 10, true)
}
