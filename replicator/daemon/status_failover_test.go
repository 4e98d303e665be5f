package daemon_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/failover"
)

// stands waits until status says how a failover stands; an empty kind: it says nothing.
func (r *regions) stands(d *daemon.Daemon, kind, step, to string, topics, groups int) {
	r.Helper()
	r.until("status", func() error {
		all, err := d.Snapshots(context.Background(), false)
		if err != nil {
			return err
		}
		switch f := all[0].Failover; {
		case f == nil && kind == "":
			return nil
		case f == nil || f.Kind != kind || f.Step != step || f.To != to || f.Topics != topics || f.Groups != groups || f.ID == "" || f.Who != "tester" || f.Changed.IsZero():
			return fmt.Errorf("%+v, want %s at %s to %s, with %d topics and %d groups", f, kind, step, to, topics, groups)
		}
		return nil
	})
}

func (r *regions) asks(d api.FailingOver, verb api.FailoverVerb, o failover.Order) (a api.FailoverAnswer) {
	r.Helper()
	o.Who = "tester"
	a, err := d.Failover(r.Context(), api.FailoverOrder{Verb: verb, Order: o})
	if err != nil {
		r.Fatal(err)
	}
	return a
}

// Status says where a failover and the way home stand, from the first step until everything is home, also after a restart; and nothing before and after.
func TestStatusSaysWhereAFailoverStands(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	disk := t.TempDir()
	d, _, stop := r.runOn(disk, westEast)
	r.at("billing", 12)
	r.stands(d, "", "", "", 0, 0)
	a := r.asks(d, api.FailoverWhere, failover.Order{})
	if a.Switched == nil || *a.Switched != 0 {
		t.Errorf("%v topics are said to be switched, before anything was", a.Switched)
	}
	r.asks(d, api.FailoverBegin, failover.Order{})
	r.stands(d, "planned", "preflight", "east", 0, 0)
	a = r.failTo(d, failover.Order{Who: "tester"})
	groups, topics := len(a.State.Groups), len(a.State.Topics)
	if groups == 0 || topics == 0 || a.Switched == nil || *a.Switched != topics {
		t.Fatalf("%d groups, %d topics, and %v of them are said to be switched", groups, topics, a.Switched)
	}
	r.stands(d, "planned", "done", "east", topics, groups)
	stop()
	d, _, _ = r.runOn(disk, westEast)
	r.stands(d, "planned", "done", "east", topics, groups)
	r.asks(d, api.FailoverReturn, failover.Order{})
	r.stands(d, "failback", "diverge", "west", topics, 0)
	r.comesHome(&daemonOf{FailingOver: d}, false)
	r.stands(d, "", "", "", 0, 0)
	if a = r.asks(d, api.FailoverWhere, failover.Order{}); a.GroupsHome != groups || a.Switched == nil || *a.Switched != 0 {
		t.Errorf("%d groups are said to have come home, want %d; %v topics switched", a.GroupsHome, groups, a.Switched)
	}
}

// Of a failover that took groups alone nothing is said any more once all of them are leftoff's again; and of one that was turned round.
func TestStatusForgetsWhatIsUndone(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d, _, _ := r.runOn(t.TempDir(), westEast)
	r.at("billing", 12)
	r.failTo(d, failover.Order{Who: "tester", Scope: failover.Scope{Groups: []string{"billing"}}})
	r.stands(d, "planned", "done", "east", 0, 1)
	if v, err := d.Reclaim(t.Context(), "", "billing", "over"); err != nil || v.Kind != replicator.VerdictReclaimed {
		t.Fatal(v, err)
	}
	r.stands(d, "", "", "", 0, 0)
	r.failTo(d, failover.Order{Who: "tester"})
	r.asks(d, api.FailoverRollback, failover.Order{})
	r.until("rolled back", func() error {
		if a := r.asks(d, api.FailoverAdvance, failover.Order{}); a.State.Step != failover.RolledBack {
			return fmt.Errorf("at %s: %q", a.State.Step, a.Waits)
		}
		return nil
	})
	r.stands(d, "", "", "", 0, 0)
}
