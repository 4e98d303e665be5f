package replicator

import (
	"cmp"
	"slices"
	"strings"
)

// Removal is an offset that the primary deleted, and that leftoff would delete on the secondary (policy tombstones: delete).
type Removal struct {
	Key    Key    // the primary's
	Topic  string // the secondary's name; empty where none is known
	Offset int64  // what the secondary holds
	// Hold is why it is not deleted now; NoReason: it is due.
	Hold   Reason
	Detail string // of the hold
}

// plannedRemovals lists what would be deleted now, and what is kept back, by group, topic and partition. It changes nothing. A group that
// leftoff let go of is none of its business. Before both sides were read nothing is known to be deleted.
func (l *Loop) plannedRemovals() (all []Removal) {
	if l.opt.Policy.Tombstones != "delete" || !l.ready() {
		return nil
	}
	for _, g := range l.table.groups {
		if g.filtered || !mayWrite(g.verdict.Kind) {
			continue
		}
		g.each(func(r *row) {
			if r.outlives() && r.topic().selected {
				all = append(all, l.plannedRemoval(r))
			}
		})
	}
	slices.SortFunc(all, func(a, b Removal) int {
		return cmp.Or(strings.Compare(a.Key.Group, b.Key.Group), strings.Compare(a.Key.Topic, b.Key.Topic), cmp.Compare(a.Key.Partition, b.Key.Partition))
	})
	return all
}

func (l *Loop) plannedRemoval(r *row) Removal {
	p := Removal{Key: r.key(), Offset: r.held.offset}
	waits := r.failed != NoReason && (r.retryAt() > l.now().UnixMilli() || r.group.troubled())
	switch p.Topic, p.Hold = l.secondaryTopic(r); {
	case r.group.live():
		p.Hold = GroupLive
	case r.group.shared():
		p.Hold = ShareGroupID
	case !l.opt.Owner(r.group.name):
		p.Hold = NotOwner
	case waits && r.failed != HandedOver: // a topic may have come back since
		p.Hold, p.Detail = r.failed, r.detail()
	}
	return p
}
