package kafka

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Under fake time: ten minutes of producing, fetching and committing over a virtual network take no time at all, which also says that nothing waits
// on a lock while it should wait on time.
func TestFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(kfake.VirtualNetwork)
		k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.ListenFn(network.Listen))
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		c := Open(Config{Brokers: k.ListenAddrs(), Dial: func(ctx context.Context, n, addr string) (net.Conn, error) { return network.DialContext(ctx, n, addr) }}, nil)
		defer c.Close()
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
