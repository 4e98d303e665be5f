package daemon_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/failover"
)

const westEast = "west-east, primary: west, secondary: east"

// switched takes topic orders over, with its group, while audit goes on. Both have 20 records.
func (r *regions) switched(disk string) (d *daemon.Daemon, stop func()) {
	r.Helper()
	d, _, stop = r.runOn(disk, westEast)
	r.at("billing", 12)
	r.failTo(d, failover.Order{Who: "tester", Scope: failover.Scope{Groups: []string{"billing"}, Topics: []string{"orders"}}})
	return d, stop
}

// fenced asserts that nothing of orders is copied, while what was written to audit after it is.
func (r *regions) fenced(audit int64) {
	r.Helper()
	for range 5 {
		r.writes(r.west, "orders", 1)
		r.writes(r.west, "audit", 1)
		r.ends(r.east, "audit", 0, audit-4)
		r.ends(r.east, "orders", 0, 20)
		audit++
	}
}

// A person deletes leftoff-state. What changed hands stays so, the log is made anew from what this machine knows, and the way back is
// where it was.
func TestStateTopicIsDeleted(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	disk := t.TempDir()
	d, stop := r.switched(disk)
	r.fenced(25)
	if got, err := kadm.NewClient(r.there).DeleteTopics(t.Context(), failover.Topic); errors.Join(err, got.Error()) != nil {
		t.Fatal(err, got.Error())
	}
	r.kept(`"switched"`, "the log had lost it")
	r.fenced(30)
	stop()
	d, _, _ = r.runOn(disk, westEast)
	r.fenced(35)
	verb := api.FailoverReturn
	r.until("the way home", func() error {
		a, err := d.Failover(context.Background(), api.FailoverOrder{Verb: verb, Order: failover.Order{Who: "tester", Choice: failover.Discard}})
		if err != nil {
			return err
		}
		if verb = api.FailoverAdvance; a.State.Step != failover.AtHome {
			return errors.New(strings.Join(append(a.Waits, string(a.State.Step)), "; "))
		}
		return nil
	})
}

// A leftoff that starts and may not read leftoff-state keeps away from what it knows to have changed hands.
func TestStateTopicMayNotBeRead(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	disk := t.TempDir()
	_, stop := r.switched(disk)
	stop()
	r.east.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: failover.Topic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	d, _, _ := r.runOn(disk, westEast)
	r.fenced(25)
	problems := func() string {
		all, err := d.Snapshots(context.Background(), false)
		if err != nil || len(all) != 1 {
			return ""
		}
		return strings.Join(all[0].Problems, "; ")
	}
	r.until("status says so", func() error {
		if said := problems(); !strings.Contains(said, "missing on topic leftoff-state of the secondary") {
			return errors.New(said)
		}
		return nil
	})
}

// Somebody mixed the clusters up, and the machine is a new one, whose disk knows neither: what is kept on what is called the primary now does.
func TestClustersSwappedOnAnEmptyDisk(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	_, _, stop := r.run("west-east")
	r.at("billing", 12)
	r.kept(`"orders"`)
	stop()
	r.commit(kadm.NewClient(r.there), "billing", 3)
	before := len(groupsOf(t, r, r.west))
	_, ended, _ := r.runOn(t.TempDir(), "west-east, primary: east, secondary: west")
	select {
	case err := <-ended:
		if !errors.Is(err, daemon.ErrRefused) || !strings.Contains(err.Error(), "the other way round") {
			t.Fatalf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it runs")
	}
	if o, err := kadm.NewClient(r.client(r.west)).FetchOffsets(t.Context(), "billing"); err != nil || before != len(groupsOf(t, r, r.west)) {
		t.Error(err)
	} else if at, ok := o.Lookup("orders", 0); !ok || at.At != 12 {
		t.Errorf("billing was set to %+v on the real primary", at)
	}
}

func groupsOf(t *testing.T, r *regions, at *region.Region) []string {
	t.Helper()
	all, err := kadm.NewClient(r.client(at)).ListGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all.Groups()
}
