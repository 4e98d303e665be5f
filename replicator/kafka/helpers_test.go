package kafka

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/leftoff/leftoff/internal/rig"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// fake starts an embedded cluster with topic t of the given partitions. The test fails if goroutines outlive it.
func fake(t *testing.T, partitions int32, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, ignore, rig.IgnoreFake()) })
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(partitions, "t")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// open opens the cluster under test, with timeouts for a loopback.
func open(t *testing.T, addrs []string, change ...func(*Config)) *Cluster {
	t.Helper()
	cfg := Config{Name: "west", Brokers: addrs, DialTimeout: 2 * time.Second, RequestTimeout: 2 * time.Second, RetryFor: patience}
	for _, f := range change {
		f(&cfg)
	}
	c := Open(cfg, nil)
	t.Cleanup(func() { c.Close() })
	return c
}

// writer is a producer that is not under test: it keeps partitions as given.
func writer(t *testing.T, addrs []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(50 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// write produces n records to a partition and returns when they are there.
func write(t *testing.T, cl *kgo.Client, tp TopicPartition, from, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var records []*kgo.Record
	for i := from; i < from+n; i++ {
		records = append(records, &kgo.Record{Topic: tp.Topic, Partition: tp.Partition, Key: fmt.Appendf(nil, "%v %d", tp, i), Value: fmt.Appendf(nil, "value %d", i)})
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatalf("write %v: %v", tp, err)
	}
}

// eventually waits until holds returns nil.
func eventually(t *testing.T, what string, holds func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func tps(topic string, n int32) []TopicPartition {
	out := make([]TopicPartition, n)
	for i := range out {
		out[i] = TopicPartition{topic, int32(i)}
	}
	return out
}
