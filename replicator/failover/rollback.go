package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A rollback lets the mirror write again where the secondary's producers may have written: what they wrote would stay there, between
// records of the primary, and no consumer of the primary would ever read it. So a topic that got anything past S* is turned round only where a
// person says that this may be left behind. The way home brings it home.

// ErrWritten: what was produced on the secondary would be left behind.
var ErrWritten = errors.New("producers have written on the secondary since the switch, and a rollback would leave that there, unread. " +
	"Try: leftoff failback, which brings it home (finish the failover first where it is not done); or rollback --accept to leave it behind")

// Rollback turns a failover round, as long as no group of it has started on the secondary, and nobody has produced there.
func (m *Machine) Rollback(ctx context.Context, o Order) (Progress, error) {
	k, err := m.store.Load(ctx)
	switch {
	case err != nil:
		return Progress{}, err
	case k.State == nil:
		return Progress{}, ErrNothing
	case k.State.Step == RolledBack || k.State.Step == TakeBack:
		return Progress{State: k.State}, nil
	case k.State.Home != nil && k.State.Over():
		return Progress{State: k.State}, ErrIsHome
	case k.State.Home != nil:
		return Progress{State: k.State}, underWay(k.State)
	}
	v, err := m.ground.Look(ctx, k.State.Scope)
	if err != nil {
		return Progress{State: k.State}, err
	}
	if missing := ready(v, false); len(missing) > 0 {
		return Progress{State: k.State}, fmt.Errorf("%w: %s", ErrReading, some(missing))
	}
	if started := started(v); len(started) > 0 {
		return Progress{State: k.State}, fmt.Errorf("%s: %w", some(started), ErrStarted)
	}
	s := k.State.clone()
	left, err := m.leftBehind(ctx, k, &s)
	if err != nil {
		return Progress{State: k.State}, err
	}
	if len(left) > 0 && !s.accepts(o, left) {
		return Progress{State: k.State}, fmt.Errorf("%s: %w", some(left), ErrWritten)
	}
	s.Who = o.Who
	s.passes(m.now().UTC(), TakeBack, o, "rolled back by "+o.Who, s.Accepted[len(k.State.Accepted):])
	k, err = m.store.Change(ctx, k, s)
	return Progress{State: k.State}, err
}

// forward lets the same order go forward again where a rollback was begun and can't go on: groups have started since, or producers written.
// Nothing else would end it. Where it can go on, it is left alone.
func (m *Machine) forward(ctx context.Context, k Known, o Order) (Progress, error) {
	v, err := m.ground.Look(ctx, k.State.Scope)
	if err != nil || len(ready(v, false)) > 0 {
		return Progress{State: k.State}, err
	}
	s := k.State.clone()
	left, err := m.leftBehind(ctx, k, &s)
	if err != nil || len(started(v)) == 0 && len(left) == 0 {
		return Progress{State: k.State}, err
	}
	s.Who = o.Who
	s.passes(m.now().UTC(), stood(k), o, "goes forward again, by "+o.Who, nil)
	k, err = m.store.Change(ctx, k, s)
	return Progress{State: k.State}, err
}

// stood is the step at which a failover stood when it was turned round; the switch, where its topics were let go already.
func stood(k Known) Step {
	s := k.State
	was := s.Past[len(s.Past)-1].Step // a rollback notes it, and nothing follows before it is over
	steps := Steps(s.Unplanned)
	back := slices.ContainsFunc(s.Topics, func(t TopicReport) bool { return k.Roles[t.Topic].Name != Switched })
	if back && slices.Index(steps, was) > slices.Index(steps, Switch) {
		return Switch
	}
	return was
}

// leftBehind are sentences on what a rollback of a failover would leave on the secondary.
func (m *Machine) leftBehind(ctx context.Context, k Known, s *State) (all []string, err error) {
	switched := map[string]Role{}
	for _, topic := range k.switchedBy(s.ID) {
		switched[topic] = k.Roles[topic]
	}
	if len(switched) == 0 {
		return nil, nil
	}
	found, err := m.ground.Written(ctx, switched)
	if err != nil {
		return nil, fmt.Errorf("what the secondary has since the switch: %w", err)
	}
	for _, w := range found {
		said := fmt.Sprintf("%s/%d: %d offsets written on the secondary since the switch, from %d to %d", w.There, w.Partition, w.To-w.From, w.From, w.To-1)
		switch {
		case w.Anew:
			said += " (it was made anew there, or cut)"
		case !w.Fenced:
			said += " (the mirror is not leftoff's: they may be its copies)"
		}
		all = append(all, said)
	}
	return all, nil
}

// started are groups with members, or commits of their own, on the secondary.
func started(v View) (names []string) {
	for _, g := range v.Groups {
		if g.Live || g.Started || g.Verdict == "taken_over" {
			names = append(names, g.Group)
		}
	}
	return names
}
