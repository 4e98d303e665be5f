package acceptance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// The policy after over a mirror that is not leftoff's, which is killed under load and copies again: nothing is missing behind its offset at any time that is looked at; and once everything is copied nothing
// waits any more, although the topics end in transaction markers.
func TestOutputsOverMirrorMaker(t *testing.T) {
	rig.RequireSoak(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "outputs") + "."
	input, output, group := prefix+"input", prefix+"output", prefix+"app"
	primary.CreateTopic(t, input, 1, nil)
	primary.CreateTopic(t, output, 1, nil)
	m := startMirrorMaker(t, primary, secondary, prefix, nil)
	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mm2", prefix))
	fill(t, primary, input, 0, 2_000, 0)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- passOn(ctx, t, primary, group, input, output) }()
	complete := func() {
		t.Helper()
		at := committed(t, secondary, group, input)[0]
		there := map[string]bool{}
		for _, all := range readAll(t, secondary, output) {
			for _, rec := range all {
				there[string(rec.Value)] = true
			}
		}
		for _, rec := range readAll(t, secondary, input)[0] {
			if rec.Offset < at && !there[string(rec.Value)] {
				t.Fatalf("the group is at %d, and the output of %d is missing", at, rec.Offset)
			}
		}
		t.Logf("complete at %d of %v", at, ends(t, primary, input))
	}
	if !eventually(time.Minute, func() bool { return committed(t, secondary, group, input)[0] >= 2_000 }) {
		g, _ := r.group(group)
		t.Fatalf("its offset does not arrive: %+v", g)
	}
	complete()
	m.Kill()
	fill(t, primary, input, 2_000, 2_000, 0)
	if !eventually(30*time.Second, func() bool { return committed(t, primary, group, input)[0] >= 4_000 }) {
		t.Fatal("the application stands still")
	}
	complete()
	m.Restart(t)
	fill(t, primary, input, 4_000, 3_000, 0)
	waited := map[string]bool{}
	for range 20 {
		pause(250 * time.Millisecond)
		complete()
		if g, _ := r.group(group); len(g.Entries) == 1 && g.Entries[0].Reason == replicator.WaitingForOutputs {
			waited[g.Entries[0].Detail] = true
		}
	}
	t.Logf("waited: %q", slices.Sorted(maps.Keys(waited)))
	if !eventually(time.Minute, func() bool { return committed(t, primary, group, input)[0] >= 7_000 }) {
		t.Fatal("the application stands still")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.settles(time.Minute, group)
	complete()
	if at := committed(t, secondary, group, input)[0]; at < 7_000 {
		t.Errorf("in the end it is at %d", at)
	}
}

// passOn is an application with exactly-once: it reads, writes what it has read, and commits its place, in transactions.
func passOn(ctx context.Context, t *testing.T, c *rig.Cluster, group, input, output string) error {
	s, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(c.Bootstrap()...), kgo.TransactionalID(group), kgo.ConsumerGroup(group), kgo.ConsumeTopics(input),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.DefaultProduceTopic(output), kgo.FetchMaxWait(50*time.Millisecond), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer s.Close()
	for ctx.Err() == nil {
		fetches := s.PollRecords(ctx, 50)
		if ctx.Err() != nil || fetches.Empty() {
			continue
		}
		if err := s.Begin(); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) { s.Produce(ctx, &kgo.Record{Value: r.Value}, nil) })
		if _, err := s.End(context.WithoutCancel(ctx), ctx.Err() == nil); err != nil {
			return fmt.Errorf("end: %w", err)
		}
	}
	return nil
}
