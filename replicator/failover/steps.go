package failover

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ready says what is not known yet; the primary only counts where it must be there.
func ready(v View, both bool) []string {
	var missing []string
	for side, name := range []string{"primary", "secondary"} {
		switch {
		case side == 0 && !both:
		case v.Error[side] != "":
			missing = append(missing, fmt.Sprintf("the %s does not answer: %s", name, v.Error[side]))
		case !v.Ready[side]:
			missing = append(missing, fmt.Sprintf("the offsets of the %s are being read", name))
		}
	}
	return missing
}

// preflight: may this begin at all? What it finds needs a person, who may accept what is not exact.
func (m *Machine) preflight(ctx context.Context, s *State, v View, o Order) (result, error) {
	if missing := ready(v, true); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	if len(v.Groups) == 0 {
		return result{waits: []string{"there is no group in this scope. Try: leftoff status, which lists them"}, person: true}, nil
	}
	if taken := started(v); len(taken) > 0 {
		return result{waits: []string{fmt.Sprintf("%s run on the secondary already, or did. Try: stop them there and leftoff reclaim, or leave them out with --group", some(taken))}, person: true}, nil
	}
	if held := holds(v); len(held) > 0 && !s.accepts(o, held) {
		return result{waits: held, person: true}, nil
	}
	return result{said: fmt.Sprintf("%d groups over %d topics", len(v.Groups), len(v.Topics))}, nil
}

// passing are reasons that the following steps wait for themselves.
var passing = map[string]bool{"catching_up": true, "unreachable": true, "handed_over": true, "filtered": true}

// holds are sentences on what is not written, and will not be by itself.
func holds(v View) (all []string) {
	for _, g := range v.Groups {
		for _, reason := range slices.Sorted(maps.Keys(g.Held)) {
			if !passing[reason] {
				all = append(all, fmt.Sprintf("%s: %d offsets are held back, %s. Try: leftoff plan --group %s, or --accept to go on without them", g.Group, g.Held[reason], reason, g.Group))
			}
		}
	}
	return all
}

// accepts notes what a person lets pass.
func (s *State) accepts(o Order, what []string) bool {
	if o.Accept {
		s.Accepted = append(s.Accepted, what...)
	}
	return o.Accept
}

// stop waits for the groups to be stopped on the primary. It names who still runs, and never stops anybody.
func (m *Machine) stop(ctx context.Context, s *State) (result, error) {
	v, err := m.ground.Look(ctx, s.Scope)
	if err != nil {
		return result{}, err
	}
	members, err := m.ground.Members(ctx, names(v))
	if err != nil {
		return result{}, err
	}
	var running []string
	for _, group := range slices.Sorted(maps.Keys(members)) {
		if who := members[group]; len(who) > 0 {
			running = append(running, fmt.Sprintf("%s still runs on the primary: %s", group, some(who)))
		}
	}
	return result{waits: running, said: "no group has members on the primary"}, nil
}

// drain waits for the mirror to reach the primary's end.
func (m *Machine) drain(ctx context.Context, s *State) (result, error) {
	v, err := m.ground.Look(ctx, s.Scope)
	if err != nil {
		return result{}, err
	}
	behind, err := m.ground.Behind(ctx, topics(s, v))
	if err != nil {
		return result{}, err
	}
	if len(behind) == 0 {
		return result{said: "everything on the primary is on the secondary"}, nil
	}
	left := int64(0)
	for _, b := range behind {
		left += b.To - b.From
	}
	b := behind[0]
	return waits("%d offsets in %d partitions are not mirrored yet, most of all %s/%d from %d to %d. Producers that still write there keep this waiting",
		left, len(behind), b.Topic, b.Partition, b.From, b.To), nil
}

// topics are those that change hands: the ones asked for, or else all of the groups', unless only some groups go.
func topics(s *State, v View) []string {
	if len(s.Scope.Topics) > 0 {
		return s.Scope.Topics
	}
	return v.Topics
}

// switches says which topics change hands: with single groups none do, because the others go on where they are.
func switches(s *State, v View) []string {
	if len(s.Scope.Groups) > 0 && len(s.Scope.Topics) == 0 {
		return nil
	}
	return topics(s, v)
}

// freeze writes down what is known of a primary that is gone.
func (m *Machine) freeze(ctx context.Context, s *State, v View) (result, error) {
	if missing := ready(v, false); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	if len(v.Groups) == 0 {
		return result{waits: []string{"no group of this scope is known. Try: leftoff status, which lists them"}, person: true}, nil
	}
	seen, err := m.ground.Seen(ctx, topics(s, v))
	if err != nil {
		return result{}, err
	}
	for _, g := range v.Groups {
		if g.LastCommit.After(seen.LastCommit) {
			seen.LastCommit = g.LastCommit
		}
	}
	s.Seen = &seen
	return result{said: seen.String()}, nil
}

// String says what was known, with "at least" where more may be lost.
func (s Seen) String() string {
	commit, lost := "no commit was ever seen", "how many records were never mirrored is not known: the primary's ends were not asked for"
	if !s.LastCommit.IsZero() {
		commit = "the last commit seen is of " + s.LastCommit.UTC().Format(time.RFC3339Nano)
	}
	if s.NeverMirrored >= 0 && !s.Ends.IsZero() {
		lost = fmt.Sprintf("at least %d records were never mirrored, as of %s", s.NeverMirrored, s.Ends.UTC().Format(time.RFC3339Nano))
	}
	return commit + "; " + lost
}

// sync waits until every position is written. Planned, it waits for exact ones.
func (m *Machine) sync(s *State, v View, o Order) result {
	if missing := ready(v, !s.Unplanned); len(missing) > 0 {
		return result{waits: missing}
	}
	due, pending := 0, 0
	var inexact []string
	for _, g := range v.Groups {
		due, pending = due+g.Due, pending+g.Pending
		if g.Confidence != "exact" && g.Offsets > 0 {
			inexact = append(inexact, fmt.Sprintf("%s is %s: %s records may be read again", g.Group, g.Confidence, bound(g.Reread)))
		}
	}
	switch {
	case due > 0:
		return waits("%d positions are being written", due)
	case pending > 0 && !s.Unplanned:
		return waits("%d positions are being compared", pending)
	case len(inexact) > 0 && !s.Unplanned && !s.accepts(o, inexact):
		return result{waits: append(inexact, "Try: wait, leftoff status says what would make them exact; or --accept"), person: true}
	case len(inexact) > 0:
		return result{said: fmt.Sprintf("all positions are written; %d groups are not exact", len(inexact))}
	}
	return result{said: "all positions are written, and exact"}
}

func bound(n int64) string {
	if n < 0 {
		return "an unknown number of"
	}
	return fmt.Sprintf("up to %d", n)
}

// check compares the records at the positions.
func (m *Machine) check(ctx context.Context, s *State, v View, o Order) (result, error) {
	if missing := ready(v, !s.Unplanned); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	c, err := m.ground.Check(ctx, s.Scope, s.Unplanned)
	if err != nil {
		return result{}, err
	}
	c.At, c.Alone = m.now().UTC(), s.Unplanned
	s.Checked = &c
	if len(c.Bad) > 0 && !s.accepts(o, c.Bad) {
		return result{waits: append(slices.Clone(c.Bad[:min(len(c.Bad), 10)]), "Try: leftoff verify; or --accept to go on all the same"), person: true}, nil
	}
	total := 0
	for _, n := range c.Verdicts {
		total += n
	}
	return result{said: fmt.Sprintf("%d positions looked at, %d of them bad", total, len(c.Bad))}, nil
}

// swap switches the topics: from here on the secondary's producers write them, and leftoff's mirror does not. The roles are
// durable before anybody is told, and the mirror is fenced before its marks are taken.
func (m *Machine) swap(ctx context.Context, s *State) (result, error) {
	v, err := m.ground.Look(ctx, s.Scope)
	if err != nil {
		return result{}, err
	}
	what := switches(s, v)
	if len(what) == 0 {
		return result{said: "no topic changes hands: only some of the groups do"}, nil
	}
	done, err := m.ground.Switch(ctx, what)
	if err != nil {
		return result{}, err
	}
	roles, alien := map[string]Role{}, 0
	for _, t := range done {
		roles[t.Topic] = Role{Name: Switched, At: m.now().UTC(), ID: s.ID, Marks: t.Marks}
		if !t.Fenced {
			alien++
		}
	}
	if err := m.store.SetRoles(ctx, s.Who, "failover "+s.ID, roles); err != nil {
		return result{}, err
	}
	s.Topics = done
	said := fmt.Sprintf("%d topics change hands", len(done))
	if alien > 0 {
		said += fmt.Sprintf("; %d of them are copied by a mirror that is not leftoff's. Stop it, or it will write old records between new ones when the primary comes back", alien)
	}
	return result{said: said}, nil
}

// handOver lets go of the groups. What they hold is written down first.
func (m *Machine) handOver(ctx context.Context, s *State, v View) (result, error) {
	if missing := ready(v, false); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	why := "failover " + s.ID
	verdicts, err := m.ground.HandOver(ctx, names(v), why)
	if err != nil {
		return result{}, err
	}
	var durable []Group
	s.Groups = nil
	for _, g := range v.Groups {
		r := GroupReport{Group: g.Group, Offsets: g.Offsets, Confidence: g.Confidence, Reread: g.Reread, Missing: g.Missing, Verdict: verdicts[g.Group]}
		if r.Verdict == "taken_over" {
			r.Said = "its consumers were there first"
		}
		durable = append(durable, Group{g.Group, r.Verdict, why})
		s.Groups = append(s.Groups, r)
	}
	if err := m.store.SetGroups(ctx, s.Who, durable); err != nil {
		return result{}, err
	}
	return result{said: fmt.Sprintf("%d groups handed over: start their consumers on the secondary", len(durable))}, nil
}

// takeBack undoes what was done: topics first, so that nothing is written where others may write.
func (m *Machine) takeBack(ctx context.Context, s *State) (result, error) {
	v, err := m.ground.Look(ctx, s.Scope)
	if err != nil {
		return result{}, err
	}
	if began := started(v); len(began) > 0 {
		return result{waits: []string{fmt.Sprintf("%s: %v", some(began), ErrStarted)}, person: true}, nil
	}
	var back []string
	roles := map[string]Role{}
	for _, t := range s.Topics {
		back = append(back, t.Topic)
		roles[t.Topic] = Role{Name: Forward, At: m.now().UTC(), ID: s.ID}
	}
	if err := m.store.SetRoles(ctx, s.Who, "rollback of "+s.ID, roles); err != nil {
		return result{}, err
	}
	if err := m.ground.SwitchBack(ctx, back); err != nil {
		return result{}, err
	}
	why := "failover " + s.ID + " was rolled back"
	var groups []string
	var durable []Group
	for _, g := range v.Groups {
		if g.Verdict == "handed_over" {
			groups = append(groups, g.Group)
			durable = append(durable, Group{g.Group, "reclaimed", why})
		}
	}
	if err := m.ground.TakeBack(ctx, groups, why); err != nil {
		return result{}, err
	}
	if err := m.store.SetGroups(ctx, s.Who, durable); err != nil {
		return result{}, err
	}
	return result{said: fmt.Sprintf("%d topics and %d groups follow the primary again", len(back), len(groups))}, nil
}
