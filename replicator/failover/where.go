package failover

import (
	"context"
	"time"
)

// whereWithin bounds what is asked of the clusters for a look at how it stands: one of them may be gone.
const whereWithin = 10 * time.Second

// HomeStanding is a HomeGround that can say how the way home stands.
type HomeStanding interface {
	// Standing says what Return waits for, and begins nothing: where no way home runs in this process, it says that.
	Standing(ctx context.Context, s State) (waits []string, person bool, err error)
}

// Where says how it stands, and what the present step waits for, without changing or beginning anything. What can't be found out is
// said among the waits.
func (m *Machine) Where(ctx context.Context) (Progress, error) {
	k, err := m.store.Load(ctx)
	if err != nil || k.State.Over() {
		return Progress{State: k.State}, err
	}
	ctx, cancel := context.WithTimeout(ctx, whereWithin)
	defer cancel()
	s := k.State.clone()
	r, err := m.finds(ctx, k, &s)
	if err != nil {
		r = waits("what step %s waits for is not known now: %v", s.Step, err)
	}
	return Progress{State: k.State, Waits: r.waits, Needs: r.person, Diverged: r.diverged}, nil
}

// finds is a step up to where it would change something.
func (m *Machine) finds(ctx context.Context, k Known, s *State) (r result, err error) {
	if s.Home != nil {
		return m.findsHomeward(ctx, k, s)
	}
	switch s.Step {
	case Verify, Switch, HandOver, TakeBack:
	default:
		return m.step(ctx, k, s, Order{}) // which changes nothing but s
	}
	v, err := m.ground.Look(ctx, s.Scope)
	if err != nil {
		return result{}, err
	}
	switch s.Step {
	case Verify:
		return m.check(ctx, s, v, Order{}, true)
	case Switch:
		_, r, err = m.maySwap(ctx, k, s, v, Order{})
		return r, err
	case HandOver:
		return m.mayHandOver(ctx, s, v, Order{})
	}
	return m.mayTakeBack(ctx, k, s, v, Order{})
}

func (m *Machine) findsHomeward(ctx context.Context, k Known, s *State) (result, error) {
	ground, ok := m.ground.(HomeGround)
	if !ok {
		return result{}, errNoWayHome
	}
	h := *s.Home
	s.Home = &h
	switch s.Step {
	case Diverge:
		return m.diverge(ctx, ground, k, s, Order{})
	case Settle:
		return m.maySettle(ctx, s, Order{})
	}
	standing, ok := m.ground.(HomeStanding)
	if !ok {
		return result{}, nil
	}
	waits, person, err := standing.Standing(ctx, *s)
	return result{waits: waits, person: person}, err
}
