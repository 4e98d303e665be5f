package daemon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/failover"
)

// startsBeside says whether a link "new", of group pay and the topics pay.*, starts beside what a link "old" left, and own it wrote itself.
func startsBeside(t *testing.T, old, own left) error {
	t.Helper()
	p := &paper{}
	old.write(t, p)
	own.link = "new"
	own.write(t, p)
	l := newLink(Link{Name: "new", SelectGroup: func(g string) bool { return g == "pay" },
		Rename: func(topic string) (string, bool) { return topic, strings.HasPrefix(topic, "pay.") }}, zap.NewNop())
	defer l.close()
	l.configured = map[string]bool{"new": true}
	r := &running{memory: newPaperMemory(p)}
	r.memory.store = failover.NewStore(p, failover.LinkID("new", "p", "s"))
	return l.recognised(t.Context(), r)
}

// Two processes share a pair by groups, over the same topics that another mirror copies. One of them has a failover under way, and has handed
// nothing over yet: the other one starts.
func TestReviewFailoverUnderWayBesideIt(t *testing.T) {
	err := startsBeside(t, left{topics: []string{"pay.a"}, step: failover.Drain}, left{topics: []string{"pay.a"}})
	if errors.Is(err, ErrRefused) {
		t.Errorf("a link that has run under its own name is refused: %v", err)
	}
}

// A link was renamed when that was allowed, after its failover had come home. A group has lived on the secondary all the time, and the link knows that
// under its new name, too: nothing would be forgotten.
func TestReviewRenamedLongAgo(t *testing.T) {
	err := startsBeside(t,
		left{roles: map[string]string{"pay.a": failover.Forward}, groups: map[string]string{"pay": "taken_over"}, step: failover.AtHome},
		left{groups: map[string]string{"pay": "taken_over"}})
	if errors.Is(err, ErrRefused) {
		t.Errorf("refused after an upgrade: %v", err)
	}
	err = startsBeside(t, // reclaimed by a person under the new name
		left{roles: map[string]string{"pay.a": failover.Forward}, groups: map[string]string{"pay": "taken_over"}, step: failover.AtHome},
		left{groups: map[string]string{"pay": "reclaimed"}})
	if errors.Is(err, ErrRefused) {
		t.Errorf("refused after an upgrade, although a person decided since: %v", err)
	}
}

// An answer that says that all is well, and could not be written down for a moment, is not made again from the start.
func TestReviewGoodAnswerIsKept(t *testing.T) {
	c := newChecks()
	done := make(chan struct{})
	go func() { defer close(done); _ = c.run(t.Context()) }()
	made := 0
	ask := func() {
		j, begun := c.of(failover.Look{ID: "1"}, nil)
		if begun {
			made++
			close(j.done)
			j.at = time.Now()
		}
		_, _, _ = c.give(j)
	}
	ask()
	ask()
	if made != 1 {
		t.Errorf("compared %d times", made)
	}
}

// Two processes share a pair by topics, and both follow all groups. Topic pay.a went from the one to the other by their configurations. Both have
// noticed that a group was taken over, this one first: it knows, and forgets nothing.
func TestReviewTakenOverForBoth(t *testing.T) {
	p := &paper{}
	left{link: "new", topics: []string{"pay.a"}, groups: map[string]string{"pay": "taken_over"}}.write(t, p)
	left{topics: []string{"pay.a", "log.a"}, groups: map[string]string{"pay": "taken_over"}}.write(t, p)
	l := newLink(Link{Name: "new", Rename: func(topic string) (string, bool) { return topic, strings.HasPrefix(topic, "pay.") }}, zap.NewNop())
	defer l.close()
	l.configured = map[string]bool{"new": true}
	r := &running{memory: newPaperMemory(p)}
	r.memory.store = failover.NewStore(p, failover.LinkID("new", "p", "s"))
	if err := l.recognised(t.Context(), r); errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}
