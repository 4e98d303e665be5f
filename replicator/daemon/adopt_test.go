package daemon

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// shared is the state topic as several use it at once. before and after run around an Append.
type shared struct {
	mu            sync.Mutex
	paper         paper
	before, after func() error
	appends       int
}

func (s *shared) Append(ctx context.Context, values [][]byte) error {
	s.mu.Lock()
	before, after := s.before, s.after
	s.before, s.after = nil, nil
	s.appends++
	s.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err := s.paper.Append(ctx, values)
	s.mu.Unlock()
	if after != nil {
		return after()
	}
	return err
}

func (s *shared) Read(ctx context.Context, yield func(int64, []byte)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paper.Read(ctx, yield)
}

// called is a link of the topics pay.* and of the groups pay*, by its name now and the one it says it had before.
func called(t *testing.T, kept failover.Log, name, before string) (*link, *running) {
	t.Helper()
	l := newLink(Link{Name: name, SelectGroup: func(g string) bool { return strings.HasPrefix(g, "pay") },
		Rename: func(topic string) (string, bool) { return topic, strings.HasPrefix(topic, "pay.") }}, zap.NewNop())
	l.index = emptyIndex(t)
	l.config.Name, l.config.RenamedFrom, l.configured = name, before, map[string]bool{name: true}
	return l, &running{memory: newMemoryOf(kept, failover.LinkID(name, "p", "s"), zap.NewNop()), source: shelf{}}
}

// start does what a link does before it applies anything.
func start(t *testing.T, kept failover.Log, name, before string) (failover.Known, *memory, error) {
	t.Helper()
	l, r := called(t, kept, name, before)
	k, err := started(t, l, r)
	return k, r.memory, err
}

func started(t *testing.T, l *link, r *running) (k failover.Known, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if err = l.adopt(t.Context(), r.memory); err != nil {
			return
		}
		if k, err = r.memory.store.Load(t.Context()); err != nil {
			return
		}
		err = l.recognised(t.Context(), r)
	})
	return k, err
}

// everything that can be left under a name.
func everything() left {
	return left{topics: []string{"pay.a", "pay.b"}, roles: map[string]string{"pay.a": failover.Switched, "pay.b": failover.Forward},
		groups: map[string]string{"pay": "handed_over", "pay2": "taken_over", "pay3": "reclaimed"}, step: failover.HandOver}
}

func verdicts(k failover.Known) map[string]string {
	all := map[string]string{}
	for group, e := range k.Groups {
		all[group] = e.Verdict
	}
	return all
}

func same(t *testing.T, k failover.Known) {
	t.Helper()
	want := everything()
	if got := verdicts(k); !maps.Equal(got, want.groups) {
		t.Errorf("groups %v, want %v", got, want.groups)
	}
	if k.Roles["pay.a"].Name != failover.Switched || k.Roles["pay.b"].Name != failover.Forward || len(k.Roles) != 2 || !k.Mirrored["pay.b"] {
		t.Errorf("roles %v, listed %v", k.Roles, k.Mirrored)
	}
	if k.State == nil || k.State.Step != want.step {
		t.Errorf("failover %+v", k.State)
	}
}

// A link that says what it was called goes on with all that was left under that name: once that is written down, and without saying it again.
func TestRenamedFrom(t *testing.T) {
	p := &shared{}
	everything().write(t, &p.paper)
	k, m, err := start(t, p, "new", "old")
	if err != nil {
		t.Fatal(err)
	}
	same(t, k)
	next := *k.State
	next.Step = failover.Done
	if k, err = m.store.Change(t.Context(), k, next); err != nil || k.State.Step != failover.Done {
		t.Fatalf("the failover does not go on: %v, %+v", err, k.State)
	}
	if err := m.store.SetGroups(t.Context(), "ann", []failover.Group{{Name: "pay2", Verdict: "reclaimed"}}); err != nil {
		t.Fatal(err)
	}
	for _, before := range []string{"old", ""} {
		wrote := len(p.paper.values)
		k, _, err := start(t, p, "new", before)
		if err != nil || k.State.Step != failover.Done || k.Groups["pay2"].Verdict != "reclaimed" || k.Groups["pay"].Verdict != "handed_over" {
			t.Errorf("renamed_from %q: %v, %+v, %v", before, err, k.State, verdicts(k))
		}
		if len(p.paper.values) != wrote {
			t.Errorf("renamed_from %q: written again", before)
		}
	}
	if _, _, err := start(t, p, "old", ""); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "Try: name it new here, too") {
		t.Errorf("the old name: %v", err)
	}
	if _, _, err := start(t, p, "third", "old"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "Try: renamed_from: new") {
		t.Errorf("another heir: %v", err)
	}
	if k, _, err := start(t, p, "third", "new"); err != nil || k.Groups["pay"].Verdict != "handed_over" || len(k.Groups) != 3 {
		t.Errorf("a third name: %v, %v", err, verdicts(k))
	}
}

// Whatever the moment at which it is killed, or an answer is lost: the state is the old name's, or the new one's, whole.
func TestRenamedFromHalfWay(t *testing.T) {
	gone := errors.New("gone")
	for _, written := range []bool{false, true} {
		p := &shared{}
		everything().write(t, &p.paper)
		fails := func() error { return gone }
		if p.before = fails; written {
			p.before, p.after = nil, fails
		}
		if _, _, err := start(t, p, "new", "old"); !errors.Is(err, gone) || errors.Is(err, ErrRefused) {
			t.Fatalf("written %v: %v", written, err)
		}
		k, _, err := start(t, p, "old", "")
		if written != errors.Is(err, ErrRefused) || !written && err != nil {
			t.Errorf("written %v, the old name: %v", written, err)
		} else if !written {
			same(t, k)
		}
		if k, _, err = start(t, p, "new", "old"); err != nil {
			t.Fatal(err)
		}
		same(t, k)
	}
}

// A leftoff that still runs under the old name ends before anything is applied under the new one, and what it says with its last breath counts.
func TestRenamedFromOneThatRuns(t *testing.T) {
	p := &shared{}
	everything().write(t, &p.paper)
	p.paper.values = slices.DeleteFunc(p.paper.values, func(v []byte) bool { return !strings.Contains(string(v), `"mirrored"`) }) // no loop runs here
	old, r := called(t, p, "old", "")
	renamed, heir := called(t, p, "new", "old")
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		go func() { ended <- old.remember(t.Context(), r) }()
		time.Sleep(10*rememberEvery + time.Second)
		if err := renamed.adopt(t.Context(), heir.memory); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if !errors.Is(err, ErrRefused) {
				t.Errorf("ended with %v", err)
			}
		default:
			t.Fatal("two run")
		}
	})
	late := failover.NewStore(p, failover.LinkID("old", "p", "s"))
	if err := late.SetGroups(t.Context(), "leftoff", []failover.Group{{Name: "pay9", Verdict: "taken_over"}}); err != nil {
		t.Fatal(err)
	}
	if k, err := heir.memory.store.Load(t.Context()); err != nil || k.Groups["pay9"].Verdict != "taken_over" {
		t.Errorf("%v, %v", err, verdicts(k))
	}
}

// Of two that say that they are the link one is.
func TestRenamedFromByTwo(t *testing.T) {
	p := &shared{}
	everything().write(t, &p.paper)
	first, r := called(t, p, "first", "old")
	second, s := called(t, p, "second", "old")
	synctest.Test(t, func(t *testing.T) {
		p.before = func() error { return second.adopt(t.Context(), s.memory) } // comes between
		if err := first.adopt(t.Context(), r.memory); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "second") {
			t.Errorf("the first: %v", err)
		}
	})
	k, err := started(t, second, s)
	if err != nil {
		t.Fatal(err)
	}
	same(t, k)
	if k, err := r.memory.store.Load(t.Context()); err != nil || k.State != nil || len(k.Roles)+len(k.Groups) > 0 {
		t.Errorf("the first has a part of it: %v, %+v", err, k)
	}
}

// Back to the old name, once; a configuration that was forgotten somewhere takes nothing away.
func TestRenamedBack(t *testing.T) {
	p := &shared{}
	everything().write(t, &p.paper)
	runs, r := called(t, p, "new", "old")
	k, err := started(t, runs, r)
	if err != nil {
		t.Fatal(err)
	}
	r.memory.hear(k)
	for _, to := range []struct{ name, before string }{{"new", "old"}, {"old", "new"}, {"old", ""}} {
		k, _, err := start(t, p, to.name, to.before)
		if err != nil {
			t.Fatalf("%+v: %v", to, err)
		}
		same(t, k)
	}
	if err := runs.recall(t.Context(), r); !errors.Is(err, ErrRefused) {
		t.Errorf("one that runs, with the line in its configuration: %v", err)
	}
	if _, _, err := start(t, p, "new", "old"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "got that name back") {
		t.Errorf("taken away again: %v", err)
	}
	if _, _, err := start(t, p, "new", ""); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "is called old now") {
		t.Errorf("goes on under a name that was given up: %v", err)
	}
	if k, _, err = start(t, p, "old", "new"); err != nil {
		t.Fatal(err)
	}
	same(t, k)
}

// A leftoff that changes nothing (`leftoff plan`) sees what would be taken over, and takes nothing.
func TestRenamedFromReadOnly(t *testing.T) {
	p := &shared{}
	everything().write(t, &p.paper)
	l, r := called(t, p, "new", "old")
	l.ReadOnly = true
	k, err := started(t, l, r)
	if err != nil || p.appends != 0 {
		t.Fatalf("%v, %d appends", err, p.appends)
	}
	same(t, k)
	if k, _, err = start(t, p, "old", ""); err != nil {
		t.Fatal(err)
	}
	same(t, k)
}

// Where it can't be sure that it is the same link, or that nothing would fall between two, it says so and changes nothing.
func TestRenamedFromIsRefused(t *testing.T) {
	switched := map[string]string{"pay.a": failover.Switched}
	for name, c := range map[string]struct {
		old, own left
		says     string
		prepare  func(*link)
	}{
		"other topics":        {old: left{topics: []string{"log.a"}, groups: map[string]string{"pay": "taken_over"}}, says: "followed other topics or groups"},
		"other groups":        {old: left{topics: []string{"pay.a"}, groups: map[string]string{"log": "taken_over"}}, says: "followed other topics or groups"},
		"a topic falls out":   {old: left{roles: map[string]string{"pay.a": failover.Switched, "log.a": failover.Switched}}, says: "does not follow: log.a"},
		"a group falls out":   {old: left{topics: []string{"pay.a"}, groups: map[string]string{"pay": "reclaimed", "log": "taken_over"}}, says: "does not follow: log"},
		"it is still there":   {old: left{roles: switched}, says: "still there", prepare: func(l *link) { l.configured["old"] = true }},
		"on its way home":     {old: left{roles: switched, step: failover.Return}, says: "until leftoff failback has ended"},
		"two had a failover":  {old: left{roles: switched, step: failover.Done}, own: left{step: failover.RolledBack}, says: "can't be made one story"},
		"no right to take it": {old: left{roles: switched}, says: "--topic leftoff-state", prepare: func(*link) {}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &shared{}
			c.old.write(t, &p.paper)
			c.own.link = "new"
			c.own.write(t, &p.paper)
			l, r := called(t, p, "new", "old")
			if c.prepare != nil {
				c.prepare(l)
			}
			if strings.HasPrefix(name, "no right") {
				p.before = func() error { return noRight("produce", 29, "topic "+failover.Topic) }
			}
			if name == "on its way home" {
				s := failover.NewStore(p, failover.LinkID("old", "p", "s"))
				k, err := s.Load(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Change(t.Context(), k, failover.State{ID: "1", Step: failover.Return, Home: &failover.Home{}}); err != nil {
					t.Fatal(err)
				}
			}
			err := l.recall(t.Context(), r)
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "Try: ") {
				t.Fatalf("%v", err)
			}
			select {
			case <-r.memory.read:
				t.Error("and goes on")
			default:
			}
			if mine, _ := r.memory.lineage.mine(failover.LinkID("old", "p", "s")); mine {
				t.Error("and takes it")
			}
		})
	}
}

// Where nothing is kept of the former name there is nothing to take: the line in the configuration is in nobody's way.
func TestRenamedFromNothing(t *testing.T) {
	p := &shared{}
	if _, _, err := start(t, p, "new", "old"); err != nil || p.appends != 0 {
		t.Fatalf("%v, %d appends", err, p.appends)
	}
	if _, _, err := start(t, p, "old", ""); err != nil {
		t.Errorf("the old name: %v", err)
	}
}

func noRight(op string, code int16, on string) error {
	kind, name, _ := strings.Cut(on, " ")
	return &kafka.Error{Cluster: "east", Op: op, On: name, Code: code, Class: kafka.Unauthorized, Err: errors.New("not authorized"),
		Hint: "kafka-acls --add --allow-principal User:ann --operation Any --" + kind + " " + name}
}

// docs/failover.md: the index may go along under the new name.
func TestRenamedIndex(t *testing.T) {
	folder := t.TempDir()
	x, err := checkpoint.Open(filepath.Join(folder, "old.db"), checkpoint.Options{Link: checkpoint.Link{Name: "old", PrimaryClusterID: "p", SecondaryClusterID: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(x.SetVerdict("pay", checkpoint.Verdict{Kind: checkpoint.TakenOver, Why: "a consumer joined"}), x.Close(),
		os.Rename(filepath.Join(folder, "old.db"), filepath.Join(folder, "new.db")))
	if err != nil {
		t.Fatal(err)
	}
	l := newLink(Link{Name: "new", IndexPath: filepath.Join(folder, "new.db")}, zap.NewNop())
	defer l.close()
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	if v, _ := l.index.Verdict("pay"); v.Kind != checkpoint.TakenOver || l.known() != [2]string{"p", "s"} {
		t.Errorf("%+v, between %q", v, l.known())
	}
}
