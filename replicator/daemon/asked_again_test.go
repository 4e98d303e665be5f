package daemon_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// A transaction that is open on the primary keeps a planned failover waiting, and a look at how it stands says so and moves nothing. What it commits is
// on the secondary then.
func TestOpenTransactionIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d, _, _ := r.run("west-east")
	r.at("billing", 12)
	c, err := kgo.NewClient(append(r.west.KgoOpts(), kgo.TransactionalID("till"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("maybe")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	ask := func(verb api.FailoverVerb) api.FailoverAnswer {
		t.Helper()
		a, err := d.Failover(context.Background(), api.FailoverOrder{Verb: verb, Order: failover.Order{Who: "ann", Why: "drill"}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ask(api.FailoverBegin)
	var a api.FailoverAnswer
	r.until("the transaction", func() error {
		if a = ask(api.FailoverAdvance); a.State.Step != failover.Drain || !strings.HasPrefix(strings.Join(a.Waits, ""), "a transaction is open on orders/0, since offset 20") {
			return fmt.Errorf("at %s: %q", a.State.Step, a.Waits)
		}
		return nil
	})
	if where := ask(api.FailoverWhere); where.State.Step != failover.Drain || strings.Join(where.Waits, "") != strings.Join(a.Waits, "") {
		t.Errorf("how it stands: at %s, %q", where.State.Step, where.Waits)
	}
	if err := c.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	done := r.failTo(d, failover.Order{Who: "ann", Why: "drill"})
	if len(done.State.Notes) > 0 {
		t.Errorf("%q", done.State.Notes)
	}
	for _, topic := range done.State.Topics {
		if topic.Topic == "orders" && topic.Marks[0].Primary < 21 {
			t.Errorf("what was committed is not on the secondary: %+v", topic)
		}
	}
	if _, err := d.ReclaimBy(context.Background(), "", "billing", "bob", "bob: mine"); err != nil {
		t.Fatal(err)
	}
	r.kept(`"who":"bob","why":"bob: mine"`)
}

// Where the steps may not be kept on the secondary, a dry run finds which right is missing, and a failover does not begin; with the right it does.
func TestNoFailoverThatCantBeKept(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	no := r.east.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: failover.Topic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	d, _, _ := r.run("west-east")
	r.at("billing", 12)
	const missing = "the right Create is missing on topic leftoff-state of the secondary"
	for _, unplanned := range []bool{false, true} {
		o := failover.Order{Who: "ann", Unplanned: unplanned}
		r.until("the dry run", func() error {
			a, err := d.Failover(context.Background(), api.FailoverOrder{Verb: api.FailoverTry, Order: o})
			if err != nil || len(a.Trial[0].Finds) == 0 || !strings.Contains(a.Trial[0].Finds[0], missing) || !strings.Contains(a.Trial[0].Finds[0], "Try: ") {
				return fmt.Errorf("%v %+v", err, a.Trial)
			}
			return nil
		})
		if a, err := d.Failover(context.Background(), api.FailoverOrder{Verb: api.FailoverBegin, Order: o}); err == nil || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "Try: ") {
			t.Errorf("unplanned %v: %v, at %+v", unplanned, err, a.State)
		}
	}
	no.Remove()
	r.failTo(d, failover.Order{Who: "ann"})
}
