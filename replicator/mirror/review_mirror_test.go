package mirror

import (
	"context"
	"testing"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// calm lets everything run until nothing moves.
func (w *world) calm(t *testing.T) {
	t.Helper()
	for quiet := 0; quiet < 5; quiet++ {
		w.look()
		w.run()
		for w.landLate() || w.feed.deliver(w.p) || w.wire.arrive(w.second) || w.wire.respond() {
			w.run()
			quiet = 0
		}
	}
}

func unique() byte { return 0 }

// A process dies before it flushed what was acknowledged, and while it is down retention on the primary passes those
// records. Their copies stand on the secondary, and a group that had not read them must get them.
func TestReviewCopiedThenExpired(t *testing.T) {
	w := newWorld(unique)
	w.write(4, data)
	w.calm(t)
	w.Flush()
	w.write(6, data)
	for w.feed.deliver(w.p) || w.wire.arrive(w.second) {
		w.run()
	}
	w.boot()
	w.primary.start = 10
	w.calm(t)
	if w.second.end() != 10 {
		t.Fatalf("secondary ends at %d\n%s", w.second.end(), w)
	}
	if pos := w.forward(5); pos.Offset > 5 {
		t.Errorf("Forward(5) = %+v, but copies of 5..9 stand at 5..9, unread\n%s", pos, w)
	}
	w.Flush()
	w.boot()
	w.write(2, data)
	w.calm(t)
	if pos := w.forward(5); pos.Offset > 5 {
		t.Errorf("after a restart: Forward(5) = %+v, but copies of 5..9 stand at 5..9, unread\n%s", pos, w)
	}
	t.Logf("lost %d", w.p.counters.lost)
}

// The index is lost, and the primary's retention has passed records whose copies the secondary still has.
func TestReviewRebuildAboveLogStart(t *testing.T) {
	w := newWorld(unique)
	w.write(10, data)
	w.calm(t)
	w.disk = newMemory()
	w.primary.start = 5
	w.boot()
	w.calm(t)
	if pos := w.forward(2); pos.Offset > 2 {
		t.Errorf("Forward(2) = %+v, but copies of 2..4 stand at 2..4, unread\n%s", pos, w)
	}
}

// A re-copy of an older record of a key says nothing about a newer record of that key that was passed over.
func TestReviewCompactedRecopyDropsMissing(t *testing.T) {
	m := func(offset int64, print uint64, key byte) mark {
		return mark{offset: offset, print: print, key: uint64(key), own: true}
	}
	rules := alignRules{behind: 100, ahead: 100, ownKnown: true, compacted: true}
	old := []mark{m(0, 1, 'k')}
	primary := []mark{m(1, 2, 'k'), m(2, 3, 'x'), m(3, 4, 'y')}
	a := newAligner(rules, 1, once(primary, 2), func() ([]mark, error) { return old, nil })
	for _, q := range []mark{m(51, 3, 'x'), m(52, 1, 'k')} {
		if err := a.add(q); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.finish(); got.resume != 1 {
		t.Errorf("resume at %d, but the record at 1 has no copy; runs %v", got.resume, got.runs)
	}
}

// Where every producer id of ours is known, a record under another one is foreign, on a compacted topic, too.
func TestReviewForeignOnCompacted(t *testing.T) {
	rules := alignRules{behind: 100, ahead: 100, ownKnown: true, compacted: true}
	a := newAligner(rules, 100, once([]mark{{offset: 100, print: 1, key: 'k'}, {offset: 101, print: 2, key: 'k'}}, 2), nil)
	for _, q := range []mark{{offset: 50, print: 1, key: 'k', own: true}, {offset: 51, print: 99, key: 'k'}, {offset: 52, print: 2, key: 'k', own: true}} {
		if err := a.add(q); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.finish(); len(got.foreign) != 1 {
		t.Errorf("foreign %v, vanished %d: the record at 51 was written by another producer", got.foreign, got.vanished)
	}
}

// The secondary loses its end and a batch of ours that was on the wire fills it up again; then the process dies, and the primary, too.
func TestReviewTrustAloneAfterRefill(t *testing.T) {
	w := newWorld(unique)
	w.write(10, data)
	w.calm(t)
	w.Flush()
	w.write(2, data)
	w.feed.deliver(w.p)
	w.run() // the next batch is on the wire
	for w.feed.deliver(w.p) {
		w.run()
	}
	w.second.truncate(8)
	w.second.producers = map[int64]*remembered{} // the new leader knows nothing of us
	for w.wire.arrive(w.second) {
	}
	w.boot() // dies before any answer
	w.primary.down = true
	w.run()
	copies := last(w.primary, w.second)
	for u := int64(0); u <= 12; u++ {
		pos := w.forward(u)
		if pos.Confidence == translate.Unmapped {
			continue
		}
		if want := naive(w.primary, w.second, copies, u); pos.Offset > want {
			t.Errorf("ahead: Forward(%d) = %+v, T = %d\n%s", u, pos, want, w)
		}
	}
}

// With the primary gone, a new leader on the secondary makes the mirror look again; it must come back to answering.
func TestReviewSecondaryLeaderWhilePrimaryIsGone(t *testing.T) {
	w := newWorld(unique)
	w.write(10, data)
	w.calm(t)
	w.primary.down = true
	w.second.epoch++
	w.look()
	for range 5 {
		w.run()
	}
	if pos := w.forward(5); pos.Confidence == translate.Unmapped {
		_, _, _, why := w.p.view.answerable()
		t.Errorf("no position any more until the primary is back: %s", why)
	}
}

// A batch too large for the secondary is halved; when the limit was raised, batches grow again.
func TestReviewBatchLimitRecovers(t *testing.T) {
	w := newWorld(unique)
	w.second.maxBatch = 1
	w.write(30, data)
	w.calm(t)
	w.second.maxBatch = 0
	w.look()
	w.p.suspect("look", false)
	w.calm(t)
	if w.p.limit < 200 {
		t.Errorf("limit is still %d", w.p.limit)
	}
	_ = context.Background
	_ = kafka.Record{}
}
