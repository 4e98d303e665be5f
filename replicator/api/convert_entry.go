package api

import (
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

func newEntry(e *replicator.Entry) Entry {
	out := Entry{
		Group: e.Commit.Group, Topic: e.Commit.Topic, Partition: e.Commit.Partition, Offset: e.Commit.Offset,
		SecondaryTopic: e.Topic, Confidence: e.Position.Confidence.String(), Ours: e.Ours, Write: e.Write, Detail: holdDetail(e),
		Reason: e.Reason.String(), Pending: e.Pending, Floor: e.Floor,
	}
	if e.Commit.CommittedAt > 0 {
		out.CommittedAt = moment(time.UnixMilli(e.Commit.CommittedAt))
	}
	if e.HasWritten {
		out.Written = &e.Written
	}
	out.Position, out.RereadRecords = place(e.Position, e.Write)
	return out
}

// place is a position's offset and bound. An unmapped one has an offset only where the policy chose one.
func place(p translate.Position, chosen bool) (offset, reread *int64) {
	if p.Confidence != translate.Unmapped || chosen {
		offset = &p.Offset
	}
	if p.Reread >= 0 && p.Confidence != translate.Unmapped {
		reread = &p.Reread
	}
	return offset, reread
}

// NewGroups makes the detailed list; empty link or group means all.
func NewGroups(all []replicator.Snapshot, link, group string) Groups {
	out := Groups{Links: []LinkGroups{}}
	for i := range all {
		if link != "" && all[i].Link != link {
			continue
		}
		l := LinkGroups{Name: all[i].Link, Groups: []Group{}}
		for j := range all[i].Groups {
			s := &all[i].Groups[j]
			if group != "" && s.Group != group {
				continue
			}
			g := newGroup(s)
			for k := range s.Entries {
				g.Entries = append(g.Entries, newEntry(&s.Entries[k]))
			}
			l.Groups = append(l.Groups, g)
		}
		out.Links = append(out.Links, l)
	}
	return out
}

// NewPlan makes a plan; empty link or group means all.
func NewPlan(at time.Time, all []replicator.Snapshot, link, group string) Plan {
	out := Plan{At: at.UTC(), Links: []LinkPlan{}}
	for i := range all {
		if link == "" || all[i].Link == link {
			out.Links = append(out.Links, newLinkPlan(&all[i], group))
		}
	}
	return out
}

func newLinkPlan(s *replicator.Snapshot, group string) LinkPlan {
	p := LinkPlan{Name: s.Link, Ready: ready(s), Writable: s.Writable, Write: []Entry{}, Hold: []Entry{}, Remove: []Removal{}}
	var kept []hold
	for i := range s.Removals {
		if r := &s.Removals[i]; group == "" || r.Key.Group == group {
			p.Remove = append(p.Remove, newRemoval(r))
			kept = append(kept, hold{r.Key.Group, r.Hold, r.Detail})
		}
	}
	var chosen []replicator.GroupSnapshot
	for i := range s.Groups {
		g := &s.Groups[i]
		if group != "" && g.Group != group {
			continue
		}
		chosen = append(chosen, *g)
		for j := range g.Entries {
			switch e := &g.Entries[j]; {
			case e.Reason == replicator.Filtered:
			case e.Reason != replicator.NoReason:
				p.Hold = append(p.Hold, newEntry(e))
			case e.Write:
				p.Write = append(p.Write, newEntry(e))
			default:
				p.InStep++
			}
		}
		for _, k := range g.Uncommitted {
			p.Uncommitted = append(p.Uncommitted, Key(k))
		}
	}
	p.Holds, p.Floors = newHolds(chosen, kept...), newFloors(chosen)
	return p
}

func newRemoval(r *replicator.Removal) Removal {
	return Removal{
		Group: r.Key.Group, Topic: r.Key.Topic, Partition: r.Key.Partition, SecondaryTopic: r.Topic, Written: r.Offset,
		Reason: DeletedOnPrimary, Held: r.Hold.String(), Detail: r.Detail,
	}
}

// NewTranslation pairs a question with its answer.
func NewTranslation(q Query, m replicator.Mapping) Translation {
	t := Translation{Query: q, ToTopic: m.Topic, Confidence: m.Position.Confidence.String(), Reason: m.Reason.String(), Detail: m.Detail, Pending: m.Pending}
	t.Position, t.RereadRecords = place(m.Position, false)
	return t
}
