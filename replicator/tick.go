package replicator

import "time"

const (
	forever = int64(1) << 62
	// lostAfter is how long an acknowledged write may stay out of the secondary's log before it counts as lost.
	lostAfter = 30 * time.Second
	// A stamped offset outlives 90 days; one without a stamp may live as little as offsets.retention.minutes.
	refreshStamped  = 30 * 24 * time.Hour
	refreshUnmarked = 6 * time.Hour
)

// sweep walks over all groups, a slice of them each second: refreshing idle offsets, and finding acknowledged writes that
// never showed up in the secondary's log.
type sweep struct {
	groups []*group
}

// takeTick does what time asks for, once a second.
func (l *Loop) takeTick() {
	l.openBarriers()
	for _, tp := range l.table.topics {
		for _, p := range tp.partitions {
			for _, r := range p.waiting {
				l.dirtyRow(r)
			}
		}
	}
	if len(l.sweep.groups) == 0 {
		for _, g := range l.table.groups {
			l.sweep.groups = append(l.sweep.groups, g)
		}
	}
	for range l.sweepSize() {
		last := len(l.sweep.groups) - 1
		if last < 0 {
			return
		}
		g := l.sweep.groups[last]
		l.sweep.groups = l.sweep.groups[:last]
		g.each(l.sweepRow)
	}
}

// sweepSize lets a whole round take a quarter of the refresh time, ten minutes at most.
func (l *Loop) sweepSize() int {
	round := min(l.refreshAfter()/4, 10*time.Minute)
	seconds := max(int(round/time.Second), 1)
	return len(l.table.groups)/seconds + 1
}

func (l *Loop) sweepRow(r *row) {
	now := l.now().UnixMilli()
	if r.has(rowAwaiting) && !l.sentWithin(r, lostAfter) && l.caughtUp[Secondary] {
		r.clear(rowAwaiting | rowBasis)
		r.held.state = absent
		l.countPair(Secondary, -1)
		l.dirtyRow(r)
	}
	if r.ours() && r.held.state == present && r.primary.state == present && now-r.held.at() > l.refreshAfter().Milliseconds() {
		l.counters.Refreshed++
		r.set(rowRefresh)
		l.dirtyRow(r)
	}
	if r.reason != NoReason && r.failed == NoReason {
		l.dirtyRow(r) // a hold is looked at again, now and then, whoever forgot to say that its cause is gone
	}
}

func (l *Loop) refreshAfter() time.Duration {
	switch {
	case l.opt.RefreshAfter > 0:
		return l.opt.RefreshAfter
	case l.stampState == stampDropped:
		return refreshUnmarked
	}
	return refreshStamped
}

// retryDue plans rows again whose back-off is over.
func (l *Loop) retryDue() {
	now := l.now().UnixMilli()
	kept := l.retry[:0]
	for _, r := range l.retry {
		if r.failed != NoReason && r.retryAt() > now {
			kept = append(kept, r)
			continue
		}
		l.dirtyRow(r)
	}
	l.retry = kept
}

// tickLength is the unit in which a row remembers when it was sent: 32 bits of it are 13 years.
const tickLength = 100 * time.Millisecond

// tick is the time since the loop was made. It is never 0.
func (l *Loop) tick() uint32 { return l.tickAt(l.now()) }

func (l *Loop) tickAt(at time.Time) uint32 { return uint32(max(at.Sub(l.began), 0)/tickLength) + 1 }

// sentWithin says that a row was sent no longer ago than d.
func (l *Loop) sentWithin(r *row, d time.Duration) bool {
	return r.sentAt > 0 && l.tick()-r.sentAt < uint32(d/tickLength)
}
