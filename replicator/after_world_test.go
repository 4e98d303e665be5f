package replicator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leftoff/leftoff/translate"
)

// outputWorld is a primary whose applications write to partitions of "out" before they commit their place in "in", a mirror that
// trails it, and a secondary that takes every commit. Positions are the primary's offsets.
//
// What must hold of every write is checked when it leaves, by the naive reading of policy `after`: each commit remembers how long
// every partition was when it was made.
type outputWorld struct {
	fail    func(format string, args ...any)
	now     time.Time
	loop    *Loop
	ends    map[advanceKey]int64 // the primary's
	front   map[advanceKey]int64 // the mirror's
	commits map[Key][]outputCommit
	log     [2][]Change
	read    [2]int
	flying  []flight
	asked   bool
	sample  []End // under way; nil: none
	started int   // how often the loop was
}

type outputCommit struct {
	offset int64
	needs  map[advanceKey]int64 // nil: nothing
}

var outputKeys = []advanceKey{{"in", 0}, {"in", 1}, {"out", 0}, {"out", 1}}

func newOutputWorld(fail func(string, ...any)) *outputWorld {
	w := &outputWorld{fail: fail, now: time.UnixMilli(1_700_000_000_000), ends: map[advanceKey]int64{}, front: map[advanceKey]int64{},
		commits: map[Key][]outputCommit{}}
	w.start()
	w.deliver(Primary)
	w.deliver(Secondary)
	return w
}

// start starts leftoff, again: all that it knew is gone.
func (w *outputWorld) start() {
	w.loop = NewLoop(Options{
		Link: "l", PrimaryID: "p", OtherID: "s", Mapper: w, Policy: DefaultPolicy(), SelectGroup: all, SelectTopic: all, Outputs: w,
		Now: func() time.Time { return w.now },
	})
	w.loop.launch = func(_ context.Context, g *group, a Admitted) {
		w.check(a)
		w.flying = append(w.flying, flight{g, a})
	}
	w.read, w.flying, w.sample, w.asked = [2]int{}, nil, nil, false
	w.started++
}

func (w *outputWorld) Forward(topic string, _ [16]byte, n int32, u int64) Mapping {
	k := advanceKey{topic, n}
	m := Mapping{Topic: topic, Position: translate.Position{Offset: min(u, w.front[k]), Confidence: translate.Exact}}
	if u > w.front[k] {
		m.Position.Confidence = translate.Behind
	}
	return m
}

func (w *outputWorld) Mirrored() map[string]int32 { return map[string]int32{"in": 2, "out": 2} }
func (w *outputWorld) Want(string, int32, int64)  {}

// Waits: groups called plain commit without transactions.
func (w *outputWorld) Waits(_ string, transactional bool) bool { return transactional }
func (w *outputWorld) Ask()                                    { w.asked = true }

func (w *outputWorld) Reached(e End) (bool, string) {
	k := advanceKey{e.Topic, e.Partition}
	return w.front[k] >= e.End, fmt.Sprintf("the mirror is at %d", w.front[k])
}

// commit appends a commit to the primary's offsets topic.
func (w *outputWorld) commit(k Key, offset int64, transactional bool) {
	c := outputCommit{offset: offset}
	past := w.commits[k]
	switch {
	case !transactional && len(past) > 0:
		c.needs = past[len(past)-1].needs // it stands behind the same outputs
	case transactional:
		c.needs = map[advanceKey]int64{}
		for k, end := range w.ends {
			c.needs[k] = end
		}
	}
	w.commits[k] = append(past, c)
	w.append(Primary, Change{Commit: Commit{Key: k, Offset: offset, LeaderEpoch: 3, Transactional: transactional}})
}

func (w *outputWorld) append(s Side, c Change) {
	c.Commit.Order = Order{Offset: int64(len(w.log[s]) + 1)}
	c.Commit.CommittedAt = w.now.UnixMilli()
	w.log[s] = append(w.log[s], c)
}

func (w *outputWorld) deliver(s Side) {
	w.loop.takeBatch(Batch{Side: s, Changes: slices.Clone(w.log[s][w.read[s]:]), CaughtUp: true})
	w.read[s] = len(w.log[s])
	w.flow()
}

func (w *outputWorld) flow() { w.loop.flow(context.Background()) }

// produce and mirror are the two ends of a partition.
func (w *outputWorld) produce(k advanceKey, n int64) { w.ends[k] += n }

func (w *outputWorld) mirror(k advanceKey, n int64) {
	w.front[k] = min(w.front[k]+n, w.ends[k])
	w.loop.Notify(Advance{Topic: k.topic, Partition: k.partition})
	w.loop.takeAdvances()
	w.flow()
}

// sampleBegins and sampled are what the daemon does when it was asked.
func (w *outputWorld) sampleBegins() {
	if !w.asked || w.sample != nil {
		return
	}
	w.asked = false
	w.loop.sampleBegins()
	w.sample = []End{}
	for _, k := range outputKeys {
		w.sample = append(w.sample, End{k.topic, k.partition, w.ends[k]})
	}
}

func (w *outputWorld) sampled() {
	if w.sample == nil {
		return
	}
	left := slices.DeleteFunc(w.sample, func(e End) bool { ok, _ := w.Reached(e); return ok })
	w.sample = nil
	w.loop.sampled(left)
	w.flow()
}

// answer lets a request arrive and its answer come back; lost: neither.
func (w *outputWorld) answer(i int, lost bool) {
	f := w.flying[i]
	w.flying = slices.Delete(w.flying, i, i+1)
	res := Result{Err: fmt.Errorf("connection lost")}
	if !lost {
		res.Err = nil
		for _, o := range f.a.Offsets() {
			w.append(Secondary, Change{Commit: Commit{Key: o.Key, Offset: o.Offset, LeaderEpoch: -1, Retention: f.a.Retention().Milliseconds()}})
			res.Outcomes = append(res.Outcomes, Written)
		}
	}
	w.loop.answered(sent{group: f.g, admitted: f.a, result: res})
	w.flow()
}

func (w *outputWorld) tick(d time.Duration) {
	w.now = w.now.Add(d)
	w.loop.retryDue()
	w.loop.takeTick()
	w.flow()
}

// held is what the secondary's log has of a key.
func (w *outputWorld) held(k Key) (offset int64, ok bool) {
	for _, c := range w.log[Secondary] {
		if c.Commit.Key == k {
			offset, ok = c.Commit.Offset, true
		}
	}
	return offset, ok
}

// check is the naive model: what leaves was committed, was not gone back from as far as the loop knows, and has its outputs on the
// secondary; or it lets the group read more than it would now.
func (w *outputWorld) check(a Admitted) {
	for _, o := range a.Offsets() {
		seen := w.seen(o.Key)
		if held, ok := w.held(o.Key); ok && o.Offset <= held && o.Offset <= seen[len(seen)-1].offset {
			continue
		}
		if !slices.ContainsFunc(w.candidates(seen), func(c outputCommit) bool { return w.there(c, o) }) {
			w.fail("wrote %v at %d; seen %+v, mirrored %v", o.Key, o.Offset, seen, w.front)
		}
	}
}

// seen are the commits of a key that the loop has read.
func (w *outputWorld) seen(k Key) []outputCommit {
	n := 0
	for _, c := range w.log[Primary][:w.read[Primary]] {
		if c.Commit.Key == k && c.Kind == Committed {
			n++
		}
	}
	return w.commits[k][:n]
}

// candidates are those that the group has not gone back from.
func (w *outputWorld) candidates(seen []outputCommit) (all []outputCommit) {
	least := seen[len(seen)-1].offset
	for i := len(seen) - 1; i >= 0; i-- {
		if least = min(least, seen[i].offset); seen[i].offset == least {
			all = append(all, seen[i])
		}
	}
	return all
}

func (w *outputWorld) there(c outputCommit, o Offset) bool {
	if o.Offset > c.offset {
		return false
	}
	for k, end := range c.needs {
		if w.front[k] < end {
			return false
		}
	}
	return true
}
