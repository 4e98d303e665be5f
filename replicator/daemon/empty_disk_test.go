package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/failover"
)

// regions are two in memory: topics orders, which group billing reads, and audit, which nobody does.
type regions struct {
	*testing.T
	west, east *region.Region
	there      *kgo.Client
}

func startRegions(t *testing.T) *regions {
	r := &regions{T: t}
	for name, of := range map[string]**region.Region{"west": &r.west, "east": &r.east} {
		started, err := region.Start(region.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(started.Close)
		*of = started
	}
	here := r.client(r.west)
	for _, topic := range []string{"orders", "audit"} {
		if _, err := kadm.NewClient(here).CreateTopic(t.Context(), 1, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			if err := here.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: "orders", At: 12, LeaderEpoch: -1})
	if err := kadm.NewClient(here).CommitAllOffsets(t.Context(), "billing", o); err != nil {
		t.Fatal(err)
	}
	r.there = r.client(r.east)
	return r
}

func (r *regions) client(of *region.Region) *kgo.Client {
	r.Helper()
	c, err := kgo.NewClient(of.KgoOpts()...)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(c.Close)
	return c
}

// run runs a link on an empty disk until stop, which says how it ended.
func (r *regions) run(name string) (d *daemon.Daemon, ended <-chan error, stop func()) {
	r.Helper()
	return r.runOn(r.TempDir(), name+", primary: west, secondary: east")
}

// runOn is run of a link on a disk that may know something.
func (r *regions) runOn(disk, link string) (d *daemon.Daemon, ended <-chan error, stop func()) {
	r.Helper()
	text := fmt.Sprintf("clusters:\n  west: {brokers: [%q]}\n  east: {brokers: [%q]}\nlinks:\n  - {name: %s, mapping: mirror}\ndata_dir: %q\nhttp: none\n",
		r.west.Bootstrap()[0], r.east.Bootstrap()[0], link, disk)
	cfg, err := configs.Parse([]byte(text), "", configs.System())
	if err != nil {
		r.Fatal(err)
	}
	links, err := daemon.FromConfig(cfg)
	if err != nil {
		r.Fatal(err)
	}
	d = daemon.New(daemon.Options{Links: links})
	ctx, cancel := context.WithCancel(context.Background())
	over, done := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(over)
		done <- d.Run(ctx)
	}()
	stop = func() { cancel(); <-over }
	r.Cleanup(stop)
	return d, done, stop
}

// until waits for something to be so.
func (r *regions) until(what string, so func() error) {
	r.Helper()
	deadline, tick := time.NewTimer(time.Minute), time.NewTicker(50*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for err := so(); err != nil; err = so() {
		select {
		case <-tick.C:
		case <-deadline.C:
			r.Fatalf("%s: %v", what, err)
		}
	}
}

// failTo takes a failover to its end.
func (r *regions) failTo(d *daemon.Daemon, o failover.Order) (a api.FailoverAnswer) {
	r.Helper()
	verb := api.FailoverBegin
	r.until("the failover", func() (err error) {
		if a, err = d.Failover(context.Background(), api.FailoverOrder{Verb: verb, Order: o}); err != nil {
			return err
		}
		if verb = api.FailoverAdvance; !a.State.Over() {
			return fmt.Errorf("at %s: %q", a.State.Step, a.Waits)
		}
		return nil
	})
	return a
}

// kept waits until leftoff-state speaks of all of these.
func (r *regions) kept(words ...string) {
	r.Helper()
	c, err := kgo.NewClient(append(r.east.KgoOpts(), kgo.ConsumeTopics(failover.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50*time.Millisecond), kgo.MetadataMaxAge(200*time.Millisecond))...)
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for said := ""; ; {
		missing := ""
		for _, word := range words {
			if !strings.Contains(said, word) {
				missing = word
			}
		}
		if missing == "" {
			return
		}
		got := c.PollFetches(ctx)
		if ctx.Err() != nil {
			r.Fatalf("%s is not in %q: %v", missing, said, got.Err())
		}
		got.EachRecord(func(k *kgo.Record) { said += string(k.Value) })
	}
}

// Issue 6, scenario 3: the primary and leftoff's machine are both gone, before anything was ever failed over. What is kept on the secondary
// says which primary it was, and which topics are to be switched: one that no group reads, too.
func TestEmptyDiskWithoutAPrimary(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	_, _, stop := r.run("west-east")
	r.kept(`"orders"`, `"audit"`)
	r.until("billing on the secondary", func() error {
		all, err := kadm.NewClient(r.there).FetchOffsets(context.Background(), "billing")
		if o, ok := all.Lookup("orders", 0); err != nil || !ok || o.At != 12 {
			return fmt.Errorf("%v %+v", err, o)
		}
		return nil
	})
	stop()
	r.west.Close()

	d, _, _ := r.run("west-east")
	a := r.failTo(d, failover.Order{Unplanned: true, Who: "tester"})
	var names []string
	for _, topic := range a.State.Topics {
		names = append(names, topic.Topic)
		if len(topic.Marks) != 1 || topic.Marks[0].Secondary != 20 || !topic.Fenced {
			t.Errorf("%+v", topic)
		}
	}
	if strings.Join(names, " ") != "audit orders" || len(a.State.Notes) != 0 || len(a.State.Groups) != 1 {
		t.Errorf("switched %q, groups %+v, notes %q", names, a.State.Groups, a.State.Notes)
	}
}

// A link that was failed over and then given another name does not start: it would copy into what was switched. Under its own name it goes on.
func TestRenamedLinkIsRefused(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d, _, stop := r.run("west-east")
	r.failTo(d, failover.Order{Who: "tester"})
	stop()

	_, ended, _ := r.run("pacific")
	select {
	case err := <-ended:
		if !errors.Is(err, daemon.ErrRefused) || !strings.Contains(err.Error(), "west-east") || !strings.Contains(err.Error(), "audit, orders") || !strings.Contains(err.Error(), "Try: name the link west-east again") {
			t.Fatalf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it runs")
	}

	d, _, _ = r.run("west-east")
	r.until("what was handed over", func() error {
		all, err := d.Snapshots(context.Background(), true)
		if err != nil || len(all[0].Groups) != 1 || all[0].Groups[0].Verdict != "handed_over" {
			return fmt.Errorf("%v %+v", err, all)
		}
		return nil
	})
}
