package api

import (
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// NewStatus makes a Status of detailed snapshots.
func NewStatus(version string, at time.Time, all []replicator.Snapshot) Status {
	s := Status{Version: version, At: at.UTC(), Links: make([]Link, 0, len(all))}
	for i := range all {
		s.Links = append(s.Links, newLink(&all[i]))
	}
	return s
}

func newLink(s *replicator.Snapshot) Link {
	l := Link{
		Name: s.Link, At: s.At.UTC(), Ready: ready(s), Writable: s.Writable, Stamp: s.Stamp,
		Primary: newSide(s.Sides[replicator.Primary]), Secondary: newSide(s.Sides[replicator.Secondary]),
		Holds: newHolds(s.Groups), Floors: newFloors(s.Groups), Source: newCompare(s.Source), Counters: newCounters(s.Counters), Groups: make([]Group, 0, len(s.Groups)),
		Problems: append([]string{}, s.Problems...), Totals: Totals{GroupsFiltered: s.Filtered, GroupsInFlight: s.InFlight},
	}
	if s.Drill != nil {
		l.Drill = newDrill(s.Drill)
	}
	if f := s.Failover; f != nil {
		l.Failover = &LinkFailover{f.ID, f.Kind, f.Step, f.Who, f.Changed.UTC(), f.To, f.Topics, f.Groups}
	}
	for _, d := range s.Deleted {
		l.Deleted = append(l.Deleted, Deleted{d.Group, d.Offsets, d.Why.String()})
	}
	for i := range s.Groups {
		g := newGroup(&s.Groups[i])
		if g.Offsets == 0 {
			l.Totals.GroupsFiltered++ // only topics that the link does not follow
			continue
		}
		l.Totals.add(&s.Groups[i], g)
		l.Groups = append(l.Groups, g)
	}
	return l
}

func ready(s *replicator.Snapshot) bool {
	return s.Sides[replicator.Primary].CaughtUp && s.Sides[replicator.Secondary].CaughtUp
}

func newSide(s replicator.SideState) Side {
	return Side{ClusterID: s.ClusterID, CaughtUp: s.CaughtUp, Error: s.Error, Since: moment(s.Since), Offsets: s.Pairs}
}

func (t *Totals) add(s *replicator.GroupSnapshot, g Group) {
	t.Groups++
	if g.Live {
		t.GroupsLive++
	}
	t.Offsets += g.Offsets
	t.Pending += g.Pending
	t.Held += g.Held
	t.Due += g.Due
	t.Missing += g.Missing
	t.LagRecords += g.LagRecords
	t.SkipRecords += g.SkipRecords
	t.Uncommitted += len(g.Uncommitted)
	for i := range s.Entries {
		if s.Entries[i].Reason == replicator.Filtered {
			continue
		}
		if _, bound := place(s.Entries[i].Position, false); bound != nil {
			t.RereadRecords += *bound
		}
		switch s.Entries[i].Position.Confidence {
		case translate.Exact:
			t.Exact++
		case translate.Behind:
			t.Behind++
		case translate.Floor:
			t.Floor++
		default:
			t.Unmapped++
		}
	}
}

func newGroup(s *replicator.GroupSnapshot) Group {
	g := Group{Group: s.Group, Live: s.Live, Verdict: s.Verdict, Why: s.Why, Since: moment(s.Since), Reasons: []string{}}
	g.Confidence = translate.Exact.String()
	least, bound, known := translate.Exact, int64(0), true
	reasons := map[replicator.Reason]bool{}
	letGo := s.Live || s.Verdict == replicator.VerdictTakenOver.String() || s.Verdict == replicator.VerdictHandedOver.String()
	for i := range s.Entries {
		e := &s.Entries[i]
		if e.Reason == replicator.Filtered {
			continue
		}
		g.Offsets++
		if e.Pending {
			g.Pending++
		}
		least = min(least, e.Position.Confidence)
		g.measure(e, letGo)
		if r := e.Position.Reread; r < 0 || e.Position.Confidence == translate.Unmapped {
			known = false
		} else {
			bound += r
		}
		if e.Reason != replicator.NoReason {
			g.Held++
			reasons[e.Reason] = true
		}
	}
	if known {
		g.RereadRecords = &bound
	}
	g.Confidence = least.String()
	for _, r := range worstFirst(reasons) {
		g.Reasons = append(g.Reasons, r.String())
	}
	for _, k := range s.Uncommitted {
		g.Uncommitted = append(g.Uncommitted, Partition{k.Topic, k.Partition})
	}
	g.State = stateOf(s, g, least)
	return g
}

// measure adds up how far the secondary is from where the group should resume. A group that leftoff let go of moves by
// itself there: the difference means nothing.
func (g *Group) measure(e *replicator.Entry, letGo bool) {
	if e.Write {
		g.Due++
	}
	switch {
	case !e.HasWritten:
		g.Missing++
	case letGo || e.Position.Confidence == translate.Unmapped:
	case e.Position.Offset > e.Written:
		g.LagRecords += e.Position.Offset - e.Written
	case e.Position.Offset < e.Written:
		g.SkipRecords += e.Written - e.Position.Offset
	}
}

func stateOf(s *replicator.GroupSnapshot, g Group, least translate.Confidence) State {
	switch {
	case s.Live:
		return Live
	case s.Verdict == string(TakenOver):
		return TakenOver
	case s.Verdict == string(HandedOver):
		return HandedOver
	case g.Held > 0:
		return Held
	case g.Due > 0 || least == translate.Behind:
		return Writing
	}
	return InStep
}

func newCounters(c replicator.Counters) Counters {
	return Counters{
		CommitsRead: c.Commits, OffsetsWritten: c.Written, CommitsCoalesced: c.Coalesced, OffsetsRefused: c.Failed, Rewinds: c.Rewinds,
		Raised: c.Raised, Refreshed: c.Refreshed, Removed: c.Removed, Unreadable: c.Unreadable, UnknownTypes: c.UnknownTypes,
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
