package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/failover"
)

// commit commits an offset of orders/0 as somebody who is not leftoff.
func (r *regions) commit(admin *kadm.Client, group string, at int64) {
	r.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: "orders", At: at, LeaderEpoch: -1})
	if err := admin.CommitAllOffsets(context.Background(), group, o); err != nil {
		r.Fatal(err)
	}
}

// verdict waits until a group has one; empty: none.
func (r *regions) verdict(d *daemon.Daemon, group, want string) {
	r.Helper()
	r.until(group+" "+want, func() error {
		all, err := d.Snapshots(context.Background(), true)
		if err != nil {
			return err
		}
		for _, g := range all[0].Groups {
			if g.Group == group && g.Verdict == want {
				return nil
			}
		}
		return fmt.Errorf("%+v", all[0].Groups)
	})
}

// at waits until a group stands at an offset of orders/0 on the secondary.
func (r *regions) at(group string, want int64) {
	r.Helper()
	r.until(group+" on the secondary", func() error {
		all, err := kadm.NewClient(r.there).FetchOffsets(context.Background(), group)
		if o, ok := all.Lookup("orders", 0); err != nil || !ok || o.At != want {
			return fmt.Errorf("%v %+v", err, o)
		}
		return nil
	})
}

// A link that was failed over, with a group that lives on the secondary beside, is given another name, on an empty disk, as the refusal says. All that was
// decided under the old name is so under the new one: the failover is turned round there, and the group is written as little as before.
func TestRenamedLinkGoesOn(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	here, there := kadm.NewClient(r.client(r.west)), kadm.NewClient(r.there)
	r.commit(here, "audits", 3)
	d, _, stop := r.run("west-east")
	r.at("billing", 12)
	r.at("audits", 3)
	r.commit(there, "audits", 7) // it lives there
	r.verdict(d, "audits", "taken_over")
	r.kept("taken_over")
	r.failTo(d, failover.Order{Who: "tester", Scope: failover.Scope{Groups: []string{"billing"}, Topics: []string{"orders"}}})
	stop()

	_, ended, _ := r.run("pacific")
	select {
	case err := <-ended:
		if !errors.Is(err, daemon.ErrRefused) || !strings.Contains(err.Error(), "renamed_from: west-east in the configuration of link pacific") {
			t.Fatalf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it runs")
	}

	d, _, stop = r.run("pacific, renamed_from: west-east") // a second field of the YAML
	r.verdict(d, "billing", "handed_over")
	r.verdict(d, "audits", "taken_over")
	a, err := d.Failover(t.Context(), api.FailoverOrder{Verb: api.FailoverWhere})
	if err != nil || a.Link != "pacific" || a.State == nil || a.State.Step != failover.Done {
		t.Fatalf("%v %+v", err, a)
	}
	verb := api.FailoverRollback
	r.until("the rollback", func() error {
		a, err := d.Failover(context.Background(), api.FailoverOrder{Verb: verb, Order: failover.Order{Who: "tester"}})
		if err != nil {
			return err
		}
		if verb = api.FailoverAdvance; a.State.Step != failover.RolledBack {
			return fmt.Errorf("at %s: %q", a.State.Step, a.Waits)
		}
		return nil
	})
	stop()

	d, _, _ = r.run("pacific") // the line is not needed again
	r.commit(here, "audits", 15)
	r.commit(here, "billing", 15)
	r.at("billing", 15)
	r.verdict(d, "audits", "taken_over")
	r.at("audits", 7)

	_, ended, _ = r.run("west-east")
	select {
	case err := <-ended:
		if !errors.Is(err, daemon.ErrRefused) || !strings.Contains(err.Error(), "link west-east is called pacific now") {
			t.Fatalf("the old name ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the old name runs")
	}
}

// The primary, leftoff's machine and the link's name are gone, all on one day: what is kept under the old name says which primary it was.
func TestRenamedOnAnEmptyDiskWithoutAPrimary(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	_, _, stop := r.run("west-east")
	r.kept(`"orders"`, `"audit"`)
	r.at("billing", 12)
	stop()
	r.west.Close()

	d, _, _ := r.run("pacific, renamed_from: west-east")
	a := r.failTo(d, failover.Order{Unplanned: true, Who: "tester"})
	if len(a.State.Topics) != 2 || len(a.State.Groups) != 1 || a.State.Groups[0].Verdict != "handed_over" {
		t.Errorf("switched %+v, groups %+v", a.State.Topics, a.State.Groups)
	}
}

// A cluster that lets nobody make the state topic: status says what is missing, and nothing any more once that is given.
func TestNoRightToMakeTheStateTopic(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	no := r.east.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: failover.Topic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	d, _, _ := r.run("west-east")
	said := func() string {
		all, err := d.Snapshots(context.Background(), false)
		if err != nil || len(all) != 1 || all[0].Sides[replicator.Secondary].ClusterID == "" {
			return fmt.Sprintf("%v", err)
		}
		return strings.Join(all[0].Problems, "\n")
	}
	const command = "Try: kafka-acls --add --allow-principal User:LEFTOFF --operation Create --topic leftoff-state"
	r.until("the problem", func() error {
		if p := said(); !strings.Contains(p, "the right Create is missing on topic leftoff-state") || !strings.Contains(p, command) {
			return errors.New(p)
		}
		return nil
	})
	r.at("billing", 12)
	no.Remove()
	r.kept(`"orders"`, `"audit"`)
	r.until("the end of it", func() error {
		if p := said(); p != "" {
			return errors.New(p)
		}
		return nil
	})
}
