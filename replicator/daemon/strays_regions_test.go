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
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/failover"
)

// says waits until status names a problem with these words.
func (r *regions) says(d *daemon.Daemon, words string) {
	r.Helper()
	r.until(words, func() error {
		all, err := d.Snapshots(context.Background(), false)
		if err != nil || len(all) != 1 || !strings.Contains(strings.Join(all[0].Problems, "\n"), words) {
			return fmt.Errorf("%v %+v", err, all)
		}
		return nil
	})
}

// strays counts the problems of status that name the primary's forgotten producers.
func (r *regions) strays(d *daemon.Daemon) (n int) {
	r.Helper()
	all, err := d.Snapshots(context.Background(), false)
	if err != nil || len(all) != 1 {
		r.Fatal(err, all)
	}
	return strings.Count(strings.Join(all[0].Problems, "\n"), "where nobody follows")
}

// withEarly runs a link with a topic of five records that can't be made on the secondary.
func (r *regions) withEarly() *daemon.Daemon {
	r.Helper()
	r.east.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "early", Err: kerr.TopicAuthorizationFailed, Count: -1})
	if _, err := kadm.NewClient(r.client(r.west)).CreateTopic(r.Context(), 1, 1, nil, "early"); err != nil {
		r.Fatal(err)
	}
	r.writes(r.west, "early", 5)
	d, _, _ := r.run("west-east")
	r.at("billing", 12)
	r.says(d, "early")
	return d
}

// A producer that was forgotten on the primary shows in status, also where it came while no leftoff ran. A topic that ends with a marker shows nothing, and
// neither does what comes home.
func TestForgottenProducerShows(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	r.aborts("audit")
	disk := t.TempDir()
	d, _, stop := r.runOn(disk, westEast)
	r.at("billing", 12)
	r.failTo(d, failover.Order{Who: "tester"})
	r.writes(r.west, "orders", 3)
	r.says(d, "orders/0: 3 offsets were written on the primary since the failover switched it, where nobody follows. Try: stop its producers; leftoff failback lists what they wrote")
	stop()
	r.writes(r.west, "orders", 1)
	d, _, _ = r.runOn(disk, westEast)
	r.says(d, "orders/0: 4 offsets")
	if n := r.strays(d); n != 1 {
		t.Errorf("%d topics are said to be written on the primary", n)
	}
	r.writes(r.east, "audit", 2)
	r.comesHome(&daemonOf{FailingOver: d}, false)
	r.ends(r.west, "audit", 0, 24)
	if n := r.strays(d); n != 0 {
		t.Errorf("%d topics are said to be written on the primary when all is home", n)
	}
}

// After an unplanned failover the primary comes back with records that were never mirrored, which are no producer's. What it gets then is.
func TestPrimaryThatComesBackShowsGrowthAlone(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d := r.withEarly()
	r.failTo(d, failover.Order{Who: "tester", Unplanned: true})
	r.until("it shows", func() error { // what comes before its end was first asked for is not known to be news
		r.writes(r.west, "orders", 1)
		if r.strays(d) == 0 {
			return errors.New("it does not")
		}
		return nil
	})
	r.says(d, "orders/0: ")
	if n := r.strays(d); n != 1 {
		t.Errorf("%d topics are said to be written on the primary", n)
	}
}

// A topic with records that the secondary does not have keeps a planned failover waiting, from its first step on, until a person accepts that.
func TestTopicThatIsNotThereIsBehind(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d := r.withEarly()
	const want = "early: the secondary has no copy of this topic, and the primary has 5 offsets in 1 partitions of it"
	a, err := d.Failover(t.Context(), api.FailoverOrder{Verb: api.FailoverTry, Order: failover.Order{Who: "tester"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range a.Trial {
		if said := strings.Join(step.Finds, "\n"); (step.Step == failover.Preflight || step.Step == failover.Drain) && !strings.Contains(said, want) {
			t.Errorf("%s finds %q", step.Step, said)
		}
	}
	a = r.failTo(d, failover.Order{Who: "tester", Accept: true})
	if len(a.State.Notes) != 0 || !strings.Contains(fmt.Sprint(a.State.Accepted), want) {
		t.Errorf("notes %q, accepted %q", a.State.Notes, a.State.Accepted)
	}
}

// leftoff-state is deleted while records come home. The next failback asks a person before they come home once more; where the primary's log may
// not be read, it does not know.
func TestWayHomeThatWasForgotten(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d, _ := r.switched(t.TempDir())
	r.writes(r.east, "orders", 5)
	home := func(verb api.FailoverVerb, o failover.Order) (a api.FailoverAnswer) {
		r.Helper()
		o.Who = "tester"
		r.until("an answer", func() (err error) {
			a, err = d.Failover(context.Background(), api.FailoverOrder{Verb: verb, Order: o})
			return err
		})
		return a
	}
	home(api.FailoverReturn, failover.Order{})
	r.commit(kadm.NewClient(r.there), "billing", 22)
	west := kadm.NewClient(r.client(r.west))
	r.until("records are home, and the way is not at its end", func() error {
		a := home(api.FailoverAdvance, failover.Order{Accept: true})
		all, err := west.ListCommittedOffsets(context.Background(), "orders")
		if o, ok := all.Lookup("orders", 0); a.State.Over() || a.State.Step == failover.Settle || err == nil && ok && o.Offset == 25 && a.State.Step == failover.Return {
			return nil
		}
		return fmt.Errorf("at %s: %q", a.State.Step, a.Waits)
	})
	id := home(api.FailoverWhere, failover.Order{}).State.ID
	if got, err := kadm.NewClient(r.there).DeleteTopics(t.Context(), failover.Topic); errors.Join(err, got.Error()) != nil {
		t.Fatal(err, got.Error())
	}
	r.kept(`"switched"`, "the log had lost it")
	fault := r.west.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: failover.Topic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	if found := r.asksHome(d); len(found) != 1 || found[0] != (failover.Unmirrored{Topic: "orders", From: 20, To: 25}) {
		t.Errorf("without the right it finds %+v", found)
	}
	fault.Remove()
	a := home(api.FailoverAdvance, failover.Order{Choice: failover.Discard})
	if a.State.Step != failover.Diverge || !a.Needs || len(a.Waits) != 1 || !strings.Contains(a.Waits[0], "an earlier way home ("+id+") is not in leftoff-state any more") {
		t.Fatalf("%+v, waits %q", a.State, a.Waits)
	}
	if a = home(api.FailoverAdvance, failover.Order{Choice: failover.Discard, Accept: true}); a.State.Step != failover.Return {
		t.Errorf("accepted, it is at %s: %q", a.State.Step, a.Waits)
	}
}

// So it does over a mapping that has not found the topic on the secondary, and does not count its partitions.
func TestTopicThatNoMappingFoundIsBehind(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d, _, _ := r.runOn(t.TempDir(), westEast+", mapping: auto} #") // and not the mapping that stands behind it
	r.until("drain finds it", func() error {
		a, err := d.Failover(context.Background(), api.FailoverOrder{Verb: api.FailoverTry, Order: failover.Order{Who: "tester"}})
		if err != nil {
			return err
		}
		for _, step := range a.Trial {
			said := strings.Join(step.Finds, "\n")
			if step.Step == failover.Preflight && !strings.Contains(said, "billing: 1 offsets are held back, topic_missing: of their topics the secondary has no copy") ||
				step.Step == failover.Drain && !strings.Contains(said, "orders: the secondary has no copy of this topic, and the primary has 20 offsets in 1 partitions of it") {
				return fmt.Errorf("%s finds %q, says %q", step.Step, said, step.Says)
			}
		}
		return nil
	})
}
