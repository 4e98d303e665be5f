package replicator

import (
	"cmp"
	"slices"
)

// DeletedGroup counts the offsets of a group that leftoff wrote on the secondary and that the primary has no more: they were
// deleted there, with or without the group, or have expired.
type DeletedGroup struct {
	Group   string
	Offsets int
	Why     Reason // with policy tombstones: delete, why the secondary refused to delete one
}

// deletedGroups lists them, by group. Before both sides were read to their ends nothing counts as deleted. A group that leftoff let
// go of, or that another link brought to the primary, is none.
func (l *Loop) deletedGroups() (all []DeletedGroup) {
	if !l.ready() {
		return nil
	}
	for _, g := range l.table.groups {
		if g.filtered || !mayWrite(g.verdict.Kind) {
			continue
		}
		d := DeletedGroup{Group: g.name}
		g.each(func(r *row) {
			if r.orphaned() {
				d.Offsets++
				d.Why = max(d.Why, r.failed)
			}
		})
		if d.Offsets > 0 {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b DeletedGroup) int { return cmp.Compare(a.Group, b.Group) })
	return all
}

// orphaned: the secondary holds a value of ours, and the primary none.
func (r *row) orphaned() bool {
	return r.held.state == present && r.ours() && (r.primary.state == deleted || r.primary.state == absent)
}
