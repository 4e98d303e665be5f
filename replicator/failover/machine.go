package failover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Order is what an operator asks for.
type Order struct {
	Unplanned bool   `json:"unplanned,omitempty"`
	Scope     Scope  `json:"scope"`
	Who       string `json:"who,omitempty"`
	Why       string `json:"why,omitempty"`
	Version   string `json:"version,omitempty"`
	// TopicsOnly: topics change hands also where no group is known.
	TopicsOnly bool `json:"topics_only,omitempty"`
	// Choice says what becomes of the divergence, on the way home: export, replay or discard. Diverged is what it was made of: the list that was
	// shown, and exported or replayed.
	Choice   string       `json:"choice,omitempty"`
	Diverged []Unmirrored `json:"diverged,omitempty"`
	// Accept lets it go on where positions are not exact, or could not be checked.
	Accept bool `json:"accept,omitempty"`
}

// Machine takes one link's failover forward.
type Machine struct {
	store  *Store
	ground Ground
	now    func() time.Time
}

// New returns the machine of a link.
func New(store *Store, ground Ground) *Machine {
	return &Machine{store: store, ground: ground, now: time.Now}
}

// Progress is where a failover stands, for who watches.
type Progress struct {
	State *State `json:"state"` // nil: none was ever begun
	// Waits says what the step waits for, in sentences; empty when it waits for nothing.
	Waits []string `json:"waits,omitempty"`
	// Needs says that only a person can do something about it.
	Needs bool `json:"needs,omitempty"`
	// Diverged is what a person has to choose about, on the way home.
	Diverged []Unmirrored `json:"diverged,omitempty"`
}

// Errors of orders that can't be carried out.
var (
	ErrNothing  = errors.New("no failover was begun. Try: leftoff failover --dry-run")
	ErrOver     = errors.New("the last failover is over. Try: leftoff failback, or leftoff reclaim for single groups")
	ErrIsHome   = errors.New("the last failover came home already. Try: leftoff failover status")
	ErrStarted  = errors.New("groups have started on the secondary, and what they read there would be read again. Try: leftoff failback")
	ErrReading  = errors.New("whether a group has started on the secondary is not known yet. Try: again in a moment")
	ErrUnderWay = errors.New("another failover is under way")
)

// Begin writes down that a failover begins, or finds the one that is under way: the same order again goes on with it. So it does with
// one that is done, as long as nothing of it was taken back.
func (m *Machine) Begin(ctx context.Context, o Order) (Progress, error) {
	k, err := m.store.Load(ctx)
	if err != nil {
		return Progress{}, err
	}
	if !k.State.Over() {
		if k.State.Home != nil || k.State.Unplanned != o.Unplanned || !sameScope(k.State.Scope, o.Scope) {
			return Progress{State: k.State}, underWay(k.State)
		}
		if k.State.Step == TakeBack {
			return m.forward(ctx, k, o)
		}
		return Progress{State: k.State}, nil
	}
	if k.stands(o) {
		return Progress{State: k.State}, nil
	}
	now := m.now().UTC()
	s := State{ID: now.Format("20060102-150405") + "-" + nonce()[:4], Unplanned: o.Unplanned, Scope: o.Scope, TopicsOnly: o.TopicsOnly, Step: Steps(o.Unplanned)[0],
		Who: o.Who, Why: o.Why, Version: o.Version, Began: now, Changed: now, Past: []Passed{}}
	k, err = m.store.Change(ctx, k, s)
	return Progress{State: k.State}, err
}

// stands says that an order was carried out, and all of it is still so: another failover would only hide how this one went.
func (k Known) stands(o Order) bool {
	s := k.State
	if s == nil || s.Step != Done || s.Unplanned != o.Unplanned || !sameScope(s.Scope, o.Scope) {
		return false
	}
	for _, t := range s.Topics {
		if k.Roles[t.Topic].Name != Switched {
			return false
		}
	}
	for _, g := range s.Groups {
		if v := k.Groups[g.Group].Verdict; v != "handed_over" && v != "taken_over" {
			return false
		}
	}
	return true
}

// underWay says what has to end first, and how.
func underWay(s *State) error {
	try := "the same order as before, which goes on with it; or leftoff failover rollback, and then this one"
	if s.Home != nil {
		try = "leftoff failback, which goes on with it: a way home goes forward only"
	}
	return fmt.Errorf("%w: %s. Try: %s", ErrUnderWay, standing(s), try)
}

// standing is a failover in a sentence.
func standing(s *State) string {
	kind := "planned"
	switch {
	case s.Home != nil:
		kind = "failback"
	case s.Unplanned:
		kind = "unplanned"
	}
	return fmt.Sprintf("the %s one of %s, begun %s, at step %s", kind, s.Who, s.Began.Format(time.RFC3339), s.Step)
}

func sameScope(a, b Scope) bool {
	return slices.Equal(slices.Sorted(slices.Values(a.Groups)), slices.Sorted(slices.Values(b.Groups))) &&
		slices.Equal(slices.Sorted(slices.Values(a.Topics)), slices.Sorted(slices.Values(b.Topics)))
}

// Advance does what can be done now: one step at most. It returns soon, with what it waits for.
func (m *Machine) Advance(ctx context.Context, o Order) (Progress, error) {
	k, err := m.store.Load(ctx)
	switch {
	case err != nil:
		return Progress{}, err
	case k.State == nil:
		return Progress{}, ErrNothing
	case k.State.Over():
		return Progress{State: k.State}, nil
	}
	s := k.State.clone()
	s.Who = cmp.Or(o.Who, s.Who) // also of what the step itself writes
	take := m.step
	if s.Home != nil {
		take = m.homeward
	}
	r, err := take(ctx, k, &s, o)
	if err != nil {
		return Progress{State: k.State}, fmt.Errorf("step %s: %w", s.Step, err)
	}
	if len(r.waits) > 0 {
		return Progress{State: k.State, Waits: r.waits, Needs: r.person, Diverged: r.diverged}, nil
	}
	s.passes(m.now().UTC(), next(&s), o, r.said, s.Accepted[len(k.State.Accepted):])
	k, err = m.store.Change(ctx, k, s)
	return Progress{State: k.State}, err
}

// passes goes on to another step, and writes down who took this one, and why.
func (s *State) passes(at time.Time, to Step, o Order, said string, accepted []string) {
	s.Past = append(s.Past, Passed{Step: s.Step, At: at, Said: said, Who: s.Who, Why: o.Why, Accepted: slices.Clone(accepted)})
	s.Step, s.Changed = to, at
}

// next is the step after the one that is done.
func next(s *State) Step {
	if s.Step == TakeBack {
		return RolledBack
	}
	if s.Home != nil {
		return home[slices.Index(home, s.Step)+1]
	}
	steps := Steps(s.Unplanned)
	return steps[slices.Index(steps, s.Step)+1]
}

func (s *State) clone() State {
	c := *s
	c.Past, c.Accepted, c.Notes = slices.Clone(s.Past), slices.Clone(s.Accepted), slices.Clone(s.Notes)
	return c
}

// result of a step: what it waits for, or what it did.
type result struct {
	waits  []string
	person bool // only a person can help
	going  bool // it waits for its own work
	said   string

	diverged []Unmirrored
}

func waits(format string, args ...any) result {
	return result{waits: []string{fmt.Sprintf(format, args...)}}
}

func (m *Machine) step(ctx context.Context, k Known, s *State, o Order) (result, error) {
	v, err := m.ground.Look(ctx, s.Scope)
	if err != nil {
		return result{}, err
	}
	switch s.Step {
	case Preflight:
		return atPrimary(ctx, s, v, func(ctx context.Context) (result, error) { return m.preflight(ctx, k, s, v, o) })
	case Stop:
		return atPrimary(ctx, s, v, func(ctx context.Context) (result, error) { return m.stop(ctx, v) })
	case Drain:
		return atPrimary(ctx, s, v, func(ctx context.Context) (result, error) { return m.drain(ctx, s, v, k.free(s.ID, topics(s, v)), o) })
	case Freeze:
		return m.freeze(ctx, s, v, o)
	case Sync:
		return m.sync(s, v, o), nil
	case Verify:
		return m.check(ctx, s, v, o, false)
	case Switch:
		return m.swap(ctx, k, s, v, o)
	case HandOver:
		return m.handOver(ctx, k, s, v, o)
	case TakeBack:
		return m.takeBack(ctx, k, s, v, o)
	}
	return result{}, unknownStep(s)
}

func unknownStep(s *State) error {
	return fmt.Errorf("this leftoff does not know the step. Try: leftoff %s, which began it", s.Version)
}

func names(v View) []string {
	all := make([]string, len(v.Groups))
	for i, g := range v.Groups {
		all[i] = g.Group
	}
	return all
}

const few = 5

func some(names []string) string {
	if len(names) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}
