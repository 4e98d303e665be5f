package acceptance

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// bench is the judge over a pair of clusters, from before leftoff starts.
type bench struct {
	t                  testing.TB
	primary, secondary *rig.Cluster
	history            *judge.History
	prefix             string
}

func watch(t testing.TB, primary, secondary *rig.Cluster, prefix string) *bench {
	t.Helper()
	h, err := judge.Watch(context.Background(), judge.At(primary.Direct()...), judge.At(secondary.Direct()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return &bench{t, primary, secondary, h, prefix}
}

func (b *bench) compare(topic string, o judge.Options) *judge.Copies {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := judge.Compare(ctx, judge.At(b.primary.Direct()...), judge.At(b.secondary.Direct()...), topic, topic, o)
	if err != nil {
		b.t.Fatalf("compare %s: %v", topic, err)
	}
	return c
}

// exact asserts that every group of this test that committed the compared topics resumes with 0 skipped and 0 re-read, and
// returns how many resume points there were.
func (b *bench) exact(copies ...*judge.Copies) int {
	b.t.Helper()
	b.caughtUp()
	n := 0
	for _, r := range b.history.Resumes(copies...) {
		if !strings.HasPrefix(r.Group, b.prefix) {
			continue
		}
		n++
		if r.Value == nil || !r.Exact {
			b.t.Errorf("not exact: %s", r)
		}
	}
	if n == 0 {
		b.t.Error("the judge found no resume point")
	}
	return n
}

// atT asserts that every group resumes at T: nothing is skipped, and what is read again can't be avoided.
func (b *bench) atT(copies ...*judge.Copies) {
	b.t.Helper()
	b.caughtUp()
	for _, r := range b.history.Resumes(copies...) {
		if strings.HasPrefix(r.Group, b.prefix) && (r.Value == nil || r.Value.Offset != r.Verdict.T || r.Verdict.Skipped != 0) {
			b.t.Errorf("not at T: %s", r)
		}
	}
}

// lawful asserts the safety rules over every value ever written.
func (b *bench) lawful(r judge.Rules, copies ...*judge.Copies) {
	b.t.Helper()
	b.caughtUp()
	r.Groups = func(g string) bool { return strings.HasPrefix(g, b.prefix) }
	broken := b.history.Check(r, copies...)
	for i, v := range broken {
		if i == 20 {
			b.t.Errorf("… and %d more", len(broken)-i)
			break
		}
		b.t.Errorf("%s\n%s", v, b.around(v))
	}
}

func (b *bench) caughtUp() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := b.history.CaughtUp(ctx); err != nil {
		b.t.Fatal(err)
	}
}

// around shows what both sides said of a key in the seconds before a violation.
func (b *bench) around(v judge.Violation) string {
	var lines strings.Builder
	for _, side := range []struct {
		name string
		log  *judge.Log
	}{{"primary", b.history.Primary}, {"secondary", b.history.Secondary}} {
		var near []judge.Write
		for _, w := range side.log.Writes() {
			if w.Group == v.Key.Group && w.Topic == v.Key.Topic && w.Partition == v.Key.Partition && w.Value != nil && !w.At.After(v.At.Add(time.Second)) {
				near = append(near, w)
			}
		}
		for _, w := range near[max(0, len(near)-8):] {
			fmt.Fprintf(&lines, "    %s %s: %d (epoch %d, stamped %v)\n", w.At.UTC().Format("15:04:05.000"), side.name, w.Value.Offset, w.Value.LeaderEpoch, w.Value.Stamped())
		}
	}
	return lines.String()
}
