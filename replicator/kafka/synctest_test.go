package kafka

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// faked runs a test under fake time, against a cluster on a virtual network.
func faked(t *testing.T, test func(t *testing.T, k *kfake.Cluster, c *Cluster), change ...func(*Config)) {
	synctest.Test(t, func(t *testing.T) {
		network := new(kfake.VirtualNetwork)
		k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.ListenFn(network.Listen))
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		cfg := Config{Brokers: k.ListenAddrs(), Dial: func(ctx context.Context, n, addr string) (net.Conn, error) { return network.DialContext(ctx, n, addr) }}
		for _, f := range change {
			f(&cfg)
		}
		c := Open(cfg, nil)
		defer c.Close()
		test(t, k, c)
	})
}

// Ten minutes of producing, fetching and committing take no time at all, which also says that nothing waits on a lock while it
// should wait on time.
func TestFakeTime(t *testing.T) {
	faked(t, func(t *testing.T, _ *kfake.Cluster, c *Cluster) {
		id, err := c.InitProducer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p := c.NewProducer(ProducerOptions{})
		defer p.Close()
		m := c.NewCommitter(CommitterOptions{})
		defer m.Close()
		r := read(t, c, FetchOptions{})
		defer r.f.Close()
		tp := TopicPartition{"t", 0}
		r.assign(tp, 0)
		for minute := range 10 {
			time.Sleep(time.Minute)
			done := make(chan ProduceResult)
			p.Produce(tp, batchOf(id, tp, 10*minute, 10), func(r ProduceResult) { done <- r })
			if got := <-done; got.Err != nil {
				t.Fatal(got.Err)
			}
			r.until(map[TopicPartition]int64{tp: int64(10*minute + 10)})
			m.mustCommit(t, "g", commits("t", int64(minute)))
		}
	})
}

// A topic that was just created may be denied for a while; one that is not there fails the partition.
func TestFetcherUnknownTopicFailsAfterGrace(t *testing.T) {
	faked(t, func(t *testing.T, k *kfake.Cluster, c *Cluster) {
		f := c.NewFetcher(FetchOptions{})
		defer f.Close()
		late, never := TopicPartition{"late", 0}, TopicPartition{"never", 0}
		f.Assign(late, 0)
		f.Assign(never, 0)
		start := time.Now()
		time.Sleep(graceUnknown / 2)
		if err := k.CreateTopic("late", 1, nil); err != nil {
			t.Fatal(err)
		}
		for failed := false; !failed; {
			some, err := f.Poll(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range some {
				failed = failed || s.Err != nil
				if s.Err != nil && s.TopicPartition != never {
					t.Fatal(s.Err)
				}
			}
		}
		if took := time.Since(start); took < graceUnknown || took > graceUnknown+2*lastWait {
			t.Errorf("gave up after %v", took)
		}
	})
}

// Connections that nobody uses are closed, and one that died unnoticed is replaced without an error.
func TestIdleConnections(t *testing.T) {
	var mu sync.Mutex
	var dialled []net.Conn
	remember := func(cfg *Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			conn, err := dial(ctx, n, addr)
			mu.Lock()
			defer mu.Unlock()
			dialled = append(dialled, conn)
			return conn, err
		}
	}
	faked(t, func(t *testing.T, _ *kfake.Cluster, c *Cluster) {
		ask := func(connections int) {
			t.Helper()
			if _, err := c.ClusterID(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(dialled) != connections {
				t.Fatalf("%d connections, want %d", len(dialled), connections)
			}
		}
		ask(1)
		ask(1)
		dialled[0].Close()
		ask(2)
		time.Sleep(2 * idleFor)
		ask(3)
		if _, err := dialled[1].Write([]byte{0}); err == nil {
			t.Error("still open")
		}
	}, remember)
}
