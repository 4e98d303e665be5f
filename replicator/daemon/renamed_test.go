package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// left is what a link of another name left on the secondary.
type left struct {
	topics  []string // listed
	roles   map[string]string
	groups  map[string]string
	step    failover.Step
	link    string // its name; "old" by default
	primary string
}

func (l left) write(t *testing.T, p *paper) {
	t.Helper()
	name, primary := l.link, l.primary
	if name == "" {
		name = "old"
	}
	if primary == "" {
		primary = "p"
	}
	ctx, s := t.Context(), failover.NewStore(p, failover.LinkID(name, primary, "s"))
	roles := map[string]failover.Role{}
	for topic, role := range l.roles {
		roles[topic] = failover.Role{Name: role}
	}
	var groups []failover.Group
	for group, verdict := range l.groups {
		groups = append(groups, failover.Group{Name: group, Verdict: verdict})
	}
	err := errors.Join(s.SetMirrored(ctx, "x", l.topics), s.SetRoles(ctx, "x", "", roles), s.SetGroups(ctx, "x", groups))
	if l.step != "" {
		k, failed := s.Load(ctx)
		_, changed := s.Change(ctx, k, failover.State{ID: "1", Step: l.step})
		err = errors.Join(err, failed, changed)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A link that was given another name does not start where its old one left something that it would not respect. Links that share the
// work between the same clusters, by topics or by groups, go on.
func TestRenamedLink(t *testing.T) {
	const no, maybe, yes = 0, 1, 2
	switched := map[string]string{"pay.a": failover.Switched}
	for name, c := range map[string]struct {
		left left
		want int
		says string
	}{
		"nothing is there":              {left{}, no, ""},
		"it only copied":                {left{topics: []string{"pay.a"}}, no, ""},
		"switched":                      {left{topics: []string{"pay.a", "pay.b"}, roles: switched, groups: map[string]string{"pay": "handed_over"}}, yes, "switched topics in a failover (pay.a)"},
		"switched, without a list":      {left{roles: switched, groups: map[string]string{"pay": "handed_over"}}, yes, "switched topics"},
		"switched, groups unknown yet":  {left{roles: switched, step: failover.HandOver}, yes, "has a failover under way, at step hand_over"},
		"taken over":                    {left{topics: []string{"pay.a"}, groups: map[string]string{"pay": "taken_over"}}, yes, "let go of groups, or had them taken over (pay)"},
		"under way":                     {left{topics: []string{"pay.a"}, step: failover.Stop}, maybe, "under way, at step stop"},
		"it came home":                  {left{topics: []string{"pay.a"}, roles: map[string]string{"pay.a": failover.Forward}, groups: map[string]string{"pay": "reclaimed"}, step: failover.AtHome}, no, ""},
		"other topics":                  {left{topics: []string{"log.a"}, roles: map[string]string{"log.a": failover.Switched}, groups: map[string]string{"pay": "handed_over"}}, no, ""},
		"the same topics, other groups": {left{topics: []string{"pay.a"}, roles: switched, groups: map[string]string{"log": "handed_over"}}, no, ""},
		"before topics were listed":     {left{groups: map[string]string{"pay": "taken_over"}}, maybe, "Try: name the link old again"},
		"it is configured, too":         {left{link: "beside", roles: switched, groups: map[string]string{"pay": "handed_over"}}, no, ""},
		"another primary":               {left{primary: "q", roles: switched, groups: map[string]string{"pay": "handed_over"}}, no, ""},
		"a way home":                    {left{link: "old-home-20261125-193600-0f3a", roles: switched, groups: map[string]string{"pay": "handed_over"}}, no, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := &paper{}
			c.left.write(t, p)
			l := newLink(Link{Name: "new", SelectGroup: func(g string) bool { return g == "pay" },
				Rename: func(topic string) (string, bool) { return topic, strings.HasPrefix(topic, "pay.") }}, zap.NewNop())
			defer l.close()
			l.configured = map[string]bool{"new": true, "beside": true}
			r := &running{memory: newPaperMemory(p)}
			r.memory.store = failover.NewStore(p, failover.LinkID("new", "p", "s"))
			err := l.recognised(t.Context(), r)
			said := strings.Join(r.memory.problems(), "")
			switch {
			case (c.want == yes) != errors.Is(err, ErrRefused), c.want != yes && err != nil, (c.want == maybe) != (said != ""):
				t.Fatalf("%v, status says %q", err, said)
			case c.want == yes && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "Try: name the link old again")), c.want == maybe && !strings.Contains(said, c.says):
				t.Errorf("%v, status says %q", err, said)
			}
		})
	}
}

// Once it was heard what is kept, nothing of another link ends this one.
func TestRenamedIsAskedOnce(t *testing.T) {
	p := &paper{}
	l := newLink(Link{Name: "new", Rename: func(topic string) (string, bool) { return topic, true }}, zap.NewNop())
	defer l.close()
	l.configured = map[string]bool{"new": true}
	r := &running{memory: newPaperMemory(p)}
	r.memory.store = failover.NewStore(p, failover.LinkID("new", "p", "s"))
	r.memory.hear(p.known(t, r.memory))
	left{roles: map[string]string{"orders": failover.Switched}}.write(t, p)
	if err := l.recognised(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// shelf is a mapping source of which nothing but its topics is asked.
type shelf struct {
	source
	topics map[string]replicator.Reason
}

func (s shelf) Mirrored() map[string]int32 {
	all := map[string]int32{}
	for topic := range s.topics {
		all[topic] = 1
	}
	return all
}

func (s shelf) Forward(topic string, _ [16]byte, _ int32, _ int64) replicator.Mapping {
	return replicator.Mapping{Reason: s.topics[topic]}
}

// What has a copy on the secondary is listed there: once, when its copy is one, and tried again where that fails.
func TestTopicsAreListed(t *testing.T) {
	p := &paper{}
	m := newPaperMemory(p)
	s := shelf{topics: map[string]replicator.Reason{"orders": replicator.NoReason, "audit": replicator.Unmapped, "odd": replicator.PartitionMismatch, "new": replicator.TopicMissing}}
	list := func(want ...string) {
		t.Helper()
		if err := m.list(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if got := m.topics(); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	list() // what is there was not read yet
	m.hear(p.known(t, m))
	p.fails = errors.New("no")
	if err := m.list(t.Context(), s); err == nil || len(m.topics()) != 0 {
		t.Fatalf("%v, and listed %q", err, m.topics())
	}
	p.fails = nil
	list("audit", "orders")
	list("audit", "orders")
	m.hear(p.known(t, m))
	list("audit", "orders")
	if len(p.values) != 1 {
		t.Errorf("%d events", len(p.values))
	}
	s.topics["new"] = replicator.NoReason
	delete(s.topics, "audit") // what is gone stays on the list
	list("audit", "new", "orders")
	if k := p.known(t, m); len(k.Mirrored) != 3 || len(p.values) != 2 {
		t.Errorf("%v in %d events", k.Mirrored, len(p.values))
	}
}
