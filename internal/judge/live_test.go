package judge

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func cluster(t *testing.T) (*kfake.Cluster, Cluster) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, At(c.ListenAddrs()...)
}

func produce(t *testing.T, c Cluster, opts []kgo.Opt, records ...*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func numbered(topic string, from, to int) []*kgo.Record {
	var records []*kgo.Record
	for i := from; i < to; i++ {
		records = append(records, &kgo.Record{Topic: topic, Partition: int32(i % 2), Key: fmt.Append(nil, i), Value: []byte("v"),
			Timestamp: epoch.Add(time.Duration(i) * time.Millisecond)})
	}
	return records
}

// TestCompareTransactional: the primary ends in an aborted batch, which a consumer of kgo would wait on for ever.
func TestCompareTransactional(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	pk, primary := cluster(t)
	sk, secondary := cluster(t)
	for _, c := range []*kfake.Cluster{pk, sk} {
		if err := c.CreateTopic("orders", 2, nil); err != nil {
			t.Fatal(err)
		}
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(primary.Brokers...), kgo.TransactionalID("x"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range 3 {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(ctx, numbered("orders", i*10, i*10+10)...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(ctx, kgo.TransactionEndTry(i < 2)); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, secondary, nil, numbered("orders", 0, 20)...)
	c, err := Compare(ctx, primary, secondary, "orders", "orders", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Total(); s.Primary != 20 || s.Mirrored != 20 || s.Foreign != 0 || s.Duplicates != 0 {
		t.Fatalf("%+v", s)
	}
	// 5 records, marker, 5 records, marker, 5 aborted, marker on each partition.
	for u, want := range map[int64]int64{0: 0, 4: 4, 5: 5, 6: 5, 7: 6, 11: 10, 18: 10} {
		if got := c.T(0, u); got != want {
			t.Errorf("T(%d) = %d, want %d", u, got, want)
		}
	}
}

func TestWatchFollowsBothSides(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	pk, primary := cluster(t)
	sk, secondary := cluster(t)
	h, err := Watch(ctx, primary, secondary) // before the topic is there
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, c := range []*kfake.Cluster{pk, sk} {
		if err := c.CreateTopic(offsetsTopic, 4, nil); err != nil {
			t.Fatal(err)
		}
	}
	write := func(c Cluster, opts []kgo.Opt, offset int64) {
		produce(t, c, opts, &kgo.Record{Topic: offsetsTopic, Partition: 3, Key: commitKey(k), Value: foreignValue(0, offset, 1)})
	}
	write(primary, nil, 10)
	write(secondary, nil, 5)
	if err := h.CaughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	pk.ShufflePartitionLeaders()
	write(primary, nil, 11)
	if err := h.CaughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	if v, ok := h.Primary.Value(k); !ok || v.Offset != 11 {
		t.Fatalf("primary: %v", v)
	}
	if v, ok := h.Secondary.Value(k); !ok || v.Offset != 5 {
		t.Fatalf("secondary: %v", v)
	}
	if n := len(h.Primary.Writes()); n != 2 {
		t.Fatalf("%d writes on the primary, want 2", n)
	}
}

func BenchmarkCompare(b *testing.B) {
	left := &side{bounds: bounds{0, 1_000_000}}
	for i := range int64(1_000_000) {
		left.records = append(left.records, record{offset: i, print: number(i * 0x9E3779B97F4A7C)})
	}
	for b.Loop() {
		if _, err := pair(left, left, Options{}, 0); err != nil {
			b.Fatal(err)
		}
	}
}
