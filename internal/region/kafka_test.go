package region

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/region/script"
	"github.com/leftoff/leftoff/internal/rig"
)

// TestSameLedgerAsKafka is what keeps this ground honest: one script, here and on real Kafka, and the log must come out
// the same. The expectation is written down in the script; the two are compared with each other, too.
func TestSameLedgerAsKafka(t *testing.T) {
	r, err := Start(Options{Name: "embedded", Brokers: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	embedded := runScript(t, r.KgoOpts())
	for _, err := range r.Failures() {
		t.Errorf("append failed: %v", err)
	}
	rig.Require(t)
	primary, _ := rig.Shared(t)
	kafka := runScript(t, []kgo.Opt{kgo.SeedBrokers(primary.Bootstrap()...)})
	compare(t, "kafka", kafka, "embedded", embedded)
}

// runScript returns the ledger, the lives of groups and the values' versions, as lines.
func runScript(t *testing.T, opts []kgo.Opt) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := judge.Cluster{Opts: opts}
	h, err := judge.Watch(context.Background(), c, c)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	const prefix = "script"
	result, err := script.Run(ctx, prefix, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := result.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	want := make(map[string]string)
	for k, w := range result.Ledger {
		want[fmt.Sprint(judge.Key(k))] = fmt.Sprint(w)
	}
	// Real brokers write markers and the tombstones of a deleted topic after their answer.
	for !same(ledger(t, ctx, h, prefix), want) && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	got := ledger(t, t.Context(), h, prefix)
	compare(t, "script", want, "log", got)
	for _, g := range result.Lived {
		got["members of "+g] = lives(h.Primary.Memberships(g))
	}
	for k, s := range result.Stamps {
		v, _ := h.Primary.Value(judge.Key(k))
		got["stamp of "+fmt.Sprint(judge.Key(k))] = fmt.Sprintf("v%d, %v", v.Version, v.Retention-s.Retention)
	}
	plain, _ := h.Primary.Value(judge.Key{Group: prefix + "-plain", Topic: prefix + "-orders", Partition: 0})
	got["plain value"] = fmt.Sprintf("v%d, epoch %d, topic id: %v", plain.Version, plain.LeaderEpoch, plain.TopicID != [16]byte{})
	open, aborted := h.Primary.Pending()
	got["transactions"] = fmt.Sprintf("%d pending, %d aborted", open, aborted)
	return got
}

func ledger(t *testing.T, ctx context.Context, h *judge.History, prefix string) map[string]string {
	t.Helper()
	if err := h.CaughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	if b := h.Primary.Broken(); len(b) > 0 {
		t.Fatalf("undecodable: %v", b)
	}
	lines := make(map[string]string)
	for k, w := range h.Primary.Ledger() {
		if !strings.HasPrefix(k.Group, prefix) {
			continue
		}
		x := script.Want{Deleted: true}
		if w.Value != nil {
			x = script.Want{Offset: w.Value.Offset, Metadata: w.Value.Metadata}
		}
		lines[fmt.Sprint(k)] = fmt.Sprint(x)
	}
	return lines
}

// lives says how a group's membership went, without repetitions.
func lives(changes []judge.Membership) string {
	var s []string
	for _, m := range changes {
		if n := fmt.Sprint(m.Members); len(s) == 0 || s[len(s)-1] != n {
			s = append(s, n)
		}
	}
	return strings.Join(s, " ")
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func compare(t *testing.T, nameA string, a map[string]string, nameB string, b map[string]string) {
	t.Helper()
	var keys []string
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if a[k] != b[k] {
			t.Errorf("%s: %s has %q, %s has %q", k, nameA, a[k], nameB, b[k])
		}
	}
}
