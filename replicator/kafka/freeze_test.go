package kafka

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// freezer stands between the client and its brokers and can stop passing anything on, as a broker under SIGSTOP does: connections
// stay up, and new ones are accepted.
type freezer struct {
	mu     sync.Mutex
	thaw   chan struct{} // nil while not frozen
	frozen func(addr string) bool
	wg     sync.WaitGroup
	end    chan struct{}
}

func freezing(t *testing.T) *freezer {
	z := &freezer{end: make(chan struct{})}
	t.Cleanup(func() { close(z.end); z.wg.Wait() })
	return z
}

// freeze stops the brokers at the addresses that which names; the returned function undoes it.
func (z *freezer) freeze(which func(addr string) bool) (undo func()) {
	z.mu.Lock()
	defer z.mu.Unlock()
	thaw := make(chan struct{})
	z.thaw, z.frozen = thaw, which
	return func() {
		z.mu.Lock()
		defer z.mu.Unlock()
		z.thaw = nil
		close(thaw)
	}
}

func (z *freezer) pass(addr string) bool {
	z.mu.Lock()
	thaw := z.thaw
	if thaw != nil && !z.frozen(addr) {
		thaw = nil
	}
	z.mu.Unlock()
	if thaw == nil {
		return true
	}
	select {
	case <-thaw:
		return true
	case <-z.end:
		return false
	}
}

func (z *freezer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	broker, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	z.wg.Go(func() { z.copy(addr, broker, far) })
	z.wg.Go(func() { z.copy(addr, far, broker) })
	return near, nil
}

func (z *freezer) copy(addr string, to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !z.pass(addr) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func everyBroker(string) bool { return true }

// Whatever is asked of brokers that do not answer ends with its context.
func TestCallsEndWithTheirContext(t *testing.T) {
	k := fake(t, 2)
	z := freezing(t)
	c := open(t, k.ListenAddrs(), func(c *Config) { c.Dial = z.dial; c.RequestTimeout = time.Hour; c.DialTimeout = time.Hour })
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	tp := TopicPartition{"t", 0}
	calls := map[string]func(context.Context) error{
		"ClusterID":   func(ctx context.Context) error { _, err := c.ClusterID(ctx); return err },
		"Topics":      func(ctx context.Context) error { _, err := c.Topics(ctx, nil); return err },
		"ListOffsets": func(ctx context.Context) error { _, err := c.ListOffsets(ctx, Latest, tps("t", 2)); return err },
		"FetchOne":    func(ctx context.Context) error { _, err := c.FetchOne(ctx, tp, 0, 1); return err },
		"Commit":      func(ctx context.Context) error { _, err := m.Commit(ctx, "g", time.Hour, commits("t", 1)); return err },
		"FetchOffsets": func(ctx context.Context) error {
			_, err := c.FetchOffsets(ctx, map[string][]TopicPartition{"g": nil})
			return err
		},
		"ListGroups":   func(ctx context.Context) error { _, err := c.ListGroups(ctx); return err },
		"InitProducer": func(ctx context.Context) error { _, err := c.InitProducer(ctx); return err },
	}
	for name, call := range calls { // warm connections and cold ones
		if err := call(within(t)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	undo := z.freeze(everyBroker)
	defer undo()
	for name, call := range calls {
		for _, again := range []string{"", " again"} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			start := time.Now()
			err := call(ctx)
			cancel()
			if took := time.Since(start); took > 2*time.Second || err == nil {
				t.Errorf("%s%s: %v after %v", name, again, err, took)
			}
			if class := Classify(err); class != Unreachable && class != Canceled {
				t.Errorf("%s%s: class %v: %v", name, again, class, err)
			}
		}
	}
}

// One broker that stands still does not keep the answers of the others.
func TestListOffsetsDoesNotWaitForAFrozenBroker(t *testing.T) {
	k := fake(t, 3)
	z := freezing(t)
	c := open(t, k.ListenAddrs(), func(c *Config) { c.Dial = z.dial; c.RequestTimeout = time.Hour; c.DialTimeout = 400 * time.Millisecond })
	for i := range int32(3) {
		if err := k.MoveTopicPartition("t", i, i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.ListOffsets(within(t), Latest, tps("t", 3)); err != nil {
		t.Fatal(err)
	}
	frozen := k.ListenAddrs()[1]
	undo := z.freeze(func(addr string) bool { return addr == frozen })
	defer undo()
	got, err := c.ListOffsets(t.Context(), Latest, tps("t", 3))
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	for tp, r := range got {
		if (r.Err != nil) != (tp.Partition == 1) {
			t.Errorf("%v: %+v", tp, r)
		}
	}
	says(t, got[TopicPartition{"t", 1}].Err, Unreachable)
}

// A broker that stands still loses its partitions to another; they go on there, and nothing is lost or doubled.
func TestFetcherLeavesAFrozenBroker(t *testing.T) {
	k := fake(t, 3)
	z := freezing(t)
	c := open(t, k.ListenAddrs(), func(c *Config) {
		c.Dial = z.dial
		c.RequestTimeout = 400 * time.Millisecond
		c.DialTimeout = 400 * time.Millisecond
	})
	w := writer(t, k.ListenAddrs())
	r := read(t, c, FetchOptions{MaxWait: 100 * time.Millisecond})
	ends := map[TopicPartition]int64{}
	for i, tp := range tps("t", 3) {
		if err := k.MoveTopicPartition("t", tp.Partition, int32(i)); err != nil {
			t.Fatal(err)
		}
		write(t, w, tp, 0, 10)
		ends[tp] = 10
		r.assign(tp, 0)
	}
	r.until(ends)
	frozen := k.ListenAddrs()[1]
	undo := z.freeze(func(addr string) bool { return addr == frozen })
	defer undo()
	if err := k.MoveTopicPartition("t", 1, 2); err != nil {
		t.Fatal(err)
	}
	for _, tp := range tps("t", 3) {
		write(t, w, tp, 10, 10)
		ends[tp] = 20
	}
	r.until(ends)
}

func TestProducerLeavesAFrozenBroker(t *testing.T) {
	k := fake(t, 1)
	z := freezing(t)
	c := open(t, k.ListenAddrs(), func(c *Config) {
		c.Dial = z.dial
		c.RequestTimeout = 400 * time.Millisecond
		c.DialTimeout = 400 * time.Millisecond
	})
	if err := k.MoveTopicPartition("t", 0, 1); err != nil {
		t.Fatal(err)
	}
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	tp := TopicPartition{"t", 0}
	var a answers
	p.Produce(tp, batchOf(id, tp, 0, 10), a.done(0))
	a.wait(t, 1)
	frozen := k.ListenAddrs()[1]
	undo := z.freeze(func(addr string) bool { return addr == frozen })
	defer undo()
	p.Produce(tp, batchOf(id, tp, 10, 10), a.done(1))
	if got, _ := a.wait(t, 2); Classify(got[1].Err) != Unreachable {
		t.Fatalf("%+v", got[1])
	}
	if err := k.MoveTopicPartition("t", 0, 2); err != nil {
		t.Fatal(err)
	}
	p.Produce(tp, batchOf(id, tp, 10, 10), a.done(2))
	if got, _ := a.wait(t, 3); got[2].Err != nil || got[2].BaseOffset != 10 {
		t.Fatalf("%+v", got[2])
	}
}

// Closing does not wait for brokers.
func TestCloseDoesNotWaitForFrozenBrokers(t *testing.T) {
	k := fake(t, 1)
	z := freezing(t)
	c := open(t, k.ListenAddrs(), func(c *Config) { c.Dial = z.dial; c.RequestTimeout = time.Hour; c.DialTimeout = time.Hour })
	r := read(t, c, FetchOptions{MaxWait: time.Minute})
	w := writer(t, k.ListenAddrs())
	tp := TopicPartition{"t", 0}
	write(t, w, tp, 0, 1)
	r.assign(tp, 0)
	r.until(map[TopicPartition]int64{tp: 1})
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{MaxInFlight: 1})
	undo := z.freeze(everyBroker)
	defer undo()
	var a answers
	for i := range 3 {
		p.Produce(tp, batchOf(id, tp, 1+i, 1), a.done(i))
	}
	start := time.Now()
	p.Close()
	r.f.Close()
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("closing took %v", took)
	}
	a.wait(t, 3)
}

// A long poll under way does not keep a partition waiting that is assigned or resumed meanwhile.
func TestAssignmentIsPrompt(t *testing.T) {
	k := fake(t, 4)
	w := writer(t, k.ListenAddrs())
	for _, tp := range tps("t", 4) {
		if err := k.MoveTopicPartition("t", tp.Partition, 0); err != nil {
			t.Fatal(err)
		}
		write(t, w, tp, 0, 1)
	}
	polls := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1})
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{MaxWait: time.Minute})
	all := tps("t", 4)
	r.assign(all[0], 0)
	r.until(map[TopicPartition]int64{all[0]: 1})
	eventually(t, "long poll", func() error {
		if polls.Hits() < 2 {
			return errLeftOut
		}
		return nil
	})
	r.assign(all[1], 0)
	r.until(map[TopicPartition]int64{all[1]: 1})
}

// What is not polled is not fetched beyond the buffer.
func TestFetcherIsBounded(t *testing.T) {
	k := fake(t, 4)
	w := writer(t, k.ListenAddrs())
	ends := map[TopicPartition]int64{}
	for _, tp := range tps("t", 4) {
		for from := range 20 {
			write(t, w, tp, 50*from, 50)
		}
		ends[tp] = 1000
	}
	const buffer = 20_000
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{Buffer: buffer, PartitionMaxBytes: 4 << 10, MaxBytes: 8 << 10})
	for tp := range ends {
		r.assign(tp, 0)
	}
	eventually(t, "buffer full", func() error {
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		if r.f.buffered < buffer {
			return errLeftOut
		}
		for _, p := range r.f.parts {
			if p.taken {
				return errLeftOut
			}
		}
		return nil
	})
	r.f.mu.Lock()
	buffered := r.f.buffered
	r.f.mu.Unlock()
	// Two lanes a broker may each bring one more response.
	if limit := buffer + 6*(8<<10)*20; buffered > limit {
		t.Errorf("%d bytes buffered, limit %d", buffered, limit)
	}
	r.until(ends)
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if r.f.buffered != 0 {
		t.Errorf("%d bytes left in the account", r.f.buffered)
	}
}

func TestPauseAndUnassign(t *testing.T) {
	k := fake(t, 2)
	w := writer(t, k.ListenAddrs())
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{MaxWait: 50 * time.Millisecond})
	a, b := TopicPartition{"t", 0}, TopicPartition{"t", 1}
	r.assign(a, 0)
	r.assign(b, 0)
	write(t, w, a, 0, 5)
	write(t, w, b, 0, 5)
	r.until(map[TopicPartition]int64{a: 5, b: 5})
	r.f.Pause(a)
	eventually(t, "paused", func() error { // what is on its way has come back
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		if r.f.parts[a].taken {
			return errLeftOut
		}
		return nil
	})
	write(t, w, a, 5, 5)
	write(t, w, b, 5, 5)
	r.until(map[TopicPartition]int64{b: 10})
	if r.next[a] != 5 {
		t.Fatalf("fetched %d while paused", r.next[a])
	}
	r.f.Resume(a)
	r.until(map[TopicPartition]int64{a: 10})
	r.f.Unassign(b)
	write(t, w, b, 10, 5)
	write(t, w, a, 10, 5)
	r.until(map[TopicPartition]int64{a: 15})
	if r.next[b] != 10 {
		t.Fatal("fetched after Unassign")
	}
	r.assign(b, 3) // backwards
	r.until(map[TopicPartition]int64{b: 15})
}

func TestFetcherHoldsThousandsOfPartitions(t *testing.T) {
	if testing.Short() {
		t.Skip("many partitions")
	}
	const n = 5000
	k := fake(t, n)
	w := writer(t, k.ListenAddrs())
	r := read(t, open(t, k.ListenAddrs()), FetchOptions{})
	for _, tp := range tps("t", n) {
		r.assign(tp, 0)
	}
	ends := map[TopicPartition]int64{}
	for i := range 20 {
		tp := TopicPartition{"t", int32(i * 249)}
		write(t, w, tp, 0, 10)
		ends[tp] = 10
	}
	start := time.Now()
	r.until(ends)
	t.Logf("found after %v", time.Since(start))
}
