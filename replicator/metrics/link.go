package metrics

import (
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/translate"
)

// link adds everything about one link. The sums are those of the API, so that a dashboard and `leftoff status` agree.
func (c *Collector) link(out *list, s *replicator.Snapshot) {
	l := api.NewStatus("", s.At, []replicator.Snapshot{*s}).Links[0]
	c.sides(out, s)
	c.totals(out, s, l)
	c.counters(out, s)
	c.comparing(out, s.Link, l.Source)
	c.drills(out, s.Link, l.Drill)
	for _, r := range replicator.Reasons() {
		if r != replicator.Filtered {
			out.add(held, float64(heldFor(l.Holds, r)), s.Link, r.String())
		}
	}
	if c.opt.PerGroup {
		for _, g := range l.Groups {
			out.add(groupLag, float64(g.LagRecords), s.Link, g.Group)
			out.add(groupSkip, float64(g.SkipRecords), s.Link, g.Group)
			out.add(groupHeld, float64(g.Held), s.Link, g.Group)
		}
	}
}

func (c *Collector) sides(out *list, s *replicator.Snapshot) {
	for side, state := range s.Sides {
		name := replicator.Side(side).String()
		out.add(clusterUp, yes(state.Error == ""), s.Link, name)
		out.add(caughtUp, yes(state.CaughtUp), s.Link, name)
		out.add(pairs, float64(state.Pairs), s.Link, name)
	}
	out.add(writable, yes(s.Writable), s.Link)
	out.add(problems, float64(len(s.Problems)), s.Link)
	if s.Stamp == "kept" || s.Stamp == "dropped" {
		out.add(stampKept, yes(s.Stamp == "kept"), s.Link)
	}
}

func (c *Collector) totals(out *list, s *replicator.Snapshot, l api.Link) {
	t := l.Totals
	for m, value := range map[metric]int64{
		groups: int64(t.Groups), groupsLeft: int64(t.GroupsFiltered), groupsLive: int64(t.GroupsLive), inFlight: int64(t.GroupsInFlight),
		due: int64(t.Due), missing: int64(t.Missing), uncommitted: int64(t.Uncommitted), lagRecords: t.LagRecords, skipRecords: t.SkipRecords,
		offsetsPending: int64(t.Pending), rereadRecords: t.RereadRecords,
	} {
		out.add(m, float64(value), s.Link)
	}
	for confidence, n := range map[translate.Confidence]int{
		translate.Exact: t.Exact, translate.Floor: t.Floor, translate.Behind: t.Behind, translate.Unmapped: t.Unmapped,
	} {
		out.add(offsets, float64(n), s.Link, confidence.String())
	}
	verdicts := map[string]int{}
	for i := range s.Groups {
		verdicts[s.Groups[i].Verdict]++
	}
	for _, v := range []replicator.VerdictKind{replicator.VerdictTakenOver, replicator.VerdictHandedOver, replicator.VerdictReclaimed} {
		out.add(groupVerdict, float64(verdicts[v.String()]), s.Link, v.String())
	}
	gone := 0
	for _, d := range l.Deleted {
		gone += d.Offsets
	}
	out.add(orphans, float64(gone), s.Link)
	out.add(oldestDue, oldest(s).Seconds(), s.Link)
	out.add(outputsWait, outputsFor(s).Seconds(), s.Link)
}

// oldest is the age of the oldest commit that is to be written and is not.
func oldest(s *replicator.Snapshot) time.Duration {
	age := time.Duration(0)
	for i := range s.Groups {
		for j := range s.Groups[i].Entries {
			if e := &s.Groups[i].Entries[j]; e.Write && e.Commit.CommittedAt > 0 {
				age = max(age, s.At.Sub(time.UnixMilli(e.Commit.CommittedAt)))
			}
		}
	}
	return age
}

// outputsFor is how long the commit that waits longest has waited for outputs.
func outputsFor(s *replicator.Snapshot) time.Duration {
	if s.OutputsSince.IsZero() {
		return 0
	}
	return s.At.Sub(s.OutputsSince)
}

func (c *Collector) counters(out *list, s *replicator.Snapshot) {
	n := s.Counters
	for m, value := range map[metric]int64{
		commitsRead: n.Commits, written: n.Written, coalesced: n.Coalesced, refused: n.Failed, rewinds: n.Rewinds, raised: n.Raised,
		refreshed: n.Refreshed, removed: n.Removed, unreadable: n.Unreadable, unknownTypes: n.UnknownTypes,
	} {
		out.add(m, float64(value), s.Link)
	}
}

// comparing adds what a mapping does that compares records.
func (c *Collector) comparing(out *list, link string, of *api.Compare) {
	if of == nil {
		return
	}
	out.add(comparePartitions, float64(of.Ready), link, "looked_at")
	out.add(comparePartitions, float64(of.Partitions-of.Ready), link, "waiting")
	out.add(compareWanted, float64(of.Wanted), link)
	out.add(compareProbes, float64(of.Probes), link)
	out.add(compareConflicts, float64(of.Conflicts), link)
	for side, n := range map[replicator.Side][2]int64{
		replicator.Primary: {of.Fetches.Primary, of.Bytes.Primary}, replicator.Secondary: {of.Fetches.Secondary, of.Bytes.Secondary},
	} {
		out.add(compareFetches, float64(n[0]), link, side.String())
		out.add(compareBytes, float64(n[1]), link, side.String())
	}
}

func heldFor(holds []api.Hold, r replicator.Reason) int {
	for _, h := range holds {
		if h.Reason == r.String() {
			return h.Offsets
		}
	}
	return 0
}

func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
