package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/failover"
)

func (r *regions) idOf(of *region.Region) string {
	r.Helper()
	m, err := kadm.NewClient(r.client(of)).BrokerMetadata(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return m.Cluster
}

// Two leftoffs, one in each region, whose links have one name and go both ways: both have run before, and go on, also on an empty disk.
func TestReviewTodayOneNameBothWays(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	_, _, stop := r.run("west-east")
	r.at("billing", 12)
	r.kept(`"orders"`)
	stop()
	back, err := json.Marshal(failover.Event{Kind: failover.Listed, Link: failover.LinkID("west-east", r.idOf(r.east), r.idOf(r.west)), Topics: []string{"theirs"}})
	if err != nil {
		t.Fatal(err)
	}
	west := r.client(r.west)
	if _, err := kadm.NewClient(west).CreateTopic(t.Context(), 1, 1, nil, failover.Topic); err != nil {
		t.Fatal(err)
	}
	if err := west.ProduceSync(t.Context(), &kgo.Record{Topic: failover.Topic, Value: back}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	r.run("west-east")
	r.commit(kadm.NewClient(west), "billing", 15)
	r.at("billing", 15)
}

// The clusters were mixed up on a new machine, and what is called the primary can't say so right away: nothing is done until it can.
func TestReviewTodaySwappedAndNotTold(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	_, _, stop := r.run("west-east")
	r.at("billing", 12)
	r.kept(`"orders"`)
	stop()
	r.writes(r.east, "orders", 5)
	fault := r.east.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: failover.Topic, Err: kerr.InvalidRequest, Count: -1})
	d, ended, _ := r.runOn(t.TempDir(), "west-east, primary: east, secondary: west")
	r.until("it says what it waits for", func() error {
		all, err := d.Snapshots(context.Background(), false)
		if err != nil || len(all) != 1 || !strings.Contains(strings.Join(all[0].Problems, "; "), "whether the link went the other way once") {
			return fmt.Errorf("%v %+v", err, all)
		}
		return nil
	})
	fault.Remove()
	select {
	case err := <-ended:
		if !errors.Is(err, daemon.ErrRefused) || !strings.Contains(err.Error(), "the other way round") {
			t.Fatalf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it runs")
	}
	r.ends(r.west, "orders", 0, 20)
}
