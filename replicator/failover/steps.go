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
func (m *Machine) preflight(s *State, v View, o Order) result {
	if missing := ready(v, true); len(missing) > 0 {
		return result{waits: missing}
	}
	if len(v.Groups) == 0 && !o.TopicsOnly {
		return result{waits: []string{"there is no group in this scope. Try: leftoff status, which lists them"}, person: true}
	}
	if taken := started(v); len(taken) > 0 {
		return result{waits: []string{fmt.Sprintf("%s run on the secondary already, or did. Try: stop them there and leftoff reclaim, or leave them out with --group", some(taken))}, person: true}
	}
	if asked := append(doubts(s.Scope, v), holds(v)...); len(asked) > 0 && !s.accepts(o, asked) {
		return result{waits: asked, person: true}
	}
	if coming := settling(v, "source_degraded"); len(coming) > 0 && !s.accepts(o, coming) {
		return result{waits: coming}
	}
	s.Found = v.Topics
	return result{said: fmt.Sprintf("%d groups over %d topics", len(v.Groups), len(v.Topics))}
}

// doubts are sentences on a scope that may not be what was meant.
func doubts(in Scope, v View) (all []string) {
	for _, name := range in.Groups {
		if !slices.ContainsFunc(v.Groups, func(g GroupView) bool { return g.Group == name }) {
			all = append(all, fmt.Sprintf("%s: no such group, or it has no offset in this scope. Try: leftoff status, which lists them; or --accept to go on without it", name))
		}
	}
	for _, name := range in.Topics {
		if !slices.Contains(v.Topics, name) {
			all = append(all, fmt.Sprintf("%s: no such topic on this link. Try: leftoff status; or --accept to go on all the same", name))
		}
	}
	for _, g := range v.Groups {
		if len(g.Elsewhere) > 0 && g.Verdict != "handed_over" {
			all = append(all, fmt.Sprintf("%s: is handed over as a whole, and also reads %s, which is not in this scope. Try: --topic with it; or --accept", g.Group, some(g.Elsewhere)))
		}
	}
	return all
}

// passing are reasons that pass, or that nothing has to be done about.
var passing = map[string]bool{"catching_up": true, "unreachable": true, "source_degraded": true, "waiting_for_outputs": true, "handed_over": true, "filtered": true}

// settling are sentences on what is not known yet, and will be by itself: as a rule within seconds.
func settling(v View, reasons ...string) (all []string) {
	for _, g := range v.Groups {
		for _, reason := range reasons {
			if n := g.Held[reason]; n > 0 {
				all = append(all, fmt.Sprintf("%s: %d offsets wait, %s. Try: leftoff plan --group %s", g.Group, n, reason, g.Group))
			}
		}
	}
	return all
}

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

// accepts notes what a person lets pass, once. What was accepted before needs no other word.
func (s *State) accepts(o Order, what []string) bool {
	what = slices.DeleteFunc(slices.Clone(what), func(w string) bool { return slices.Contains(s.Accepted, w) })
	if o.Accept {
		s.Accepted = append(s.Accepted, what...)
	}
	return o.Accept || len(what) == 0
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
	all := append(slices.Clone(s.Found), v.Topics...)
	slices.Sort(all)
	return slices.Compact(all)
}

// switches says which topics change hands: with single groups none do, because the others go on where they are.
func switches(s *State, v View) []string {
	if len(s.Scope.Groups) > 0 && len(s.Scope.Topics) == 0 {
		return nil
	}
	return topics(s, v)
}

// unlisted says that topics may be missing from those that change hands, and why.
func unlisted(s *State, v View) string {
	if !v.Unlisted || len(s.Scope.Topics) > 0 || len(s.Scope.Groups) > 0 {
		return ""
	}
	return "topics that no group reads do not change hands: the primary is gone, and neither this machine nor the secondary has a list of what was mirrored. " +
		"Try: leftoff failover --unplanned --topic with each of them, before producers write there"
}

// freeze writes down what is known of a primary that is gone.
func (m *Machine) freeze(ctx context.Context, s *State, v View, o Order) (result, error) {
	if missing := ready(v, false); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	if len(v.Groups) == 0 {
		return result{waits: []string{"no group of this scope is known. Try: leftoff status, which lists them"}, person: true}, nil
	}
	if asked := doubts(s.Scope, v); len(asked) > 0 && !s.accepts(o, asked) {
		return result{waits: asked, person: true}, nil
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
	s.Seen, s.Found = &seen, v.Topics
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
		if g.Confidence != "exact" && g.Confidence != NotOurs && g.Offsets > 0 {
			inexact = append(inexact, fmt.Sprintf("%s is %s: %s records may be read again", g.Group, g.Confidence, bound(g.Reread)))
		}
	}
	coming, held := settling(v, "catching_up", "unreachable", "source_degraded", "waiting_for_outputs"), holds(v)
	switch {
	case due > 0:
		return waits("%d positions are being written", due)
	case s.Unplanned:
	case pending > 0:
		return waits("%d positions are being compared", pending)
	case len(coming) > 0 && !s.accepts(o, coming):
		return result{waits: coming}
	case len(held) > 0 && !s.accepts(o, held):
		return result{waits: held, person: true}
	case len(inexact) > 0 && !s.accepts(o, inexact):
		return result{waits: append(inexact, "Try: wait, leftoff status says what would make them exact; or --accept"), person: true}
	}
	s.Groups = reports(v) // as the positions are: after the switch nothing can be said of them any more
	switch held = append(held, coming...); {
	case len(held) > 0:
		return result{said: fmt.Sprintf("what can be written is; %d groups are not exact; held back: %s", len(inexact), some(held))}
	case len(inexact) > 0:
		return result{said: fmt.Sprintf("all positions are written; %d groups are not exact", len(inexact))}
	}
	return result{said: "all positions are written, and exact"}
}

// reports are the groups before they are handed over.
func reports(v View) []GroupReport {
	all := make([]GroupReport, 0, len(v.Groups))
	for _, g := range v.Groups {
		all = append(all, GroupReport{Group: g.Group, Offsets: g.Offsets, Confidence: g.Confidence, Reread: g.Reread, Missing: g.Missing})
	}
	return all
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
	c, coming, err := m.ground.Check(ctx, Look{ID: s.ID, Scope: s.Scope, Alone: s.Unplanned, Accept: o.Accept})
	if err != nil || len(coming) > 0 {
		return result{waits: coming, going: true}, err
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
func (m *Machine) swap(ctx context.Context, k Known, s *State) (result, error) {
	v, err := m.ground.Look(ctx, s.Scope)
	if err != nil {
		return result{}, err
	}
	what, begun := k.free(s.ID, switches(s, v)), len(k.switchedBy(s.ID)) > 0
	// A leftoff that has only just started may not know of any topic yet: none of them would change hands.
	if missing := ready(v, !s.Unplanned && !begun); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	switch {
	case len(switches(s, v)) == 0:
		return result{said: "no topic changes hands: only some of the groups do"}, nil
	case len(what) == 0:
		return result{said: "no topic changes hands: an earlier failover switched them"}, nil
	}
	if !s.Unplanned && !begun { // producers that came back since would lose what they write to the fence
		if r, err := m.drain(ctx, s); err != nil || len(r.waits) > 0 {
			return r, err
		}
	}
	note := unlisted(s, v)
	if note != "" && !slices.Contains(s.Notes, note) {
		s.Notes = append(s.Notes, note)
	}
	done, err := m.ground.Switch(ctx, what)
	if err != nil {
		return result{}, err
	}
	roles, alien := map[string]Role{}, 0
	for i := range done {
		t := &done[i]
		if !t.Fenced {
			alien++
		}
		if was, ok := k.Roles[t.Topic]; ok && was.Name == Switched {
			t.Marks = was.Marks // of when it was switched: the secondary's own records may be above them by now
			continue
		}
		roles[t.Topic] = Role{Name: Switched, At: m.now().UTC(), ID: s.ID, Marks: t.Marks}
	}
	if err := m.store.setRoles(ctx, &k.last, s.Who, s.why(), roles); err != nil {
		return result{}, err
	}
	s.Topics = done
	said := fmt.Sprintf("%d topics change hands", len(done))
	if note != "" {
		said += "; " + note
	}
	if alien > 0 {
		said += fmt.Sprintf("; %d of them are copied by a mirror that is not leftoff's. Stop it, or it will write old records between new ones when the primary comes back", alien)
	}
	return result{said: said}, nil
}

// why is the reason of what a failover writes.
func (s *State) why() string { return "failover " + s.ID }

// switchedBy are the topics that a failover switched, as the log has them.
func (k Known) switchedBy(id string) (topics []string) {
	for topic, r := range k.Roles {
		if r.Name == Switched && r.ID == id {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	return topics
}

// free leaves out the topics that another failover switched: their marks are of that day.
func (k Known) free(id string, topics []string) []string {
	return slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return k.Roles[t].Name == Switched && k.Roles[t].ID != id })
}

// handOver lets go of the groups. What they hold was written down before the switch.
func (m *Machine) handOver(ctx context.Context, k Known, s *State, v View) (result, error) {
	if missing := ready(v, false); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	known := map[string]bool{}
	all := slices.Clone(s.Groups)
	for _, g := range all {
		known[g.Group] = true
	}
	for _, r := range reports(v) {
		if !known[r.Group] {
			r.Said = "it came after the positions were looked at"
			all = append(all, r)
		}
	}
	groups := make([]string, len(all))
	for i := range all {
		groups[i] = all[i].Group
	}
	verdicts, err := m.ground.HandOver(ctx, groups, s.why())
	if err != nil {
		return result{}, err
	}
	var durable []Group
	for i := range all {
		r := &all[i]
		r.Verdict = verdicts[r.Group]
		if r.Verdict == "taken_over" {
			r.Said = "its consumers were there first"
		}
		if k.Groups[r.Group].Verdict != r.Verdict { // else it is in the log, perhaps of an earlier failover
			durable = append(durable, Group{r.Group, r.Verdict, s.why()})
		}
	}
	s.Groups = all
	if err := m.store.setGroups(ctx, &k.last, s.Who, durable); err != nil {
		return result{}, err
	}
	return result{said: fmt.Sprintf("%d groups handed over: start their consumers on the secondary", len(all))}, nil
}

// takeBack undoes what this failover did, as far as it came, and nothing of another one. Topics first, so that nothing is written where
// others may write.
func (m *Machine) takeBack(ctx context.Context, k Known, s *State, o Order) (result, error) {
	v, err := m.ground.Look(ctx, s.Scope)
	if err != nil {
		return result{}, err
	}
	if missing := ready(v, false); len(missing) > 0 {
		return result{waits: missing}, nil
	}
	if began := started(v); len(began) > 0 {
		return result{waits: []string{fmt.Sprintf("%s have started on the secondary since, and what they read there would be read again. "+
			"Try: the same leftoff failover, which goes forward again; then leftoff failback", some(began))}, person: true}, nil
	}
	if left, err := m.leftBehind(ctx, k, s); err != nil {
		return result{}, err
	} else if len(left) > 0 && !s.accepts(o, left) {
		return result{waits: []string{fmt.Sprintf("%s. A rollback would leave that there, unread. "+
			"Try: the same leftoff failover, which goes forward again, then leftoff failback; or leftoff failover rollback --accept to leave it", some(left))}, person: true}, nil
	}
	// The step that was turned round may have fenced topics without living to write it down.
	topics := k.switchedBy(s.ID)
	back := append(k.free(s.ID, switches(s, v)), topics...)
	slices.Sort(back)
	roles := map[string]Role{}
	for _, t := range topics {
		roles[t] = Role{Name: Forward, At: m.now().UTC(), ID: s.ID}
	}
	if err := m.store.setRoles(ctx, &k.last, s.Who, "rollback of "+s.ID, roles); err != nil {
		return result{}, err
	}
	if err := m.ground.SwitchBack(ctx, slices.Compact(back)); err != nil {
		return result{}, err
	}
	why := s.why() + " was rolled back"
	groups, durable := m.handedOver(k, s, v, why)
	if err := m.ground.TakeBack(ctx, groups, why); err != nil {
		return result{}, err
	}
	if err := m.store.setGroups(ctx, &k.last, s.Who, durable); err != nil {
		return result{}, err
	}
	return result{said: fmt.Sprintf("%d topics and %d groups follow the primary again", max(len(topics), len(s.Topics)), len(durable))}, nil
}

// handedOver are the groups that this failover let go of: those that have to be taken back here, and what the log has to say. Another
// process may have let go of groups and died before it wrote that down: its index remembers.
func (m *Machine) handedOver(k Known, s *State, v View, why string) (here []string, durable []Group) {
	reached := slices.ContainsFunc(s.Past, func(p Passed) bool { return p.Step == HandOver })
	names := map[string]bool{}
	for _, g := range v.Groups {
		if e := k.Groups[g.Group]; e.Verdict == "handed_over" && e.Why != s.why() {
			continue // an earlier failover's
		}
		if names[g.Group] = reached; g.Verdict == "handed_over" {
			names[g.Group], here = true, append(here, g.Group)
		}
	}
	for name, e := range k.Groups {
		if e.Verdict == "handed_over" && e.Why == s.why() {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] && k.Groups[name].Why != why {
			durable = append(durable, Group{name, "reclaimed", why})
		}
	}
	return here, durable
}
