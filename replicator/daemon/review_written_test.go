package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

func (r *regions) produce(partition int32) {
	r.Helper()
	c, err := kgo.NewClient(append(r.east.KgoOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	if err := c.ProduceSync(r.Context(), &kgo.Record{Topic: "orders", Partition: partition, Value: []byte("theirs")}).FirstErr(); err != nil {
		r.Fatal(err)
	}
}

// The secondary's topic is given another partition after the switch, as its producers grow, and they write there.
func TestReviewWrittenToANewPartition(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d, _, _ := r.run("west-east")
	r.kept(`"orders"`)
	r.failTo(d, failover.Order{Who: "tester"})
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
	_, err := d.Failover(t.Context(), api.FailoverOrder{Verb: api.FailoverRollback, Order: failover.Order{Who: "tester"}})
	if !errors.Is(err, failover.ErrWritten) {
		t.Errorf("rolled back over what was written to orders/1: %v", err)
	}
}

// The secondary's topic is made anew after the switch, and producers write to it.
func TestReviewWrittenToATopicMadeAnew(t *testing.T) {
	t.Parallel()
	r := startRegions(t)
	d, _, _ := r.run("west-east")
	r.kept(`"orders"`)
	r.failTo(d, failover.Order{Who: "tester"})
	admin := kadm.NewClient(r.there)
	if _, err := admin.DeleteTopics(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	r.until("the new topic", func() error {
		_, err := admin.CreateTopic(context.Background(), 1, 1, nil, "orders")
		return err
	})
	r.produce(0)
	_, err := d.Failover(t.Context(), api.FailoverOrder{Verb: api.FailoverRollback, Order: failover.Order{Who: "tester"}})
	if !errors.Is(err, failover.ErrWritten) {
		t.Errorf("rolled back over what was written to the new orders/0: %v", err)
	}
}
