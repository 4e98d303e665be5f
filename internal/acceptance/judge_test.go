package acceptance

import (
	"context"
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
		b.t.Error(v)
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
