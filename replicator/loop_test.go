package replicator

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/translate"
)

// The model: one group, a few partitions, a mirror that trails the primary by a constant delta, a secondary that accepts
// commits unless the group has members and that keeps every record it ever took. Batches, answers and advances reach the
// loop at random times; it is killed and started again at random.
//
// Invariants, checked on every record the secondary takes from leftoff:
//  1. never ahead of T(u) for the newest commit that the loop had read when the request left
//  2. never while the group has members (the model refuses, as a broker does)
//  3. never over somebody else's value that the loop knew of
//  4. at rest: our groups hold T(newest u); taken-over groups hold what the consumer wrote
type world struct {
	t        *rapid.T
	now      time.Time
	loop     *Loop
	primary  map[int32]int64 // newest commit
	log      [2][]Change     // each side's offsets topic
	read     [2]int
	front    map[int32]int64 // mirror's frontier, primary offsets
	members  int
	flying   []flight
	saved    map[string]Verdict
	foreign  map[int32]int64 // what the secondary's consumer committed last, by partition
	stamps   bool
	intended map[Key]int64
	touched  bool // a consumer was there, ever (and nobody reclaimed)
}

type flight struct {
	g *group
	a Admitted
}

const delta = 1000 // secondary = primary + delta

func (w *world) tOf(n int32, u int64) int64 { return min(u, w.front[n]) + delta }

func (w *world) Forward(_ string, _ [16]byte, n int32, u int64) Mapping {
	m := Mapping{Topic: "t", Position: translate.Position{Offset: w.tOf(n, u), Confidence: translate.Exact}}
	if u > w.front[n] {
		m.Position.Confidence = translate.Behind
	}
	return m
}
func (w *world) Mirrored() map[string]int32   { return map[string]int32{"t": 3} }
func (w *world) Want(string, int32, int64)    {}
func all(string) bool                         { return true }
func (w *world) remember(g string, v Verdict) { w.saved[g] = v }

func (w *world) start() {
	verdicts := map[string]Verdict{}
	for g, v := range w.saved {
		verdicts[g] = v
	}
	w.loop = NewLoop(Options{
		Link: "l", PrimaryID: "p", OtherID: "s", Mapper: w, Policy: DefaultPolicy(), SelectGroup: all, SelectTopic: all,
		Remember: w.remember, Verdicts: verdicts, Intents: w.intents(), Now: func() time.Time { return w.now },
	})
	w.loop.launch = func(_ context.Context, g *group, a Admitted) {
		w.checkLaunch(a)
		w.flying = append(w.flying, flight{g, a})
	}
	w.read = [2]int{}
}

// intents are what the sender made durable before it wrote.
func (w *world) intents() map[Key]int64 {
	all := map[Key]int64{}
	for k, v := range w.intended {
		all[k] = v
	}
	return all
}

func (w *world) append(s Side, c Change) {
	c.Commit.Order = Order{Epoch: 0, Offset: int64(len(w.log[s]) + 1)}
	c.Commit.CommittedAt = w.now.UnixMilli()
	w.log[s] = append(w.log[s], c)
}

func (w *world) deliver(s Side, n int) {
	end := min(w.read[s]+n, len(w.log[s]))
	b := Batch{Side: s, Changes: append([]Change(nil), w.log[s][w.read[s]:end]...)}
	w.read[s] = end
	b.CaughtUp = end == len(w.log[s]) || w.loop.caughtUp[s]
	w.loop.takeBatch(b)
}

// arrive lets a request reach the secondary.
func (w *world) arrive(i int, answered bool) {
	f := w.flying[i]
	w.flying = append(w.flying[:i], w.flying[i+1:]...)
	res := Result{}
	for _, o := range f.a.Offsets() {
		if !w.stamps && !f.a.repair {
			w.intended[o.Key] = o.Offset
		}
		switch {
		case w.members > 0:
			res.Outcomes = append(res.Outcomes, RefusedLive)
		default:
			ret := int64(0)
			if w.stamps {
				ret = f.a.Retention().Milliseconds()
			}
			w.append(Secondary, Change{Commit: Commit{Key: o.Key, Offset: o.Offset, LeaderEpoch: -1, Metadata: o.Metadata, Retention: ret}})
			res.Outcomes = append(res.Outcomes, Written)
		}
	}
	if !answered {
		res = Result{Err: fmt.Errorf("connection lost")}
	}
	w.loop.answered(sent{group: f.g, admitted: f.a, result: res})
}

// checkLaunch holds what the loop knew at the moment the request left: never ahead of T of the newest commit it had read,
// never over a commit of somebody else that it had read.
func (w *world) checkLaunch(a Admitted) {
	if a.repair {
		return
	}
	newest := map[int32]int64{}
	for _, c := range w.log[Primary][:w.read[Primary]] {
		newest[c.Commit.Partition] = c.Commit.Offset
	}
	for _, c := range w.log[Secondary][:w.read[Secondary]] {
		if c.Kind == GroupState || c.Commit.LeaderEpoch >= 0 {
			w.t.Fatalf("wrote a group that the log had said is taken over: %+v", c)
		}
	}
	for _, o := range a.Offsets() {
		if u, ok := newest[o.Partition]; !ok || o.Offset > w.tOf(o.Partition, u) {
			w.t.Fatalf("ahead: wrote %d to partition %d, newest commit known %d (%v), T %d", o.Offset, o.Partition, u, ok, w.tOf(o.Partition, u))
		}
	}
}

func (w *world) step() {
	n := rapid.Int32Range(0, 2).Draw(w.t, "partition")
	key := Key{"g", "t", n}
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(w.t, "ms")) * time.Millisecond)
	switch rapid.IntRange(0, 13).Draw(w.t, "op") {
	case 0, 1, 2: // a consumer of the primary commits, sometimes backwards
		u := max(w.primary[n]+rapid.Int64Range(-20, 60).Draw(w.t, "move"), 0)
		w.primary[n] = u
		w.append(Primary, Change{Commit: Commit{Key: key, Offset: u, LeaderEpoch: 3}})
	case 3, 4:
		w.front[n] += rapid.Int64Range(0, 60).Draw(w.t, "mirrored")
		w.loop.Notify(Advance{Topic: "t", Partition: n})
	case 5, 6, 7:
		w.deliver(Side(rapid.IntRange(0, 1).Draw(w.t, "side")), rapid.IntRange(1, 5).Draw(w.t, "records"))
	case 8:
		if len(w.flying) > 0 {
			w.arrive(rapid.IntRange(0, len(w.flying)-1).Draw(w.t, "which"), rapid.Bool().Draw(w.t, "answered"))
		}
	case 9:
		w.loop.takeAdvances()
	case 10:
		w.loop.takeTick()
		w.loop.retryDue()
	case 11: // kill -9: what was in flight may arrive, unanswered, at any time later; here: now or never
		for len(w.flying) > 0 && rapid.Bool().Draw(w.t, "lands") && w.members == 0 {
			w.arrive(0, false)
		}
		w.flying = nil
		w.start()
	case 12:
		w.consumer(key)
	case 13:
		if rapid.Bool().Draw(w.t, "truncated") { // the secondary lost its end
			w.front[n] -= rapid.Int64Range(0, min(40, w.front[n])).Draw(w.t, "by")
			w.loop.Notify(Advance{Topic: "t", Partition: n, All: true})
		} else if len(w.flying) > 0 { // a request is lost on its way
			f := w.flying[0]
			w.flying = w.flying[1:]
			w.loop.answered(sent{group: f.g, admitted: f.a, result: Result{Err: fmt.Errorf("lost")}})
		}
	}
	w.loop.flow(context.Background())
	if err := w.loop.misplaced(); err != nil {
		w.t.Fatal(err)
	}
}

// consumer: one joins, commits and leaves on the secondary.
func (w *world) consumer(key Key) {
	if rapid.IntRange(0, 5).Draw(w.t, "rare") > 0 {
		return
	}
	if w.members == 0 {
		w.members = 1
		w.touched = true
		w.append(Secondary, Change{Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup, Members: 1}})
		return
	}
	d := rapid.Int64Range(1000, 3000).Draw(w.t, "foreign")
	w.foreign[key.Partition] = d
	w.append(Secondary, Change{Commit: Commit{Key: key, Offset: d, LeaderEpoch: 7}})
	if rapid.Bool().Draw(w.t, "leaves") {
		w.members = 0
		w.append(Secondary, Change{Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup, Members: 0}})
	}
}

// settle lets everything arrive, twice over, and checks what the secondary holds.
func (w *world) settle() {
	if w.members > 0 { // a value can only be put back while the group is empty
		w.members = 0
		w.append(Secondary, Change{Kind: GroupState, Commit: Commit{Key: Key{Group: "g"}}, Group: &GroupChange{Type: ClassicGroup}})
	}
	for range 60 {
		w.now = w.now.Add(11 * time.Second)
		w.deliver(Primary, 1<<20)
		w.deliver(Secondary, 1<<20)
		w.loop.takeAdvances()
		w.loop.takeTick()
		w.loop.retryDue()
		w.loop.flow(context.Background())
		for len(w.flying) > 0 {
			w.arrive(0, true)
		}
	}
	last := map[int32]Change{}
	for _, c := range w.log[Secondary] {
		if c.Kind == Committed {
			last[c.Commit.Partition] = c
		}
	}
	for n, u := range w.primary {
		d, foreign := w.foreign[n]
		switch {
		case foreign && last[n].Commit.Offset != d:
			w.t.Fatalf("partition %d: the consumer's commit %d was replaced by %d for good; verdict %+v; log:\n%s", n, d, last[n].Commit.Offset, w.saved["g"], w.dump(n))
		case !foreign && !w.touched && (last[n].Commit.Offset != w.tOf(n, u)):
			w.t.Fatalf("partition %d at rest: holds %d, want T(%d) = %d (entry %+v)", n, last[n].Commit.Offset, u, w.tOf(n, u), w.loop.snapshot(true).Groups)
		}
	}
}

// dump prints the secondary's log of one partition.
func (w *world) dump(n int32) string {
	var b strings.Builder
	for _, c := range w.log[Secondary] {
		if c.Group != nil {
			fmt.Fprintf(&b, "%d members %d\n", c.Commit.Order.Offset, c.Group.Members)
		} else if c.Commit.Partition == n {
			stamp, ok := ReadStamp(c.Commit.Retention)
			fmt.Fprintf(&b, "%d offset %d epoch %d %v %v\n", c.Commit.Order.Offset, c.Commit.Offset, c.Commit.LeaderEpoch, stamp, ok)
		}
	}
	return b.String()
}

func testLoopModel(t *testing.T, stamps bool) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{
			t: rt, now: time.UnixMilli(1_700_000_000_000), primary: map[int32]int64{},
			front: map[int32]int64{}, saved: map[string]Verdict{}, foreign: map[int32]int64{}, stamps: stamps, intended: map[Key]int64{},
		}
		w.start()
		for range rapid.IntRange(10, 150).Draw(rt, "steps") {
			w.step()
		}
		w.settle()
	})
}

func TestLoopAgainstModel(t *testing.T) { testLoopModel(t, true) }

// Where the secondary drops the stamp, a restart knows its own values by the remembered intents only.
func TestLoopAgainstModelWithoutStamps(t *testing.T) { testLoopModel(t, false) }
