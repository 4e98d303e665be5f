package acceptance

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// dies takes leftoff to a kill point, kills it there, lets the world go on, and starts it again. What it was writing is still on its way.
func (l *life) dies(d death) (late *heldWrite) {
	l.t.Helper()
	l.stepTo(d.killPoint)
	if d.way == wayHome && atHomeAlready(d.killPoint) {
		l.resumesHome()
		l.goesOn(d.killPoint)
	}
	if d.when == entered {
		l.kills()
	} else {
		late = l.diesAtWork(d.killPoint)
	}
	if step, inner := l.stands(); step != d.step || d.inner != "" && inner != d.inner {
		l.t.Errorf("died at %s, %s, and not at: %s", step, inner, d)
	} else {
		l.died(d)
	}
	l.goesOn(d.killPoint)
	if d.burns {
		if err := os.RemoveAll(l.dataDir); err != nil {
			l.t.Fatal(err)
		}
	}
	l.starts()
	return late
}

func (l *life) kills() {
	l.t.Helper()
	if err := l.d.cmd.Process.Kill(); err != nil {
		l.t.Fatal(err)
	}
	<-l.d.ended
}

// stepTo takes one step at a time, as no step is taken unasked, until the one of a kill point is entered.
func (l *life) stepTo(k killPoint) {
	l.t.Helper()
	o, verb := failover.Order{Who: "tester", Unplanned: k.way == wayUnplanned}, api.FailoverBegin
	switch k.way {
	case wayHome:
		o.Choice, verb = failover.Discard, api.FailoverReturn
	case wayRound:
		verb = api.FailoverRollback
	}
	step, inner := k.step, k.inner
	switch inner {
	case failover.Preflight:
		inner = "" // entered and left within one answer
	case failover.Done:
		inner = failover.HandOver // the last that is entered
	}
	var a api.FailoverAnswer
	var err error
	if !eventually(time.Minute, func() bool {
		if a, err = l.ask(verb, o); err != nil {
			return false
		}
		verb = api.FailoverAdvance
		at, innerAt := l.stands()
		return at == step && (inner == "" || innerAt == inner)
	}) {
		l.t.Fatalf("does not come to: %s, but to %+v, which waits for %q: %v", k, a.State, a.Waits, err)
	}
}

// diesAtWork runs the command, and kills leftoff when it is about to write down what it did.
func (l *life) diesAtWork(k killPoint) *heldWrite {
	l.t.Helper()
	w := l.holds(k)
	l.t.Cleanup(w.Release)
	x := l.command(k.way)
	select {
	case <-w.Caught:
	case <-x.ended:
		l.t.Fatalf("was not held at: %s\n%s", k, x.message())
	case <-time.After(time.Minute):
		l.t.Fatalf("does not come to: %s\n%s", k, x.message())
	}
	l.kills()
	if x.status(soon) == 0 {
		l.t.Errorf("the command says that all is well, and leftoff is dead:\n%s", x.message())
	}
	if w.in.has(l.t, w.values[0]) {
		l.t.Errorf("%s: it is written", k)
	}
	return w
}

// holds is the write that follows what is done at a kill point.
func (l *life) holds(k killPoint) *heldWrite {
	w := stateWrite{link: l.id()}
	proxy, in := l.secondary.Proxy(l.t, 1), l.away
	if k.inner != "" && k.inner != failover.Done {
		w.link, proxy, in = l.homeID(), l.primary.Proxy(l.t, 1), l.home
	}
	switch k.when {
	case ofTopics:
		w.kind = failover.RoleChanged
	case ofGroups:
		w.kind, w.verdict = failover.GroupChanged, "reclaimed"
		if k.step == failover.HandOver || k.inner == failover.HandOver {
			w.verdict = "handed_over"
		}
	case worked:
		w.kind, w.step = failover.StateChanged, after(k)
	}
	return w.hold(proxy, in)
}

// after is the step that is written down next.
func after(k killPoint) failover.Step {
	steps, step := stepsOn(k.way), k.step
	if k.inner != "" && k.inner != failover.Done {
		steps, step = failover.Steps(false), k.inner
	}
	return steps[slices.Index(steps, step)+1]
}

// goesOn is what the world does meanwhile: producers and consumers run as long as no step has found them stopped.
func (l *life) goesOn(k killPoint) {
	running := func(s failover.Step) bool {
		return slices.Contains([]failover.Step{"", failover.Preflight, failover.Stop}, s)
	}
	switch {
	case k.way == wayRound, k.way == wayPlanned && running(k.step):
		l.produces(l.primary, 40)
		l.commits(l.primary, l.at)
	case k.way == wayPlanned && k.step == failover.Drain:
		l.produces(l.primary, 40)
	case k.way != wayHome:
	case atHomeAlready(k):
		l.produces(l.primary, 40)
		l.commits(l.primary, l.at)
	case running(k.inner):
		l.produces(l.secondary, 40)
		l.commits(l.secondary, l.there)
	case k.inner == failover.Drain:
		l.produces(l.secondary, 40)
	}
}

// goesThrough gives the command again until leftoff has started and it is done.
func (l *life) goesThrough(k killPoint) {
	l.t.Helper()
	x, status := (*process)(nil), 0
	eventually(time.Minute, func() bool {
		x = l.command(k.way)
		status = x.status(2 * time.Minute)
		return status == 0 || !strings.Contains(x.message(), "still waits for its clusters")
	})
	home := k.step == failover.AtHome && strings.Contains(x.message(), "nothing was switched")
	if status != 0 && !home {
		l.t.Fatalf("after %s, exit status %d:\n%s", k, status, x.message())
	}
}

// landsLate lets the dead process's last words arrive. They change nothing.
func (l *life) landsLate(w *heldWrite) {
	l.t.Helper()
	if w == nil {
		return
	}
	before := l.kept()
	w.Release()
	if !eventually(soon, func() bool { return w.in.has(l.t, w.values[len(w.values)-1]) }) {
		l.t.Fatal("what was held never came")
	}
	if after := l.kept(); after != before {
		l.t.Errorf("a dead process changed what is kept:\n%s\nand now\n%s", before, after)
	}
}

// kept is what both state topics say.
func (l *life) kept() string {
	l.t.Helper()
	logs := []failover.Known{l.away.of(l.t, l.id())}
	if logs[0].State.Home != nil {
		logs = append(logs, l.home.of(l.t, l.homeID()))
	}
	var all []string
	for _, k := range logs {
		said, err := json.Marshal([]any{k.State, k.Roles, k.Groups})
		if err != nil {
			l.t.Fatal(err)
		}
		all = append(all, string(said))
	}
	return strings.Join(all, "\n")
}
