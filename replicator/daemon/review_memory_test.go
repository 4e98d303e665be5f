package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// paper is the state topic.
type paper struct {
	values [][]byte
	fails  error
}

func (p *paper) Append(_ context.Context, values [][]byte) error {
	if p.fails == nil {
		p.values = append(p.values, values...)
	}
	return p.fails
}

func (p *paper) Read(_ context.Context, yield func(int64, []byte)) error {
	for i, v := range p.values {
		yield(int64(i), v)
	}
	return p.fails
}

func newPaperMemory(p *paper) *memory {
	m := newMemory(nil, "l: p → s", zap.NewNop())
	m.store = failover.NewStore(p, "l: p → s")
	return m
}

func (p *paper) known(t *testing.T, m *memory) failover.Known {
	t.Helper()
	k, err := m.store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func handedOver(at int64, why string) replicator.Verdict {
	return replicator.Verdict{Kind: replicator.VerdictHandedOver, At: at, Why: why}
}

func reclaimed(at int64, why string) replicator.Verdict {
	return replicator.Verdict{Kind: replicator.VerdictReclaimed, At: at, Why: why}
}

// What a person gives as the reason decides nothing: a reclaim "failover is over" is kept like any other.
func TestEveryReclaimIsTold(t *testing.T) {
	p := &paper{}
	m := newPaperMemory(p)
	m.hear(p.known(t, m))
	m.verdict("till", reclaimed(5, "failover is over"))
	if err := m.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := p.known(t, m); k.Groups["till"].Verdict != "reclaimed" || k.Groups["till"].Why != "failover is over" {
		t.Errorf("%+v", k.Groups)
	}
	if err := m.tell(t.Context()); err != nil || len(p.values) != 1 {
		t.Errorf("%v, told %d times", err, len(p.values))
	}
}

// A verdict of the machine is written by the machine, once; from here only where it died before.
func TestMachinesVerdictsAreToldOnce(t *testing.T) {
	p := &paper{}
	m := newPaperMemory(p)
	m.hear(p.known(t, m))
	m.verdict("till", handedOver(5, "failover 1"))
	m.verdict("audit", handedOver(5, "failover 1"))
	if err := m.store.SetGroups(t.Context(), "ann", []failover.Group{{Name: "till", Verdict: "handed_over", Why: "failover 1"}}); err != nil {
		t.Fatal(err)
	}
	m.hear(p.known(t, m))
	if err := m.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := p.known(t, m); len(k.Events) != 2 || k.Groups["till"].Who != "ann" || k.Groups["audit"].Who != "leftoff" {
		t.Errorf("%+v", k.Events)
	}
	if !m.wasHandedOver("audit") && !m.wasHandedOver("till") || m.wasHandedOver("other") {
		t.Error("forgets who was handed over")
	}
}

// Only what is new since it was last heard is news, and nothing that this process is about to say otherwise.
func TestUnheard(t *testing.T) {
	p := &paper{}
	m := newPaperMemory(p)
	set := func(group, verdict string) {
		if err := m.store.SetGroups(t.Context(), "x", []failover.Group{{Name: group, Verdict: verdict}}); err != nil {
			t.Fatal(err)
		}
	}
	set("a", "handed_over")
	k := p.known(t, m)
	if v, news := m.unheard(k); len(v) != 1 || news {
		t.Fatalf("at first: %v %v", v, news)
	}
	m.hear(k)
	if v, news := m.unheard(k); len(v) != 0 || !news {
		t.Fatalf("again: %v %v", v, news)
	}
	set("a", "reclaimed")
	set("b", "handed_over")
	m.verdict("b", replicator.Verdict{Kind: replicator.VerdictTakenOver, Why: "a consumer joined"})
	v, news := m.unheard(p.known(t, m))
	if len(v) != 1 || v["a"].Kind != replicator.VerdictReclaimed || !news {
		t.Errorf("news are %v %v", v, news)
	}
}

// What is fenced follows what is kept, and not what changed since last time. A step that has fenced and not yet written that down is left
// alone, until its failover is over.
func TestFencesFollowWhatIsKept(t *testing.T) {
	m := newPaperMemory(&paper{})
	role := func(name string) map[string]failover.Role { return map[string]failover.Role{"orders": {Name: name}} }
	under := &failover.State{Step: failover.Switch}
	over := &failover.State{Step: failover.RolledBack}
	for _, c := range []struct {
		what        string
		k           failover.Known
		fencing     bool
		fenced      []string
		fence, back []string
	}{
		{"switched", failover.Known{Roles: role(failover.Switched)}, false, nil, []string{"orders"}, nil},
		{"fenced already", failover.Known{Roles: role(failover.Switched)}, false, []string{"orders"}, nil, nil},
		{"turned round elsewhere", failover.Known{Roles: role(failover.Forward)}, false, []string{"orders"}, nil, []string{"orders"}},
		{"a step died after it had fenced", failover.Known{State: over}, true, []string{"orders"}, nil, []string{"orders"}},
		{"a step has just fenced", failover.Known{State: under, Roles: role(failover.Forward)}, true, []string{"orders"}, nil, nil},
	} {
		m.fence([]string{"orders"}, c.fencing)
		if fence, back := m.fences(c.k, c.fenced); !slices.Equal(fence, c.fence) || !slices.Equal(back, c.back) {
			t.Errorf("%s: fence %v, let go %v", c.what, fence, back)
		}
	}
}

// A topic that changed hands answers so over every mapping, not only leftoff's own mirror.
func TestRuled(t *testing.T) {
	m := newPaperMemory(&paper{})
	f := ruled{forwards{}, m, func(topic string) (string, bool) { return "west." + topic, true }}
	ask := func() replicator.Reason { return f.Forward("orders", [16]byte{}, 0, 1).Reason }
	if ask() != replicator.NoReason {
		t.Error("held before anything was switched")
	}
	changed := m.hear(failover.Known{Roles: map[string]failover.Role{"orders": {Name: failover.Switched}}})
	if !slices.Equal(changed, []string{"orders"}) || ask() != replicator.HandedOver || f.Forward("orders", [16]byte{}, 0, 1).Topic != "west.orders" {
		t.Errorf("changed %v, says %v", changed, ask())
	}
	if f.Forward("other", [16]byte{}, 0, 1).Reason != replicator.NoReason {
		t.Error("holds another topic")
	}
	if changed := m.hear(failover.Known{Roles: map[string]failover.Role{"orders": {Name: failover.Forward}}}); len(changed) != 1 || ask() != replicator.NoReason {
		t.Errorf("changed %v, says %v", changed, ask())
	}
}

type forwards struct{ source }

func (forwards) Forward(topic string, _ [16]byte, _ int32, _ int64) replicator.Mapping {
	return replicator.Mapping{Topic: topic}
}

// One at a time changes what is kept, and who waits too long gives up.
func TestAlone(t *testing.T) {
	m := newPaperMemory(&paper{})
	inside, let := make(chan struct{}), make(chan struct{})
	go func() { _ = m.alone(context.Background(), func() error { close(inside); <-let; return nil }) }()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := m.alone(ctx, func() error { t.Error("two at once"); return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(let)
	want := errors.New("mine")
	if err := m.alone(t.Context(), func() error { return want }); !errors.Is(err, want) {
		t.Error(err)
	}
}

// A record that can't be understood may be what must not be forgotten.
func TestUnreadableIsSaid(t *testing.T) {
	p := &paper{values: [][]byte{[]byte("{")}}
	m := newPaperMemory(p)
	_, err := m.store.Load(t.Context())
	if m.note(err); err == nil || len(m.problems()) != 1 || !strings.Contains(m.problems()[0], failover.Topic) {
		t.Errorf("%v %q", err, m.problems())
	}
	p.values[0], _ = json.Marshal(failover.Event{})
	_, err = m.store.Load(t.Context())
	if m.note(err); err != nil || len(m.problems()) != 0 {
		t.Errorf("%v %q", err, m.problems())
	}
}
