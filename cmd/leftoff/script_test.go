package main

import (
	"context"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/translate"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"leftoff": main}) }

// TestScripts runs testdata/*.txtar. $HTTP is a daemon that answers with fixture(); $NOBODY is an address where nobody listens.
func TestScripts(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	testscript.Run(t, testscript.Params{
		Dir:      "testdata",
		Deadline: time.Now().Add(5 * time.Minute), // for all of them, under the race detector on two cores
		Setup: func(e *testscript.Env) error {
			e.Setenv("USER_NAME", whoAmI())
			e.Setenv("TERM", "dumb")
			e.Setenv("TZ", "UTC")
			return serveFixture(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"make-index": makeIndex, "start-pair": startPair, "fill-topic": fillTopic, "commit": commitOffset, "envsubst": envsubst, "groups": onlyGroups, "replace": replaceIn, "make-keys": makeKeys,
			"ends": endsAt, "committed": committedAt, "join": join, "leave": leave, "until": until},
	})
}

// serveFixture answers until the script ends.
func serveFixture(e *testscript.Env) error {
	free, err := api.Listen("127.0.0.1:0", api.Options{})
	if err != nil {
		return err
	}
	e.Setenv("NOBODY", free.Addr())
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := free.Serve(gone); err != nil {
		return err
	}
	server, err := api.Listen("127.0.0.1:0", api.Options{Source: fixture{}, Version: "v0"})
	if err != nil {
		return err
	}
	e.Setenv("HTTP", server.Addr())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	e.Defer(func() {
		stop()
		if err := <-done; err != nil {
			panic(err)
		}
	})
	return nil
}

// makeIndex makes an index with one topic: make-index PATH LINK.
func makeIndex(ts *testscript.TestScript, _ bool, args []string) {
	x, err := checkpoint.Open(ts.MkAbs(args[0]), checkpoint.Options{Link: checkpoint.Link{Name: args[1]}})
	ts.Check(err)
	ts.Check(x.Identify("idW", "idE"))
	pair, _, err := x.Pair(checkpoint.Topics{
		Primary: checkpoint.Topic{Name: "orders"}, Secondary: checkpoint.Topic{Name: "west.orders"}, Partitions: 2, Source: "mirror",
	})
	ts.Check(err)
	p := pair.Partition(0)
	ts.Check(p.Append(translate.Run{Primary: 0, Secondary: 10, Length: 1000, Closed: true}))
	ts.Check(p.Advance(translate.Frontier{Primary: 1000, Secondary: 1010}))
	ts.Check(x.SetVerdict("billing", checkpoint.Verdict{Kind: checkpoint.TakenOver, At: time.Unix(0, 0), Why: "a consumer joined"}))
	ts.Check(x.Close())
}

// fixture is a Source with a group of every kind, in a world that stands still.
type fixture struct{}

func (fixture) Snapshots(context.Context, bool) ([]replicator.Snapshot, error) {
	return []replicator.Snapshot{{
		At: time.Unix(1e9, 0), Link: "west-east", Writable: true, Stamp: "kept",
		Sides: [2]replicator.SideState{{ClusterID: "idW", CaughtUp: true, Pairs: 4}, {ClusterID: "idE", CaughtUp: true, Pairs: 3}},
		Source: replicator.SourceState{
			Mapping: "auto", Chosen: map[string]int{"mm2": 3, "identity": 1}, Partitions: 40, Ready: 12, Wanted: 3, Probes: 70, Conflicts: 1,
			Fetches: [2]int64{700, 534}, Bytes: [2]int64{40 << 20, 16 << 20}, Recognised: "timestamp, key and value",
		},
		Removals: []replicator.Removal{
			{Key: replicator.Key{Group: "gone", Topic: "orders"}, Topic: "orders", Offset: 1812},
			{Key: replicator.Key{Group: "gone", Topic: "orders", Partition: 1}, Topic: "orders", Offset: 70, Hold: replicator.Unreachable},
		},
		Groups: []replicator.GroupSnapshot{
			{Group: "ahead", Entries: []replicator.Entry{planEntry("ahead", 50, 40, 90, translate.Exact, replicator.AheadOnSecondary)}},
			{Group: "billing", Verdict: "taken_over", Why: "a consumer joined", Since: time.Unix(1e9, 0),
				Entries: []replicator.Entry{planEntry("billing", 120417, 120400, 131000, translate.Exact, replicator.TakenOver)}},
			{Group: "lagging", Entries: []replicator.Entry{planEntry("lagging", 1200, 1000, 900, translate.Behind, replicator.NoReason)}},
			{Group: "live", Live: true, Verdict: "taken_over", Entries: []replicator.Entry{planEntry("live", 5, 5, 5, translate.Exact, replicator.GroupLive)}},
			{Group: "mirrored", Entries: []replicator.Entry{
				floorEntry(0, 40, alike, false), floorEntry(1, -1, "no copy of the record 1201 was found on the secondary", false),
				floorEntry(2, 900, "being looked for", true), floorEntry(3, 1000, alike, false),
			}},
			{Group: "payments", Entries: []replicator.Entry{planEntry("payments", 100, 95, 95, translate.Exact, replicator.NoReason)}},
		},
	}}, nil
}

func planEntry(group string, offset, position, written int64, c translate.Confidence, r replicator.Reason) replicator.Entry {
	return replicator.Entry{
		Commit: replicator.Commit{Key: replicator.Key{Group: group, Topic: "orders"}, Offset: offset}, Topic: "orders",
		Position: translate.Position{Offset: position, Confidence: c}, Written: written, HasWritten: true, Ours: true,
		Reason: r, Write: r == replicator.NoReason && position != written,
	}
}

const alike = "records there are alike: which copy is whose can't be told. A commit on a record that differs becomes exact"

// floorEntry is due, and no more than safe. The one of partition 3 is in step.
func floorEntry(partition int32, bound int64, why string, pending bool) replicator.Entry {
	e := planEntry("mirrored", 1201, 1100, 1000, translate.Floor, replicator.NoReason)
	e.Commit.Partition, e.Position.Reread, e.Detail, e.Floor, e.Pending = partition, bound, why, why, pending
	if partition == 3 {
		e.Written, e.Write = 1100, false
	}
	return e
}

func (fixture) Translate(_ context.Context, q api.Query) (replicator.Mapping, error) {
	if q.Topic != "orders" {
		return replicator.Mapping{}, api.ErrUnknownTopic
	}
	m := replicator.Mapping{Topic: "orders", Position: translate.Position{Offset: q.Offset - 5, Confidence: translate.Exact}}
	switch {
	case q.Offset > 3000:
		m = replicator.Mapping{Topic: "orders", Position: translate.Position{Reread: -1}, Reason: replicator.Unmapped, Detail: "none of the records is a copy"}
	case q.Offset > 2000:
		m.Position, m.Detail = translate.Position{Offset: 900, Confidence: translate.Floor, Reread: 95}, alike
		m.Pending = q.Partition == 1
	case q.Offset > 1000:
		m.Position = translate.Position{Offset: 995, Confidence: translate.Behind, Reread: -1}
	}
	return m, nil
}

func (fixture) Reclaim(_ context.Context, _, group, why string) (replicator.Verdict, error) {
	if group == "live" {
		return replicator.Verdict{}, replicator.ErrGroupLive
	}
	return replicator.Verdict{Kind: replicator.VerdictReclaimed, At: 1, Why: why}, nil
}

var _ api.Source = fixture{}

// TestFixtureIsUnderstood keeps the fixture honest: a state of every kind but handed over.
func TestFixtureIsUnderstood(t *testing.T) {
	all, err := fixture{}.Snapshots(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[api.State]bool{}
	for _, g := range api.NewStatus("", time.Time{}, all).Links[0].Groups {
		seen[g.State] = true
	}
	if len(seen) != 5 {
		t.Error(seen)
	}
}
