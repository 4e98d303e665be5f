package identity

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

const patience = 30 * time.Second

// side is one embedded cluster, with a writer that is not under test.
type side struct {
	k  *kfake.Cluster
	c  *kafka.Cluster
	cl *kgo.Client
}

func newSide(t *testing.T, name string) *side {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("w"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	c := kafka.Open(kafka.Config{Name: name, Brokers: k.ListenAddrs()}, nil)
	t.Cleanup(func() { c.Close() })
	return &side{k: k, c: c, cl: cl}
}

// write produces records from to to−1 in one transaction, which takes one offset more.
func (s *side) write(t *testing.T, from, to int, commit bool) {
	t.Helper()
	if err := s.cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	var rs []*kgo.Record
	for i := from; i < to; i++ {
		rs = append(rs, &kgo.Record{Topic: "orders", Partition: 1, Key: fmt.Append(nil, i), Value: []byte("v"), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i)),
			Headers: []kgo.RecordHeader{{Key: "h", Value: nil}}})
	}
	if err := s.cl.ProduceSync(t.Context(), rs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := s.cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
		t.Fatal(err)
	}
}

// The source over real protocol: markers and aborted batches, the tip, the log start, and a copy that goes wrong.
func TestOverTheWire(t *testing.T) {
	a, b := newSide(t, "west"), newSide(t, "east")
	for _, s := range []*side{a, b} {
		s.write(t, 0, 100, true)
		s.write(t, 100, 120, false)
		s.write(t, 120, 200, true)
	}
	s := New(Options{Primary: a.c, Secondary: b.c, Name: func(n string) (string, bool) { return n, n == "orders" }, Refresh: 200 * time.Millisecond, Retry: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	}()
	want := func(u, offset int64, c translate.Confidence, why replicator.Reason) time.Duration {
		t.Helper()
		begin, last := time.Now(), ""
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for time.Since(begin) < patience {
			m := s.Forward("orders", [16]byte{}, 1, u)
			if m.Reason == why && m.Position.Offset == offset && m.Position.Confidence == c {
				return time.Since(begin)
			}
			last = fmt.Sprintf("%+v", m)
			s.Want("orders", 1, u)
			<-tick.C
		}
		t.Fatalf("%d is answered %s, want %d %v %v", u, last, offset, c, why)
		return 0
	}
	for _, u := range []int64{0, 100, 110, 203} {
		want(u, u, translate.Exact, replicator.NoReason)
	}
	a.write(t, 200, 300, true)
	want(304, 203, translate.Behind, replicator.NoReason)
	b.write(t, 200, 300, true)
	t.Logf("exact %v after the copy was readable", want(304, 304, translate.Exact, replicator.NoReason))

	if _, err := kadm.NewClient(b.cl).DeleteRecords(t.Context(), kadm.Offsets{"orders": {1: {Topic: "orders", Partition: 1, At: 50}}}); err != nil {
		t.Fatal(err)
	}
	want(10, 50, translate.Exact, replicator.NoReason)
	b.write(t, 900, 901, true) // somebody else's
	want(10, 0, translate.Unmapped, replicator.SourceDegraded)
	a.write(t, 300, 310, true)
	want(10, 0, translate.Unmapped, replicator.SourceDegraded)
	if st := s.State(); len(st.Problems) != 1 || st.Empty != 1 {
		t.Errorf("state %+v", st)
	}
}
