package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// writes appends n records to a topic.
func (r *regions) writes(to *region.Region, topic string, n int) {
	r.Helper()
	c, err := kgo.NewClient(append(to.KgoOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	for i := range n {
		if err := c.ProduceSync(r.Context(), &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%s of %p, %d", topic, c, i)}).FirstErr(); err != nil {
			r.Fatal(err)
		}
	}
}

// aborts writes one record of a transaction to the primary, and aborts it: two offsets.
func (r *regions) aborts(topic string) {
	r.Helper()
	c, err := kgo.NewClient(append(r.west.KgoOpts(), kgo.TransactionalID("t"), kgo.DefaultProduceTopic(topic))...)
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	err = c.BeginTransaction()
	if err == nil {
		err = c.ProduceSync(r.Context(), &kgo.Record{Value: []byte("aborted")}).FirstErr()
	}
	if err = errors.Join(err, c.EndTransaction(r.Context(), kgo.TryAbort)); err != nil {
		r.Fatal(err)
	}
}

// ends waits until a topic ends at an offset, and wants it to stay there.
func (r *regions) ends(at *region.Region, topic string, partition int32, want int64) {
	r.Helper()
	admin := kadm.NewClient(r.client(at))
	r.until(topic, func() error {
		all, err := admin.ListCommittedOffsets(context.Background(), topic)
		if o, ok := all.Lookup(topic, partition); err != nil || !ok || o.Offset < want {
			return fmt.Errorf("%v, ends at %d, want %d", err, o.Offset, want)
		}
		return nil
	})
	all, err := admin.ListCommittedOffsets(r.Context(), topic)
	if o, _ := all.Lookup(topic, partition); err != nil || o.Offset != want {
		r.Errorf("%s/%d ends at %d, want %d (%v)", topic, partition, o.Offset, want, err)
	}
}

// comesHome takes a way home to its end. At each step leftoff's machine is lost, where anew says so.
func (r *regions) comesHome(d *daemonOf, anew bool) {
	r.Helper()
	verb, step := api.FailoverReturn, failover.Diverge
	r.until("the way home", func() error {
		a, err := d.Failover(context.Background(), api.FailoverOrder{Verb: verb, Order: failover.Order{Who: "tester", Choice: failover.Discard, Accept: true}})
		if err != nil {
			return err
		}
		verb = api.FailoverAdvance
		if a.State.Over() && a.State.Home != nil {
			return nil
		}
		if anew && a.State.Step != step {
			step = a.State.Step
			d.stop()
			*d = *r.startOf()
		}
		return fmt.Errorf("at %s: %q", a.State.Step, a.Waits)
	})
}

// daemonOf is a daemon on a disk of its own.
type daemonOf struct {
	api.FailingOver
	stop func()
}

func (r *regions) startOf() *daemonOf {
	d, _, stop := r.run("west-east")
	return &daemonOf{d, stop}
}

// Leftoff's machine is lost at every step of a way home, and after it. Orders got nothing on the secondary, and audit did; both have records that
// only the primary has, behind an aborted one, and are to stay there. Orders was given another
// partition meanwhile.
func TestReviewWayHomeOnEmptyDisks(t *testing.T) {
	t.Parallel()
	for _, anew := range []bool{false, true} {
		t.Run(fmt.Sprint("lost at every step: ", anew), func(t *testing.T) {
			t.Parallel()
			r := startRegions(t)
			d, _, stop := r.run("west-east")
			r.kept(`"orders"`, `"audit"`)
			r.failTo(d, failover.Order{Who: "tester"})
			for _, topic := range []string{"orders", "audit"} {
				r.aborts(topic)
				r.writes(r.west, topic, 3)
			}
			r.writes(r.east, "audit", 2)
			if _, err := kadm.NewClient(r.there).UpdatePartitions(t.Context(), 2, "orders"); err != nil {
				t.Fatal(err)
			}
			r.until("the new partition", func() error {
				all, err := kadm.NewClient(r.there).ListTopics(context.Background(), "orders")
				if err != nil || len(all["orders"].Partitions) != 2 {
					return fmt.Errorf("%v %v", err, all)
				}
				return nil
			})
			r.produce(1)
			home := &daemonOf{d, stop}
			r.comesHome(home, anew)
			home.stop()
			r.ends(r.west, "orders", 0, 25)
			r.ends(r.west, "audit", 0, 27)
			r.ends(r.west, "orders", 1, 1)

			r.startOf() // and once more, after it
			for _, topic := range []string{"orders", "audit"} {
				r.writes(r.west, topic, 1)
			}
			r.ends(r.east, "orders", 0, 21)
			r.ends(r.east, "audit", 0, 23)
			r.until("billing goes on", func() error {
				o := kadm.Offsets{}
				o.Add(kadm.Offset{Topic: "orders", At: 26, LeaderEpoch: -1})
				if err := kadm.NewClient(r.client(r.west)).CommitAllOffsets(context.Background(), "billing", o); err != nil {
					return err
				}
				all, err := kadm.NewClient(r.there).FetchOffsets(context.Background(), "billing")
				if at, ok := all.Lookup("orders", 0); err != nil || !ok || at.At != 21 {
					return fmt.Errorf("%v %+v", err, at)
				}
				return nil
			})
			r.ends(r.east, "orders", 0, 21)
			r.ends(r.east, "audit", 0, 23)
			r.ends(r.east, "orders", 1, 1)
		})
	}
}
