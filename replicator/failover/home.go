package failover

import (
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

// Home is what a way home needs beside the steps.
type Home struct {
	Choice string `json:"choice,omitempty"`
	// Diverged are the primary's records that the secondary never got: From is where the topic was switched, To where the primary
	// ended when the way home began.
	Diverged []Unmirrored `json:"diverged"`
	// Marks are where the records came home to, by topic: Primary is the primary's end, Secondary the secondary's.
	Marks map[string][]Mark `json:"marks,omitempty"`
}

// HomeGround is what the way home needs of a link.
type HomeGround interface {
	// Diverged asks the primary what it has past the marks of topics that were switched.
	Diverged(ctx context.Context, switched map[string]Role) ([]Unmirrored, error)
	// Return takes the link the other way one step further. done: everything is home, and these are the marks.
	Return(ctx context.Context, s State, o Order) (waits []string, person bool, marks map[string][]Mark, done bool, err error)
	// Settle teaches the link what came home, and lets its mirror and its groups follow the primary again. Twice is once.
	Settle(ctx context.Context, s State, switched map[string]Role) error
}

// ErrNotHome: no topic is switched.
var ErrNotHome = errors.New("nothing was switched, so that nothing can come home. Try: leftoff failover status")

// switchedOnly are the roles of topics that are written on the secondary.
func switchedOnly(roles map[string]Role) map[string]Role {
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
		return Progress{State: k.State}, fmt.Errorf("%w: %s", ErrUnderWay, standing(k.State))
	case !k.State.Over():
		return Progress{State: k.State}, nil
	case len(switchedOnly(k.Roles)) == 0:
		return Progress{State: k.State}, ErrNotHome
	}
	now := m.now().UTC()
	s := State{ID: now.Format("20060102-150405") + "-" + nonce()[:4], Step: Diverge, Who: o.Who, Why: o.Why, Version: o.Version,
		Began: now, Changed: now, Past: []Passed{}, Home: &Home{Diverged: []Unmirrored{}}}
	k, err = m.store.Change(ctx, k, s)
	return Progress{State: k.State}, err
}

// homeward does what can be done of a step home.
func (m *Machine) homeward(ctx context.Context, k Known, s *State, o Order) (result, error) {
	ground, ok := m.ground.(HomeGround)
	if !ok {
		return result{}, errors.New("this leftoff knows no way home")
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
		return result{said: fmt.Sprintf("%d topics are home, and their groups: start producers and consumers on the primary", len(marks))}, nil
	case Settle:
		return m.settle(ctx, ground, k, s)
	}
	return result{}, fmt.Errorf("this leftoff does not know the step. Try: leftoff %s, which began it", s.Version)
}

// diverge says what the primary had and the secondary never got, and waits until a person chose what becomes of it.
func (m *Machine) diverge(ctx context.Context, ground HomeGround, k Known, s *State, o Order) (result, error) {
	found, err := ground.Diverged(ctx, switchedOnly(k.Roles))
	if err != nil {
		return result{}, err
	}
	s.Home.Diverged, s.Home.Choice = found, o.Choice
	records := int64(0)
	var where []string
	for _, d := range found {
		records += d.To - d.From
		where = append(where, fmt.Sprintf("%s/%d from %d to %d", d.Topic, d.Partition, d.From, d.To-1))
	}
	switch {
	case records == 0:
		return result{said: "the primary has nothing that the secondary never got"}, nil
	case !slices.Contains([]string{Export, Replay, Discard}, o.Choice):
		return result{person: true, diverged: found, waits: []string{fmt.Sprintf("the primary has %d offsets that the secondary never got: %s. Try: leftoff failback --export FILE, "+
			"--replay to produce them to the secondary, or --discard", records, some(where))}}, nil
	}
	return result{said: fmt.Sprintf("%d offsets that the secondary never got: %s", records, o.Choice)}, nil
}

// settle lets the original link go on: what came home is known to it before it copies anything.
func (m *Machine) settle(ctx context.Context, ground HomeGround, k Known, s *State) (result, error) {
	switched := switchedOnly(k.Roles)
	if err := ground.Settle(ctx, *s, switched); err != nil {
		return result{}, err
	}
	roles := map[string]Role{}
	for topic := range switched {
		roles[topic] = Role{Name: Forward, At: m.now().UTC(), ID: s.ID}
	}
	if err := m.store.SetRoles(ctx, s.Who, "failback "+s.ID, roles); err != nil {
		return result{}, err
	}
	var groups []Group
	for name, e := range k.Groups {
		if e.Verdict == "handed_over" && strings.HasPrefix(e.Why, "failover ") {
			groups = append(groups, Group{name, "reclaimed", "failover " + s.ID + " came home"})
		}
	}
	if err := m.store.SetGroups(ctx, s.Who, groups); err != nil {
		return result{}, err
	}
	return result{said: fmt.Sprintf("%d topics follow the primary again", len(switched))}, nil
}
