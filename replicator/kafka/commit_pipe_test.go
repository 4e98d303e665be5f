package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// farAway is a connection whose bytes take their time to the broker; none waits for another.
type farAway struct {
	net.Conn
	trip *atomic.Int64 // ns
	out  chan late
	once sync.Once
	end  chan struct{}
}

type late struct {
	b  []byte
	at time.Time
}

func longLine(c net.Conn, trip *atomic.Int64) *farAway {
	f := &farAway{Conn: c, trip: trip, out: make(chan late, 10_000), end: make(chan struct{})}
	go func() {
		for {
			select {
			case l := <-f.out:
				time.Sleep(time.Until(l.at))
				_, _ = f.Conn.Write(l.b)
			case <-f.end:
				return
			}
		}
	}()
	return f
}

func (f *farAway) Write(b []byte) (int, error) {
	f.out <- late{append([]byte(nil), b...), time.Now().Add(time.Duration(f.trip.Load()))}
	return len(b), nil
}

// SetWriteDeadline is met by Write, and not meant for what is still under way.
func (f *farAway) SetWriteDeadline(time.Time) error { return nil }

func (f *farAway) Close() error {
	f.once.Do(func() { close(f.end) })
	return f.Conn.Close()
}

// far puts the cluster at the end of a line, and counts connections. The line is to be short while connections are made: sarama
// holds a lock then, and fake time stands still.
func far(trip, dials *atomic.Int64) func(*Config) {
	return func(cfg *Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			c, err := dial(ctx, n, addr)
			if err != nil {
				return nil, err
			}
			dials.Add(1)
			return longLine(c, trip), nil
		}
	}
}

// Eighty milliseconds away, one connection takes hundreds of commits at a time.
func TestCommitsShareALongLine(t *testing.T) {
	const groups, trip = 400, 80 * time.Millisecond
	var dials, line atomic.Int64
	faked(t, func(t *testing.T, k *kfake.Cluster, c *Cluster) {
		for _, connections := range []int{1, 8} {
			line.Store(0)
			m := c.NewCommitter(CommitterOptions{ConnectionsPerBroker: connections})
			everybody := func(offset int64) time.Duration {
				began := time.Now()
				var wg sync.WaitGroup
				for i := range groups {
					wg.Go(func() {
						if results, err := m.Commit(t.Context(), fmt.Sprint("g", i), time.Hour, commits("t", offset)); err != nil {
							t.Error(results, err)
						}
					})
				}
				wg.Wait()
				return time.Since(began)
			}
			everybody(1) // makes connections, and finds coordinators
			line.Store(int64(trip))
			before := dials.Load()
			// The window opens from 64, and doubles with every round trip.
			if took := everybody(2); took > 6*trip {
				t.Errorf("%d connections: %d commits in %v", connections, groups, took)
			}
			if n := dials.Load() - before; n > 0 {
				t.Errorf("%d connections: and %d more", connections, n)
			}
			if n := len(m.pipes.hosts[k.ListenAddrs()[0]].places); n != connections {
				t.Errorf("%d places", n)
			}
			m.Close()
		}
	}, far(&line, &dials))
}

// commitLog is what a broker was asked to commit, in order.
type commitLog struct {
	mu      sync.Mutex
	offsets []int64
}

func logCommits(k *kfake.Cluster) *commitLog {
	l := &commitLog{}
	k.ControlKey(int16(kmsg.OffsetCommit), func(q kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.offsets = append(l.offsets, q.(*kmsg.OffsetCommitRequest).Topics[0].Partitions[0].Offset)
		return nil, nil, false
	})
	return l
}

func (l *commitLog) seen() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]int64(nil), l.offsets...)
}

// A commit that nobody waits for any more can't overtake the next one of its group, and it takes nobody else's connection down.
func TestAbandonedCommitKeepsItsPlace(t *testing.T) {
	const trip = 400 * time.Millisecond
	var dials, line atomic.Int64
	faked(t, func(t *testing.T, k *kfake.Cluster, c *Cluster) {
		m := c.NewCommitter(CommitterOptions{})
		defer m.Close()
		m.mustCommit(t, "g", commits("t", 1))
		line.Store(int64(trip))
		log, before := logCommits(k), dials.Load()
		commit := func(within time.Duration, offset int64) error {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			_, err := m.pipes.commit(ctx, k.ListenAddrs()[0], &commitRequest{group: "g", all: commits("t", offset), part: []int{0}}, false)
			return err
		}
		for i := range int64(5) {
			if err := commit(trip/4, 10+i); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if err := commit(time.Minute, 20); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(log.seen()); got != "[10 11 12 13 14 20]" {
			t.Error(got)
		}
		if n := dials.Load() - before; n != 0 {
			t.Errorf("%d new connections", n)
		}
	}, far(&line, &dials))
}

// A connection that says nothing at all is given up with the first commit whose time is over, long before RequestTimeout.
func TestSilentPipeIsReplaced(t *testing.T) {
	var dials atomic.Int64
	var mu sync.Mutex
	var mutes []*atomic.Bool // by connection
	faked(t, func(t *testing.T, k *kfake.Cluster, c *Cluster) {
		m := c.NewCommitter(CommitterOptions{})
		defer m.Close()
		m.mustCommit(t, "g", commits("t", 1))
		for _, mute := range mutes {
			mute.Store(true) // for good
		}
		before := dials.Load()
		commit := func(within time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			_, err := m.pipes.commit(ctx, k.ListenAddrs()[0], &commitRequest{group: "g", all: commits("t", 2), part: []int{0}}, false)
			return err
		}
		if err := commit(c.cfg.RequestTimeout / 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if err := commit(time.Second); err != nil {
			t.Fatal(err)
		}
		if n := dials.Load() - before; n != 1 {
			t.Errorf("%d new connections", n)
		}
	}, func(cfg *Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			c, err := dial(ctx, n, addr)
			dials.Add(1)
			mu.Lock()
			defer mu.Unlock()
			mutes = append(mutes, &atomic.Bool{})
			return &muted{c, mutes[len(mutes)-1]}, err
		}
	})
}

// muted loses what is written to it.
type muted struct {
	net.Conn
	mute *atomic.Bool
}

func (m *muted) Write(b []byte) (int, error) {
	if m.mute.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

// Without a deadline, silence ends a commit after RequestTimeout: no sooner, whatever the pipe did before.
func TestSilenceCountsWhileAnAnswerIsOwed(t *testing.T) {
	var mute atomic.Bool
	faked(t, func(t *testing.T, k *kfake.Cluster, c *Cluster) {
		m := c.NewCommitter(CommitterOptions{})
		defer m.Close()
		m.mustCommit(t, "g", commits("t", 1))
		time.Sleep(c.cfg.RequestTimeout * 9 / 10) // idle is not silent
		mute.Store(true)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.AfterFunc(c.cfg.RequestTimeout/2, func() { mute.Store(false) }) // what was said until then is lost
		if _, err := m.Commit(ctx, "g", time.Hour, commits("t", 2)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < c.cfg.RequestTimeout || took > c.cfg.RequestTimeout*5/4+2*time.Second {
			t.Errorf("given up after %v", took)
		}
	}, func(cfg *Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			c, err := dial(ctx, n, addr)
			return &muted{c, &mute}, err
		}
	})
}

// A pipe that nobody uses is closed by itself, and the next commit makes another.
func TestIdlePipeIsClosed(t *testing.T) {
	var mu sync.Mutex
	open := map[*closing]bool{}
	faked(t, func(t *testing.T, k *kfake.Cluster, c *Cluster) {
		m := c.NewCommitter(CommitterOptions{})
		defer m.Close()
		m.mustCommit(t, "g", commits("t", 1))
		time.Sleep(2 * idleFor)
		synctest.Wait()
		for _, h := range m.pipes.hosts {
			for i := range h.places {
				if p := h.places[i].pipe; p != nil {
					if lost, _ := p.state(); !errors.Is(lost, errIdle) {
						t.Errorf("a pipe is still open: %v", lost)
					}
				}
			}
		}
		m.mustCommit(t, "g", commits("t", 2))
	}, func(cfg *Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			c, err := dial(ctx, n, addr)
			mu.Lock()
			defer mu.Unlock()
			x := &closing{Conn: c, mu: &mu, open: open}
			open[x] = true
			return x, err
		}
	})
	if len(open) > 0 {
		t.Errorf("%d connections were left open", len(open))
	}
}

type closing struct {
	net.Conn
	mu   *sync.Mutex
	open map[*closing]bool
}

func (c *closing) Close() error {
	c.mu.Lock()
	delete(c.open, c)
	c.mu.Unlock()
	return c.Conn.Close()
}

// When the committer closes, commits under way end, and so do those that wait.
func TestCloseEndsCommits(t *testing.T) {
	var mute atomic.Bool
	faked(t, func(t *testing.T, k *kfake.Cluster, c *Cluster) {
		m := c.NewCommitter(CommitterOptions{InFlightPerBroker: 2})
		for i := range 6 {
			m.mustCommit(t, fmt.Sprint("g", i), commits("t", 1))
		}
		mute.Store(true)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				if _, err := m.Commit(t.Context(), fmt.Sprint("g", i), time.Hour, commits("t", 2)); err == nil {
					t.Error("committed")
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		m.Close()
		c.Close()
		wg.Wait()
		if took := time.Since(began); took > time.Second {
			t.Errorf("after %v", took)
		}
	}, func(cfg *Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			c, err := dial(ctx, n, addr)
			return &muted{c, &mute}, err
		}
	})
}
