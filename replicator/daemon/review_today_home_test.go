package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// asksHome takes a way home as far as it goes without a choice, and returns what a person has to choose about.
func (r *regions) asksHome(d api.FailingOver) (found []failover.Unmirrored) {
	r.Helper()
	verb := api.FailoverReturn
	r.until("what was never mirrored", func() error {
		a, err := d.Failover(context.Background(), api.FailoverOrder{Verb: verb, Order: failover.Order{Who: "tester"}})
		if err != nil {
			return err
		}
		if verb = api.FailoverAdvance; len(a.Diverged) == 0 && a.State.Step == failover.Diverge {
			return errors.New(strings.Join(a.Waits, "; "))
		}
		found = a.Diverged
		return nil
	})
	return found
}

// The primary's topic is made anew after the switch, and its producers write to it: none of that is on the secondary, be it less than was mirrored
// of the other one, or more.
func TestReviewTodayPrimaryTopicMadeAnew(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 25} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			r := startRegions(t)
			d, _ := r.switched(t.TempDir())
			here := kadm.NewClient(r.client(r.west))
			if got, err := here.DeleteTopics(t.Context(), "orders"); errors.Join(err, got.Error()) != nil {
				t.Fatal(err, got.Error())
			}
			if _, err := here.CreateTopic(t.Context(), 1, 1, nil, "orders"); err != nil {
				t.Fatal(err)
			}
			r.writes(r.west, "orders", n)
			if found := r.asksHome(d); len(found) != 1 || found[0] != (failover.Unmirrored{Topic: "orders", From: 0, To: int64(n)}) {
				t.Fatalf("diverged %+v, want all %d of orders", found, n)
			}
			r.comesHome(&daemonOf{FailingOver: d}, false)
			r.ends(r.west, "orders", 0, int64(n)+20)
			r.writes(r.west, "orders", 1)
			r.ends(r.east, "orders", 0, 21)
		})
	}
}

// A topic that could not be made on the secondary changes hands with the others. It has nothing to come home, and keeps nothing from coming.
func TestReviewTodayTopicThatWasNeverThere(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	r.east.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "early", Err: kerr.TopicAuthorizationFailed, Count: -1})
	if _, err := kadm.NewClient(r.client(r.west)).CreateTopic(t.Context(), 1, 1, nil, "early"); err != nil {
		t.Fatal(err)
	}
	d, _, _ := r.run("west-east")
	r.at("billing", 12)
	r.until("it is known", func() error {
		all, err := d.Snapshots(context.Background(), false)
		if err != nil || len(all) != 1 || !strings.Contains(strings.Join(all[0].Problems, "; "), "early") {
			return fmt.Errorf("%v %+v", err, all)
		}
		return nil
	})
	a := r.failTo(d, failover.Order{Who: "tester"})
	if len(a.State.Topics) != 3 {
		t.Fatalf("switched %+v", a.State.Topics)
	}
	r.comesHome(&daemonOf{FailingOver: d}, false)
}

// leftoff-state is deleted under a leftoff that runs. Who groups belong to is told there again, and not only with the next start: the disk may be
// lost before that, and the group would be written again.
func TestReviewTodayVerdictsOutliveTheLog(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d, _, stop := r.run("west-east")
	r.at("billing", 12)
	r.failTo(d, failover.Order{Who: "tester", Scope: failover.Scope{Groups: []string{"billing"}}}) // no topic changes hands
	if got, err := kadm.NewClient(r.there).DeleteTopics(t.Context(), failover.Topic); errors.Join(err, got.Error()) != nil {
		t.Fatal(err, got.Error())
	}
	r.kept(`"orders"`, `"handed_over"`)
	stop()
	d, _, _ = r.run("west-east")
	r.verdict(d, "billing", "handed_over")
}
