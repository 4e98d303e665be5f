package auto

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/detect"
	"github.com/leftoff/leftoff/replicator/identity"
	"github.com/leftoff/leftoff/replicator/match"
	"github.com/leftoff/leftoff/replicator/mm2"
	"github.com/leftoff/leftoff/translate"
)

// inner is a source that answers for the topics it is given, a second after it was given them.
type inner struct {
	position int64
	named    func(string) bool

	mu       sync.Mutex
	known    map[string]bool
	wanted   []string
	degraded []identity.Problem
}

func (i *inner) Forward(topic string, _ [16]byte, _ int32, _ int64) replicator.Mapping {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.known[topic] {
		return replicator.Mapping{Reason: replicator.TopicMissing}
	}
	return replicator.Mapping{Topic: topic, Position: translate.Position{Offset: i.position, Confidence: translate.Exact}}
}

func (i *inner) Mirrored() map[string]int32 {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := map[string]int32{}
	for topic := range i.known {
		all[topic] = 1
	}
	return all
}

func (i *inner) Want(topic string, _ int32, _ int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wanted = append(i.wanted, topic)
}

func (i *inner) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		i.mu.Lock()
		i.known = map[string]bool{}
		for _, topic := range []string{"orders", "payments", "later"} {
			if i.named(topic) {
				i.known[topic] = true
			}
		}
		i.mu.Unlock()
	}
}

type keeps struct{ *inner }

func (k keeps) State() identity.State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return identity.State{Problems: k.degraded}
}

type compared struct{ *inner }

func (compared) State() match.State         { return match.State{Notes: []string{"no offset syncs"}} }
func (compared) Other(string) bool          { return false }
func (compared) AwaitOther(context.Context) {}

// facts are what a look finds: they change in a test.
type facts struct {
	mu    sync.Mutex
	found map[string]detect.TopicFacts
	syncs bool
	err   error
	looks int
}

func (f *facts) set(topic string, t detect.TopicFacts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.Name, t.Partitions, t.ThereParts = topic, 1, 1
	f.found[topic] = t
}

func (f *facts) looked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.looks
}

func (f *facts) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *facts) look(_ context.Context, asked func(string) bool) (detect.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	if f.err != nil {
		return detect.Report{}, f.err
	}
	all := detect.Facts{}
	if f.syncs {
		all.Syncs = &mm2.Evidence{}
	}
	for topic, t := range maps.All(f.found) {
		if asked(topic) {
			all.Topics = append(all.Topics, t)
		}
	}
	return detect.Decide(all), nil
}

type world struct {
	*Source
	*facts
	keeps, compares *inner

	mu   sync.Mutex
	told map[string]int
}

// in runs a source over facts in a bubble of fake time.
func in(t *testing.T, before map[string]choice, f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{facts: &facts{found: map[string]detect.TopicFacts{}}, told: map[string]int{}}
		w.Source = &Source{
			name: func(topic string) (string, bool) { return topic, !strings.HasPrefix(topic, "no") }, log: zap.NewNop(),
			notify: func(a replicator.Advance) { w.mu.Lock(); w.told[a.Topic]++; w.mu.Unlock() },
			look:   w.facts.look, topics: map[string]choice{}, asked: map[string]bool{}, wake: make(chan struct{}, 1),
		}
		maps.Copy(w.topics, before)
		w.keeps = &inner{position: 1, named: func(s string) bool { _, ok := w.named(s, configs.MappingIdentity); return ok }}
		w.compares = &inner{position: 2, named: func(s string) bool { _, ok := w.named(s, configs.MappingMM2, configs.MappingMatch); return ok }}
		w.Source.identity, w.Source.comparing = keeps{w.keeps}, compared{w.compares}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		f(w)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func (w *world) says(t *testing.T, topic string, position int64, reason replicator.Reason, detail string) {
	t.Helper()
	synctest.Wait()
	m := w.Forward(topic, [16]byte{}, 0, 7)
	if m.Position.Offset != position || m.Reason != reason || !strings.Contains(m.Detail, detail) {
		t.Errorf("%s: %+v, want position %d, reason %q, detail %q", topic, m, position, reason, detail)
	}
}

var (
	sameWithMarkers = detect.TopicFacts{There: "x", Compared: detect.Comparison{Equal: 3, Varied: true, Markers: 1}}
	same            = detect.TopicFacts{There: "x", Compared: detect.Comparison{Equal: 3, Varied: true}}
	moved           = detect.TopicFacts{There: "x", Compared: detect.Comparison{Differs: "offset 3", Sought: 1, Found: 1}}
	absent          = detect.TopicFacts{}
)

func TestEachTopicHasItsSource(t *testing.T) {
	in(t, nil, func(w *world) {
		w.set("orders", sameWithMarkers)
		w.set("payments", moved)
		w.says(t, "orders", 0, replicator.CatchingUp, "") // its source has not come to it yet
		time.Sleep(4 * time.Second)
		w.says(t, "orders", 1, replicator.NoReason, "")
		w.says(t, "payments", 2, replicator.NoReason, "")
		w.Want("payments", 0, 5)
		if len(w.keeps.wanted) != 0 || len(w.compares.wanted) != 1 {
			t.Errorf("wanted of %v and %v", w.keeps.wanted, w.compares.wanted)
		}
		if got := w.Chosen(); got[configs.MappingIdentity] != 1 || got[configs.MappingMatch] != 1 {
			t.Error(got)
		}
		if got := w.Mirrored(); len(got) != 2 {
			t.Error(got)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.told["orders"] == 0 || w.told["payments"] == 0 {
			t.Errorf("told %v", w.told)
		}
	})
}

// A mirror that began at offset 0 has equal offsets so far: such a topic is compared.
func TestEqualOffsetsAreNotEnough(t *testing.T) {
	in(t, nil, func(w *world) {
		w.set("orders", same)
		time.Sleep(4 * time.Second)
		w.says(t, "orders", 2, replicator.NoReason, "")
	})
}

// What is not the same any more is compared from then on, and stays compared.
func TestIdentityGoesOverToComparing(t *testing.T) {
	in(t, nil, func(w *world) {
		w.set("orders", sameWithMarkers)
		time.Sleep(4 * time.Second)
		w.says(t, "orders", 1, replicator.NoReason, "")
		w.set("orders", moved)
		w.keeps.mu.Lock()
		w.keeps.degraded = []identity.Problem{{Topic: "orders", Reason: replicator.SourceDegraded}}
		w.keeps.mu.Unlock()
		time.Sleep(latest + 4*time.Second)
		w.says(t, "orders", 2, replicator.NoReason, "")
		w.set("orders", sameWithMarkers)
		time.Sleep(latest + 4*time.Second)
		w.says(t, "orders", 2, replicator.NoReason, "")
	})
}

// Nothing is copied that nobody asked for, and a copy that appears is found.
func TestNeverBeginsToCopy(t *testing.T) {
	in(t, nil, func(w *world) {
		w.set("orders", absent)
		time.Sleep(4 * time.Second)
		w.says(t, "orders", 0, replicator.TopicMissing, "mapping: mirror")
		if notes := w.State().Notes; len(notes) != 1 || !strings.Contains(notes[0], "orders") {
			t.Errorf("%q", notes)
		}
		w.set("orders", moved)
		time.Sleep(latest + 4*time.Second)
		w.says(t, "orders", 2, replicator.NoReason, "")
	})
}

// Topics that were compared before are answered at once, also when the clusters can't be looked at.
func TestRemembersWhatWasCompared(t *testing.T) {
	in(t, map[string]choice{"orders": {mapping: configs.MappingMM2, recalled: true}}, func(w *world) {
		w.fail(errors.New("no route to host"))
		time.Sleep(2 * time.Second)
		w.says(t, "orders", 2, replicator.NoReason, "")
		w.says(t, "payments", 0, replicator.CatchingUp, "")
		if notes := strings.Join(w.State().Notes, ""); !strings.Contains(notes, "no route to host") {
			t.Errorf("%q", notes)
		}
	})
}

// A topic that is committed for the first time is looked at within seconds, and one that does not exist is said to be missing.
func TestNewTopics(t *testing.T) {
	in(t, nil, func(w *world) {
		w.set("orders", moved)
		time.Sleep(10 * time.Minute)
		before := w.looked()
		w.set("later", moved)
		w.says(t, "later", 0, replicator.CatchingUp, "")
		w.says(t, "gone", 0, replicator.CatchingUp, "")
		time.Sleep(soonest + 2*time.Second)
		w.says(t, "later", 2, replicator.NoReason, "")
		w.says(t, "gone", 0, replicator.TopicMissing, "not among")
		if n := w.looked() - before; n > 3 {
			t.Errorf("%d looks", n)
		}
	})
}

// MirrorMaker 2's own topics, and copies of the other side's, are nobody's problem.
func TestOwnTopicsAreFiltered(t *testing.T) {
	in(t, nil, func(w *world) {
		w.set("heartbeats", detect.TopicFacts{Own: true})
		w.set("orders", detect.TopicFacts{CopyOf: "west.orders"})
		time.Sleep(4 * time.Second)
		w.says(t, "heartbeats", 0, replicator.Filtered, "own")
		w.says(t, "orders", 0, replicator.Filtered, "copy")
		if notes := w.State().Notes; len(notes) != 0 {
			t.Errorf("%q", notes)
		}
	})
}
