package rig

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// produce writes n records and returns the last one's offset.
func produce(t *testing.T, cl *kgo.Client, topic string, n int) int64 {
	t.Helper()
	var last int64
	for range n {
		r, err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("v")}).First()
		if err != nil {
			t.Fatal(err)
		}
		last = r.Offset
	}
	return last
}

func TestOneBrokerKeepsItsRecordsAcrossKill(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{})
	cl := c.Client(t)
	c.CreateTopic(t, "orders", 1, nil)
	produce(t, cl, "orders", 10)

	c.Kill(t, 1)
	began := time.Now()
	c.Restart(t, 1)
	t.Logf("usable %.1fs after SIGKILL", time.Since(began).Seconds())
	if got := produce(t, cl, "orders", 1); got != 10 {
		t.Errorf("the record after the kill is at %d, want 10", got)
	}
	if c.CoordinatorOf(t, "anybody") != 1 {
		t.Error("one broker, and it does not coordinate")
	}
	id, err := c.Admin().BrokerMetadata(t.Context())
	if err != nil || id.Cluster != c.ID() {
		t.Errorf("cluster id %q, want %q (%v)", id.Cluster, c.ID(), err)
	}
}

func TestOlderKafka(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{Version: V39, Props: map[string]string{"offsets.topic.num.partitions": "3"}})
	c.CreateTopic(t, "orders", 2, map[string]string{"cleanup.policy": "compact"})
	produce(t, c.Client(t), "orders", 1)
	topics, err := c.Admin().ListTopicsWithInternal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(topics["__consumer_offsets"].Partitions); n != 3 {
		t.Errorf("__consumer_offsets has %d partitions, Props said 3", n)
	}
}

func TestPauseIsSilence(t *testing.T) {
	c, _ := Shared(t)
	// A broker that is paused briefly is no harm to others that share it.
	c.Pause(t, 1)
	if err := ping(shortly(t), c.Direct()[0]); err == nil {
		t.Error("a paused broker answered")
	}
	c.Resume(t, 1)
	if err := ping(t.Context(), c.Direct()[0]); err != nil {
		t.Error(err)
	}
}

func TestThreeBrokersLoseACoordinator(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.SkipNow()
	}
	c := Start(t, Options{Brokers: 3})
	c.CreateTopic(t, "orders", 3, nil)
	adm, group := c.Admin(), "payments"
	commit := func() {
		t.Helper()
		Eventually(t, startPatience, "commit", func() error { return commitOne(t, adm, group, "orders", 7) })
	}
	commit()
	victim := c.CoordinatorOf(t, group)
	c.Kill(t, victim)
	began := time.Now()
	c.WaitReady(t)
	t.Logf("coordinators moved within %.1fs", time.Since(began).Seconds())
	if now := c.CoordinatorOf(t, group); now == victim {
		t.Errorf("broker %d is dead and still coordinates", now)
	}
	Eventually(t, startPatience, "the commit", func() error {
		offsets, err := adm.FetchOffsets(t.Context(), group)
		if err != nil {
			return err // the client still asks the dead one
		}
		// A new coordinator answers what was committed up to its high
		// watermark, which lags behind its log at first: "no offset", no error.
		if o, ok := offsets.Lookup("orders", 0); !ok || o.At != 7 {
			t.Logf("not there yet: %+v", o)
			return fmt.Errorf("it is %+v", o)
		}
		return nil
	})
	commit()
	began = time.Now()
	c.Restart(t, victim)
	c.WaitInSync(t, "orders", 0)
	t.Logf("broker %d back in sync within %.1fs", victim, time.Since(began).Seconds())
}

func TestStoppedBrokerComesBack(t *testing.T) {
	RequireSoak(t)
	c := Start(t, Options{Brokers: 3})
	c.CreateTopic(t, "orders", 1, nil)
	for broker := 1; broker <= 3; broker++ {
		c.Stop(t, broker)
		c.WaitReady(t)
		if c.LeaderOf(t, "orders", 0) == broker {
			t.Errorf("broker %d leads after it was stopped", broker)
		}
		c.Restart(t, broker)
		c.WaitInSync(t, "orders", 0)
	}
}

func TestRecreatedTopicHasAnotherID(t *testing.T) {
	c, _ := Shared(t)
	topic := Name(t, "orders")
	c.CreateTopic(t, topic, 2, nil)
	c.DeleteTopic(t, topic)
	if err := c.knowsTopic(t.Context(), topic, 1); err == nil || !kerr.IsRetriable(err) {
		t.Errorf("after deletion: %v", err)
	}
	c.CreateTopic(t, topic, 1, nil)
}
