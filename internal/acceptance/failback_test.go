package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// Issue 6, scenario 5: failover, producers and consumers live on the secondary, and the way home. Every record that any side ever accepted
// is on the primary or in the export, nothing loops, and each group resumes exactly.
func TestFailback(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	t.Run("the primary died", func(t *testing.T) { comesHome(t, true) })
	if rig.Soaking() {
		t.Run("planned", func(t *testing.T) { comesHome(t, false) })
	}
}

func comesHome(t *testing.T, died bool) {
	primary, secondary := rig.StartTwo(t, rig.Options{Name: "primary", Proxied: true}, rig.Options{Name: "secondary"})
	prefix := rig.Name(t, "home") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 2, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 3_000, 0)
	fillTransactions(t, primary, txn, 30, 20, true)
	away := commitLagging(t, primary, prefix+"away-", []int64{0, 10, 500}, plain, txn) // go on in the other region
	idle := commitLagging(t, primary, prefix+"idle-", []int64{0, 20, 300}, plain, txn) // do nothing there

	b := watch(t, primary, secondary, prefix)
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	r := start(t, s)
	r.waitSettled(time.Minute, append(groupsOf(away), groupsOf(idle)...)...)
	order := failover.Order{Who: "tester"}
	if died {
		b.failsOverAsItDies(r, plain, txn)
	} else if done := r.failTo(time.Minute, order); done.State.Step != failover.Done {
		t.Fatalf("%+v", done.State)
	}

	// The primary's last producers write what nobody copies any more; life goes on over there.
	fill(t, primary, plain, 500_000, 70, 0)
	lost := b.compare(plain, judge.Options{})
	fill(t, secondary, plain, 600_000, 900, 50) // to both partitions: what was left on the primary alone is nothing to compare with
	fillTransactions(t, secondary, txn, 20, 10, true)
	abroad := commitLagging(t, secondary, prefix+"away-", []int64{0, 10, 500}, plain, txn) // the same groups
	member := joinGroup(t, secondary, abroad[0].group, plain)

	n := int(lost.Total().Waiting)
	if n < 70 || died && n == 70 {
		t.Errorf("%d records were never mirrored: that shows nothing", n)
	}
	b.confirmsExport(r.exportsLost(primary, &order, n), lost)

	r.waitsFor(time.Minute, order, abroad[0].group+" still runs on the secondary")
	member.leave()
	home := r.failTo(2*time.Minute, order)
	if home.State.Step != failover.AtHome {
		t.Fatalf("%+v", home.State)
	}
	for _, p := range home.State.Past {
		t.Logf("%s  %-9s %s", p.At.Format("15:04:05.000"), p.Step, p.Said)
	}

	// Every record of the secondary is on the primary, once; and the other way round, but for the exported ones.
	for _, topic := range []string{plain, txn} {
		o := judge.Options{Unpaired: judge.UnpairedIsGone} // what was exported stays on the primary
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		back, err := judge.Compare(ctx, judge.At(secondary.Direct()...), judge.At(primary.Direct()...), topic, topic, o)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		sum := back.Total()
		t.Logf("%s: %+v", topic, sum)
		if sum.Missing != 0 || sum.Waiting != 0 || sum.Duplicates != 0 {
			t.Errorf("%s: not all came home, or came twice: %+v", topic, sum)
		}
		for _, l := range abroad {
			if l.topic != topic {
				continue
			}
			there, here := committed(t, secondary, l.group, topic), committed(t, primary, l.group, topic)
			for n, v := range there {
				if want := back.T(n, v); here[n] != want {
					t.Errorf("%s, %s/%d: at %d over there, and at %d here: want %d", l.group, topic, n, v, here[n], want)
				}
			}
		}
	}

	// The original link goes on: what is produced and committed at home now is on the secondary, once.
	before := ends(t, secondary, plain)
	fill(t, primary, plain, 700_000, 200, 0)
	again := commitLagging(t, primary, prefix+"away-", []int64{0, 10, 500}, plain, txn)
	if !eventually(time.Minute, func() bool { return total(ends(t, secondary, plain)) >= total(before)+200 }) {
		t.Fatalf("%v became %v: %q", before, ends(t, secondary, plain), r.snapshot().Problems)
	}
	r.waitSettled(time.Minute, groupsOf(again)...)
	unchanged(t, 2*time.Second, func() string { return fmt.Sprint(total(ends(t, secondary, plain))) }, fmt.Sprint(total(before)+200))
	b.exactButExported(t, plain, n)
	r.waitSettled(30*time.Second, groupsOf(idle)...)
}

// exportsLost begins the way home, sees what the secondary never got, n records, exported, and makes that the order's choice. It returns
// the file.
func (r *running) exportsLost(primary *rig.Cluster, order *failover.Order, n int) []byte {
	r.t.Helper()
	p := r.begin(api.FailoverReturn, *order)
	if !eventually(time.Minute, func() bool {
		var err error
		p, err = r.fail(api.FailoverAdvance, *order)
		return err == nil && p.Needs
	}) {
		r.t.Fatalf("%+v", p)
	}
	lost := 0
	for _, d := range p.Diverged {
		lost += int(d.To - d.From)
	}
	if lost != n || !strings.Contains(p.Waits[0], "--export") {
		r.t.Fatalf("the secondary never got %d records: %+v", lost, p)
	}
	var file bytes.Buffer
	from := kafka.Open(kafka.Config{Name: "primary", Brokers: primary.Bootstrap()}, nil)
	defer from.Close()
	spans, err := failover.ExportDivergence(context.Background(), from, p.Diverged, &file)
	if err != nil || strings.Count(file.String(), "\n") != n {
		r.t.Fatalf("exported %d lines, %v: %+v", strings.Count(file.String(), "\n"), err, spans)
	}
	order.Choice, order.Diverged = failover.Export, p.Diverged
	return file.Bytes()
}

func total(ends map[int32]int64) (n int64) {
	for _, e := range ends {
		n += e
	}
	return n
}

// begin asks until the daemon is there.
func (r *running) begin(verb api.FailoverVerb, o failover.Order) (a api.FailoverAnswer) {
	r.t.Helper()
	var err error
	if !eventually(30*time.Second, func() bool { a, err = r.fail(verb, o); return err == nil }) {
		r.t.Fatal(err)
	}
	return a
}

// exactButExported holds what groups would read next on both sides against each other: the record at the position is the same.
func (b *bench) exactButExported(t *testing.T, topic string, exported int) {
	t.Helper()
	c := b.compare(topic, judge.Options{})
	if sum := c.Total(); sum.Duplicates != 0 || int(sum.Missing+sum.Waiting) != exported {
		t.Errorf("the secondary lacks %d records, want the %d exported ones: %+v", sum.Missing+sum.Waiting, exported, sum)
	}
}
