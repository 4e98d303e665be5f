package replicator

import (
	"context"
	"sort"
	"time"
)

// ask runs f in the loop and waits for it.
func (l *Loop) ask(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case l.asks <- func() { f(); close(done) }:
	case <-l.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}

// Reclaim gives a taken-over or handed-over group back to leftoff. Errors: ErrUnknownGroup, ErrFilteredGroup,
// ErrCatchingUp, ErrGroupLive, or the context's.
func (l *Loop) Reclaim(ctx context.Context, group, why string) (v Verdict, err error) {
	if asked := l.ask(ctx, func() { v, err = l.reclaim(group, why) }); asked != nil {
		return Verdict{}, asked
	}
	return v, err
}

// HandOver lets go of a group: see Verdict. A group that is taken over or handed over already stays what it is. Errors:
// ErrUnknownGroup, ErrFilteredGroup, or the context's.
func (l *Loop) HandOver(ctx context.Context, group, why string) (v Verdict, err error) {
	if asked := l.ask(ctx, func() { v, err = l.handOver(group, why) }); asked != nil {
		return Verdict{}, asked
	}
	return v, err
}

// Recall takes verdicts that are kept on the secondary. news: they were written there since it was last asked.
func (l *Loop) Recall(ctx context.Context, verdicts map[string]Verdict, news bool) error {
	if len(verdicts) == 0 {
		return nil
	}
	return l.ask(ctx, func() {
		for name, v := range verdicts {
			l.recall(name, v, news)
		}
	})
}

// Kept is what leftoff wrote of a group on the secondary. Of a group that was handed over or taken over it is what stands there,
// whoever wrote it.
type Kept struct {
	Offsets int
	Topics  []string // the primary's names
	Live    bool     // members on the secondary
	Started bool     // see GroupSnapshot
	Verdict VerdictKind
}

// Kept is what stands on the secondary of the configuration's groups: all that is known on a day when the primary was never read.
func (l *Loop) Kept(ctx context.Context) (map[string]Kept, error) {
	all := map[string]Kept{}
	err := l.ask(ctx, func() {
		for _, g := range l.table.groups {
			if g.filtered {
				continue
			}
			k := Kept{Live: g.live(), Started: g.started, Verdict: g.verdict.Kind}
			for i := range g.parts {
				was := k.Offsets
				for _, r := range g.parts[i].rows {
					if r.held.state == present && (r.ours() || !mayWrite(k.Verdict)) && r.topic().selected {
						k.Offsets++
					}
				}
				if k.Offsets > was {
					k.Topics = append(k.Topics, g.parts[i].topic.name)
				}
			}
			if k.Offsets > 0 {
				all[g.name] = k
			}
		}
	})
	return all, err
}

// Snapshot copies the link's state. Groups is empty unless detail is asked for.
func (l *Loop) Snapshot(ctx context.Context, detail bool) (s Snapshot, err error) {
	err = l.ask(ctx, func() { s = l.snapshot(detail) })
	return s, err
}

func (l *Loop) snapshot(detail bool) Snapshot {
	s := Snapshot{
		At: l.now(), Link: l.opt.Link, Writable: l.writable(), Sides: l.sides, Filtered: l.filtered,
		Stamp: [...]string{"untried", "kept", "dropped"}[l.stampState], InFlight: l.inFlight, Counters: l.counters,
		OutputsSince: l.outputs.waitingSince(),
	}
	for side := range s.Sides {
		s.Sides[side].CaughtUp, s.Sides[side].Pairs = l.caughtUp[side], l.table.pairs[side]
	}
	if !detail {
		return s
	}
	mirrored := l.opt.Mapper.Mirrored()
	for _, g := range l.table.groups {
		if gs, ok := l.groupSnapshot(g, mirrored); ok {
			s.Groups = append(s.Groups, gs)
		}
	}
	sort.Slice(s.Groups, func(i, j int) bool { return s.Groups[i].Group < s.Groups[j].Group })
	s.Deleted, s.Removals = l.deletedGroups(), l.plannedRemovals()
	return s
}

func (l *Loop) groupSnapshot(g *group, mirrored map[string]int32) (GroupSnapshot, bool) {
	gs := GroupSnapshot{Group: g.name, Live: g.live(), Started: g.started, Verdict: g.verdict.Kind.String(), Why: g.verdict.Why}
	if g.verdict.At > 0 {
		gs.Since = time.UnixMilli(g.verdict.At)
	}
	for i := range g.parts {
		p := &g.parts[i]
		committed := map[int32]bool{}
		for _, r := range p.rows {
			if r.primary.state != present {
				continue
			}
			committed[r.partition()] = true
			gs.Entries = append(gs.Entries, l.entry(r))
		}
		for n := int32(0); len(committed) > 0 && n < mirrored[p.topic.name]; n++ {
			if !committed[n] {
				gs.Uncommitted = append(gs.Uncommitted, Key{g.name, p.topic.name, n})
			}
		}
	}
	sort.Slice(gs.Entries, func(i, j int) bool {
		a, b := gs.Entries[i].Commit.Key, gs.Entries[j].Commit.Key
		return a.Topic < b.Topic || a.Topic == b.Topic && a.Partition < b.Partition
	})
	return gs, len(gs.Entries) > 0
}

// entry plans a row afresh for a reader, and changes nothing.
func (l *Loop) entry(r *row) Entry {
	v := l.view(r)
	if v.Failed != NoReason && r.retryAt() <= l.now().UnixMilli() && !r.group.troubled() { // those wait for their turn to try
		v.Failed = NoReason
	}
	e := l.showOutputs(r, Decide(v, l.mapping(r), l.opt.Policy))
	if e.Reason == r.failed && e.Detail == "" {
		e.Detail = r.detail()
	}
	return e
}
