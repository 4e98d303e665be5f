package failover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The steps home.
const (
	Diverge Step = "diverge" // a person has to say what becomes of what the primary had and the secondary never got
	Return  Step = "return"  // records and groups go back over a link the other way
	Settle  Step = "settle"  // the original link resumes
	AtHome  Step = "at_home"
)

var home = []Step{Diverge, Return, Settle, AtHome}

// Choices for the divergence.
const (
	Export  = "export"  // somebody has the records in a file
	Replay  = "replay"  // they were produced to the secondary, behind what it had
	Discard = "discard" // they stay where they are, and only there
)

// Moved is the word that a mirror which is not leftoff's was told where to go on: at the last step.
const Moved = "mirror_moved"

// Home is what a way home needs beside the steps.
type Home struct {
	Choice string `json:"choice,omitempty"`
	// Diverged are the primary's records that the secondary never got: From is where the topic was switched, To where the primary
	// ended when the way home began.
	Diverged []Unmirrored `json:"diverged"`
	// Topics are the ids of the primary's topics that Diverged is of, by name: one that is made anew has other records.
	Topics map[string]string `json:"topic_ids,omitempty"`
	// Copied are the primary's records past the marks of the switch that the secondary had by then, as turned out since.
	Copied []Unmirrored `json:"copied,omitempty"`
	// Marks are where the records came home to, by topic: Primary is the primary's end, Secondary the secondary's.
	Marks map[string][]Mark `json:"marks,omitempty"`
	// Resume is where a mirror that is not leftoff's has to go on, or it copies back what came home. Empty where leftoff's copies.
	Resume []Resume `json:"resume_mirror,omitempty"`
}

// Resume is the primary's offset that a mirror has to copy next of a partition.
type Resume struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Divergence is what the primary has and the secondary never got.
type Divergence struct {
	Found []Unmirrored
	// Copied only seemed to be missing: the records prove that a mirror had copied them by the switch.
	Copied []Unmirrored
	// Topics are the ids of the primary's topics, by name.
	Topics map[string]string
	// Waits say what is still being looked at.
	Waits []string
	// Doubts need a person's word: signs that a mirror copied into the topics after they were switched, and partitions of which nothing tells
	// what was never copied.
	Doubts []string
}

// LeftOut are the primary's records that ways home left where they are, by the id of their topic: no mirror of leftoff's copies them any
// more, whatever became of its index.
func (k Known) LeftOut() map[string][]Unmirrored {
	all, seen := map[string][]Unmirrored{}, map[string]bool{}
	for _, e := range k.Events {
		if e.Kind != StateChanged || e.State.Home == nil || e.State.Step == Diverge || seen[e.State.ID] {
			continue
		}
		seen[e.State.ID] = true
		for _, d := range e.State.Home.Diverged {
			if id := e.State.Home.Topics[d.Topic]; id != "" {
				all[id] = append(all[id], d)
			}
		}
	}
	return all
}

// ComingHome says whether records of the secondary may be on the primary already, with their topics still switched.
func (s *State) ComingHome() bool { return !s.Over() && s.Home != nil && s.Step != Diverge }

// HomeGround is what the way home needs of a link.
type HomeGround interface {
	// Mirrors says whether leftoff's own mirror copies the topics: it can be told to leave out what comes home.
	Mirrors() bool
	// Diverged asks the primary what it has past the marks of topics that were switched.
	Diverged(ctx context.Context, s State, switched map[string]Role) (Divergence, error)
	// Return takes the link the other way one step further. done: everything is home, and these are the marks.
	Return(ctx context.Context, s State, o Order) (waits []string, person bool, marks map[string][]Mark, done bool, err error)
	// Settle teaches the link what came home, and lets its mirror and its groups follow the primary again. Twice is once.
	Settle(ctx context.Context, s State, switched map[string]Role) error
}

// ErrNotHome: no topic is switched.
var ErrNotHome = errors.New("nothing was switched, so that nothing can come home. Try: leftoff failover status")

// SwitchedOnly are the roles of topics that are written on the secondary.
func SwitchedOnly(roles map[string]Role) map[string]Role {
	all := maps.Clone(roles)
	maps.DeleteFunc(all, func(_ string, r Role) bool { return r.Name != Switched })
	return all
}

// Return begins the way home, or finds the one that is under way.
func (m *Machine) Return(ctx context.Context, o Order) (Progress, error) {
	k, err := m.store.Load(ctx)
	switch {
	case err != nil:
		return Progress{}, err
	case !k.State.Over() && k.State.Home == nil:
		return Progress{State: k.State}, underWay(k.State)
	case !k.State.Over():
		return Progress{State: k.State}, nil
	case len(SwitchedOnly(k.Roles)) == 0:
		return Progress{State: k.State}, ErrNotHome
	}
	now := m.now().UTC()
	s := State{ID: now.Format("20060102-150405") + "-" + nonce()[:4], Step: Diverge, Who: o.Who, Why: o.Why, Version: o.Version,
		Began: now, Changed: now, Past: []Passed{}, Home: &Home{Diverged: []Unmirrored{}}}
	k, err = m.store.Change(ctx, k, s)
	return Progress{State: k.State}, err
}

var errNoWayHome = errors.New("this leftoff knows no way home")

// homeward does what can be done of a step home.
func (m *Machine) homeward(ctx context.Context, k Known, s *State, o Order) (result, error) {
	ground, ok := m.ground.(HomeGround)
	if !ok {
		return result{}, errNoWayHome
	}
	h := *s.Home
	s.Home = &h
	switch s.Step {
	case Diverge:
		return m.diverge(ctx, ground, k, s, o)
	case Return:
		waits, person, marks, done, err := ground.Return(ctx, *s, o)
		if err == nil && !done && len(waits) == 0 {
			waits = []string{"records and groups are coming home"}
		}
		if err != nil || !done {
			return result{waits: waits, person: person}, err
		}
		s.Home.Marks = marks
		if !ground.Mirrors() {
			s.Home.Resume = resumes(marks)
		}
		return result{said: fmt.Sprintf("%d topics are home, and their groups: start producers and consumers on the primary", len(marks))}, nil
	case Settle:
		return m.settle(ctx, ground, k, s, o)
	}
	return result{}, unknownStep(s)
}

// diverge says what the primary had and the secondary never got, and waits until a person chose what becomes of it: of this list, and not of
// one that was shorter. Records that came since would be in no file and not on the secondary, and would be written down as if they were.
// Who discards without a list discards what there is: all of it stays where it is.
func (m *Machine) diverge(ctx context.Context, ground HomeGround, k Known, s *State, o Order) (result, error) {
	d, err := ground.Diverged(ctx, *s, SwitchedOnly(k.Roles))
	switch {
	case err != nil:
		return result{}, err
	case len(d.Waits) > 0:
		return result{waits: d.Waits}, nil
	case len(d.Doubts) > 0 && !s.accepts(o, d.Doubts):
		return result{person: true, waits: d.Doubts}, nil
	}
	s.Home.Diverged, s.Home.Copied, s.Home.Choice, s.Home.Topics = d.Found, d.Copied, o.Choice, d.Topics
	more := Beyond(d.Found, o.Diverged)
	switch {
	case len(d.Found) == 0:
		return result{said: "the primary has nothing that the secondary never got"}, nil
	case !slices.Contains([]string{Export, Replay, Discard}, o.Choice):
		return result{person: true, diverged: d.Found, waits: []string{fmt.Sprintf("the primary has %s that the secondary never got: %s. Try: leftoff failback --export FILE, "+
			"--replay to produce them to the secondary, or --discard", counts(d.Found), some(parts(d.Found)))}}, nil
	case len(more) > 0 && (o.Choice != Discard || len(o.Diverged) > 0):
		return result{person: true, diverged: d.Found, waits: []string{fmt.Sprintf("the primary has %s that the secondary never got, beyond the list that the choice (%s) is of: %s. "+
			"Try: stop the primary's producers, then the same command again", counts(more), o.Choice, some(parts(more)))}}, nil
	}
	return result{said: fmt.Sprintf("%s that the secondary never got: %s", counts(d.Found), o.Choice)}, nil
}

func parts(all []Unmirrored) []string {
	said := make([]string, len(all))
	for i, u := range all {
		said[i] = part(u)
	}
	return said
}

// resumes lists where a mirror has to go on: at the primary's end as it was when everything had come home.
func resumes(marks map[string][]Mark) (all []Resume) {
	for _, topic := range slices.Sorted(maps.Keys(marks)) {
		for _, m := range marks[topic] {
			if m.Primary > 0 { // of an empty partition there is nothing to copy back
				all = append(all, Resume{topic, m.Partition, m.Primary})
			}
		}
	}
	return all
}

// unmoved asks a person to tell the mirror where to go on. Leftoff can't see that it was done: it takes a word.
func unmoved(all []Resume) result {
	r := result{person: true, waits: []string{"the mirror is not leftoff's, and would copy back what came home. Leave it stopped, and set where it goes on " +
		"(docs/failover.md says how); for MirrorMaker 2 the offset to set is one less, that of the last record copied. Try: then leftoff failback --mirror-moved"}}
	for _, m := range all {
		r.waits = append(r.waits, fmt.Sprintf("%s/%d: the mirror has to copy %d next (MirrorMaker 2: offset %d)", m.Topic, m.Partition, m.Offset, m.Offset-1))
	}
	return r
}

// maySettle says what the last step waits for.
func (m *Machine) maySettle(ctx context.Context, s *State, o Order) (result, error) {
	if len(s.Home.Resume) > 0 && o.Choice != Moved {
		return unmoved(s.Home.Resume), nil
	}
	v, err := m.ground.Look(ctx, s.Scope)
	return result{waits: ready(v, false)}, err // leftoff may have only just started
}

// settle lets the original link go on: what came home is known to it before it copies anything.
func (m *Machine) settle(ctx context.Context, ground HomeGround, k Known, s *State, o Order) (result, error) {
	if r, err := m.maySettle(ctx, s, o); err != nil || len(r.waits) > 0 {
		return r, err
	}
	switched, moved := SwitchedOnly(k.Roles), ""
	if len(s.Home.Resume) > 0 {
		moved = "; the mirror was moved past what came home, says " + cmp.Or(o.Who, s.Who)
	}
	if err := ground.Settle(ctx, *s, switched); err != nil {
		return result{}, err
	}
	roles := map[string]Role{}
	for topic := range switched {
		roles[topic] = Role{Name: Forward, At: m.now().UTC(), ID: s.ID}
	}
	if err := m.store.setRoles(ctx, &k.last, s.Who, "failback "+s.ID, roles); err != nil {
		return result{}, err
	}
	var groups []Group
	for name, e := range k.Groups {
		if e.Verdict == "handed_over" && strings.HasPrefix(e.Why, "failover ") {
			groups = append(groups, Group{Name: name, Verdict: "reclaimed", Why: "failover " + s.ID + " came home"})
		}
	}
	if err := m.store.setGroups(ctx, &k.last, s.Who, groups); err != nil {
		return result{}, err
	}
	return result{said: fmt.Sprintf("%d topics follow the primary again%s", len(switched), moved)}, nil
}
