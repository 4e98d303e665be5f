package replicator

import "fmt"

// takenOver records that a group is no longer ours, unless a person reclaimed it after what the log says. at is the place
// of the evidence in the group's partition of the secondary's `__consumer_offsets`, when its time in ms: what is older than a reclaim of which only
// the time is known counts no more. A group that was handed over has started then:
// its failover can't be turned round any more, however soon it is empty again.
func (l *Loop) takenOver(g *group, at Order, when int64, why string) {
	if g.forgiven != nil && 0 < when && when <= g.forgiven.At {
		l.forgive(g, at)
		return
	}
	decided := g.verdict.Kind == VerdictReclaimed || g.verdict.Kind == VerdictHandedOver
	if decided && !g.verdict.Order.Less(at) {
		return
	}
	l.giveUp(g, at, why)
}

// forgive notes the place of what a reclaim outweighs by its time. From here on the place counts: what follows in the log is later, whatever
// anybody's clock says, also after the next start.
func (l *Loop) forgive(g *group, at Order) {
	if g.verdict.Kind == NoVerdict || g.verdict.Kind == VerdictReclaimed && g.verdict.Order.Less(at) {
		v := *g.forgiven
		v.Order = at
		l.setVerdict(g, v)
	}
}

// unforgiving: the secondary's log was read to where it ended at the start, and what comes now is later than any reclaim that was known then. A clock
// that is ahead of the coordinator's must not hide it.
func (l *Loop) unforgiving() {
	for _, g := range l.table.groups {
		g.forgiven = nil
	}
}

// refusedLive is the broker's own word: it has members of the group. That beats a reclaim.
func (l *Loop) refusedLive(g *group) {
	l.giveUp(g, g.newest(), "the secondary refused a commit: the group has members there")
}

func (l *Loop) giveUp(g *group, at Order, why string) {
	if g.filtered || g.verdict.Kind == VerdictTakenOver {
		return
	}
	if g.verdict.Kind == VerdictHandedOver {
		g.started = true
		return
	}
	l.setVerdict(g, Verdict{Kind: VerdictTakenOver, At: l.now().UnixMilli(), Why: why, Order: at})
	l.opt.Logger.Info("group taken over on the secondary: leftoff does not write it until it is reclaimed",
		linkField(l.opt.Link), groupField(g.name), whyField(why))
	l.dirtyGroup(g)
}

// setVerdict remembers a conclusion and hands it to the keeper. Losing one before the keeper's next write is harmless: the
// log it was drawn from is read again at the next start.
func (l *Loop) setVerdict(g *group, v Verdict) {
	g.verdict, g.started = v, false
	if v.Kind == VerdictReclaimed && len(l.repairs) > 0 {
		g.each(func(r *row) { delete(l.repairs, r) }) // what was to be put back is not wanted any more
	}
	if l.opt.Remember != nil {
		l.opt.Remember(g.name, v)
	}
}

// reclaim gives a group back to leftoff: what the secondary's log says up to now no longer counts.
func (l *Loop) reclaim(name, why string) (Verdict, error) {
	g, ok := l.table.groups[name]
	switch {
	case !ok:
		return Verdict{}, fmt.Errorf("group %q: %w", name, ErrUnknownGroup)
	case g.filtered:
		return Verdict{}, fmt.Errorf("group %q: %w", name, ErrFilteredGroup)
	case !l.caughtUp[Secondary]:
		return Verdict{}, fmt.Errorf("group %q: %w", name, ErrCatchingUp)
	case g.live():
		return Verdict{}, fmt.Errorf("group %q: %w", name, ErrGroupLive)
	}
	l.setVerdict(g, Verdict{Kind: VerdictReclaimed, At: l.now().UnixMilli(), Why: why, Order: g.newest()})
	l.opt.Logger.Info("group reclaimed", linkField(l.opt.Link), groupField(name), whyField(why))
	l.dirtyGroup(g)
	return g.verdict, nil
}

// handOver lets go of a group: from here on nothing of leftoff's writes it, until somebody reclaims it. A group that consumers
// took already stays taken over.
func (l *Loop) handOver(name, why string) (Verdict, error) {
	g, ok := l.table.groups[name]
	switch {
	case !ok:
		return Verdict{}, fmt.Errorf("group %q: %w", name, ErrUnknownGroup)
	case g.filtered:
		return Verdict{}, fmt.Errorf("group %q: %w", name, ErrFilteredGroup)
	case g.verdict.Kind == VerdictTakenOver || g.verdict.Kind == VerdictHandedOver:
		return g.verdict, nil
	}
	l.setVerdict(g, Verdict{Kind: VerdictHandedOver, At: l.now().UnixMilli(), Why: why, Order: g.newest()})
	l.opt.Logger.Info("group handed over", linkField(l.opt.Link), groupField(name), whyField(why))
	l.dirtyGroup(g)
	return g.verdict, nil
}

// recall takes a verdict that another process, or an earlier one, left on the secondary. What is known here later stays. news: it was
// written since this process began to read there, so that it is the later one whatever two machines' clocks say.
func (l *Loop) recall(name string, v Verdict, news bool) {
	g := l.group(name)
	switch {
	case g.filtered, g.verdict.Kind == v.Kind:
		return
	case v.Kind == VerdictReclaimed && g.verdict.Kind == NoVerdict:
		if !l.caughtUp[Secondary] && (g.forgiven == nil || g.forgiven.At < v.At) {
			g.forgiven = &v // its place in the secondary's log is not known any more, only its time
		}
		return
	case v.Kind == VerdictHandedOver && g.verdict.Kind == VerdictTakenOver:
		return // as handOver has it
	case !news && g.verdict.At >= v.At:
		return
	}
	if v.Order = g.newest(); v.Order.Less(g.verdict.Order) {
		v.Order = g.verdict.Order // the log has not been read as far yet
	}
	l.setVerdict(g, v)
	l.opt.Logger.Info("group: as written on the secondary", linkField(l.opt.Link), groupField(name), whyField(v.Kind.String()+", "+v.Why))
	l.dirtyGroup(g)
}

// newest is the place of the newest record of the group in the secondary's log.
func (g *group) newest() Order {
	o := g.record
	g.each(func(r *row) {
		if o.Less(r.held.order()) {
			o = r.held.order()
		}
	})
	return o
}
