package api

import (
	"context"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func key(group, topic string, n int32) replicator.Key {
	return replicator.Key{Group: group, Topic: topic, Partition: n}
}

// made is a snapshot with one group of every kind.
func made() replicator.Snapshot {
	entry := func(k replicator.Key, u, position, written int64, c translate.Confidence, change func(*replicator.Entry)) replicator.Entry {
		e := replicator.Entry{
			Commit: replicator.Commit{Key: k, Offset: u, CommittedAt: noon.Add(-time.Minute).UnixMilli()}, Topic: k.Topic,
			Position: translate.Position{Offset: position, Confidence: c}, Written: written, HasWritten: true, Ours: true,
		}
		if change != nil {
			change(&e)
		}
		return e
	}
	return replicator.Snapshot{
		At: noon, Link: "west-east", Writable: true, Filtered: 2, Stamp: "kept", InFlight: 1,
		Sides: [2]replicator.SideState{
			{ClusterID: "idW", CaughtUp: true, Since: noon.Add(-time.Hour), Pairs: 7}, {ClusterID: "idE", CaughtUp: true, Pairs: 6},
		},
		Source: replicator.SourceState{
			Mapping: "auto", Chosen: map[string]int{"mm2": 1, "identity": 2}, Partitions: 40, Ready: 12, Wanted: 3, Probes: 70, Conflicts: 2,
			Fetches: [2]int64{700, 534}, Bytes: [2]int64{40 << 20, 16 << 20}, Recognised: "key and value",
		},
		Failover: &replicator.FailoverState{ID: "20261123-115900-abcd", Kind: "planned", Step: "stop", Who: "ann", Changed: noon.Add(-time.Minute), To: "east"},
		Counters: replicator.Counters{Commits: 1000, Written: 900, Coalesced: 90, Failed: 1, Rewinds: 2, Raised: 3, Refreshed: 4, Unreadable: 5, UnknownTypes: 6},
		Removals: []replicator.Removal{
			{Key: key("gone", "orders", 0), Topic: "orders", Offset: 12},
			{Key: key("gone", "orders", 1), Topic: "orders", Hold: replicator.Unauthorized, Detail: "not authorized to access group"},
		},
		Groups: []replicator.GroupSnapshot{
			{Group: "ahead", Entries: []replicator.Entry{entry(key("ahead", "orders", 0), 50, 40, 90, translate.Exact, func(e *replicator.Entry) {
				e.Ours, e.Reason, e.Detail = false, replicator.AheadOnSecondary, "40 belongs there"
			})}},
			{Group: "billing", Live: true, Verdict: "taken_over", Why: "a consumer joined", Since: noon.Add(-time.Minute),
				Entries: []replicator.Entry{entry(key("billing", "orders", 0), 10, 10, 99, translate.Exact, func(e *replicator.Entry) { e.Reason = replicator.GroupLive })}},
			{Group: "elsewhere", Entries: []replicator.Entry{entry(key("elsewhere", "logs", 0), 1, 0, 0, translate.Unmapped, func(e *replicator.Entry) {
				e.Reason = replicator.Filtered
			})}},
			{Group: "lagging", Entries: []replicator.Entry{
				entry(key("lagging", "orders", 0), 1200, 1000, 900, translate.Behind, func(e *replicator.Entry) { e.Write = true }),
				entry(key("lagging", "orders", 1), 5, 3, 3, translate.Floor, func(e *replicator.Entry) {
					e.Position.Reread, e.Pending, e.Detail, e.Floor = 2, true, "being looked for", "being looked for"
				}),
			}},
			{Group: "new", Entries: []replicator.Entry{entry(key("new", "orders", 0), 7, 0, 0, translate.Unmapped, func(e *replicator.Entry) {
				e.HasWritten, e.Ours, e.Reason, e.Position.Reread = false, false, replicator.Unmapped, -1
			})}, Uncommitted: []replicator.Key{key("new", "orders", 1)}},
			{Group: "payments", Entries: []replicator.Entry{entry(key("payments", "orders", 0), 100, 95, 95, translate.Exact, nil)}},
		},
	}
}

// fake is a Source that answers from fields.
type fake struct {
	all       []replicator.Snapshot
	mapping   replicator.Mapping
	err       error
	asked     Query
	reclaimed []string
}

func (f *fake) Snapshots(context.Context, bool) ([]replicator.Snapshot, error) { return f.all, f.err }

func (f *fake) Translate(_ context.Context, q Query) (replicator.Mapping, error) {
	f.asked = q
	return f.mapping, f.err
}

func (f *fake) Reclaim(_ context.Context, link, group, why string) (replicator.Verdict, error) {
	f.reclaimed = append(f.reclaimed, link, group, why)
	return replicator.Verdict{Kind: replicator.VerdictReclaimed, At: noon.UnixMilli(), Why: why}, f.err
}
