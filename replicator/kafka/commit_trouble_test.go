package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Whatever a broker says instead of the next answer ends the connection, and what was under way is sent again on another; nobody
// is given an answer that was not his.
func TestPipeBelievesOnlyTheNextAnswer(t *testing.T) {
	for name, say := range map[string]func(c *stubConn, a, b stubAsk){
		"in the wrong order":       func(c *stubConn, a, b stubAsk) { c.ok(b); c.ok(a) },
		"to an unknown question":   func(c *stubConn, a, b stubAsk) { c.send(1000, a.body(0)) },
		"twice":                    func(c *stubConn, a, b stubAsk) { c.ok(a); c.ok(a) },
		"half":                     func(c *stubConn, a, b stubAsk) { _, _ = c.Write([]byte{0, 0, 0, 90, 0, 0}); c.Close() },
		"nothing":                  func(c *stubConn, a, b stubAsk) { c.Close() },
		"of no length":             func(c *stubConn, a, b stubAsk) { _, _ = c.Write(make([]byte, 64)) },
		"of a gigabyte":            func(c *stubConn, a, b stubAsk) { _, _ = c.Write([]byte{0x3f, 0xff, 0xff, 0xff, 0, 0, 0, 1}) },
		"of a negative length":     func(c *stubConn, a, b stubAsk) { _, _ = c.Write([]byte("\xff\xff\xff\xff\x00\x00\x00\x01")) },
		"that is cut":              func(c *stubConn, a, b stubAsk) { x := a.body(0); c.send(a.id, x[:len(x)-1]) },
		"that says too much":       func(c *stubConn, a, b stubAsk) { c.send(a.id, append(a.body(0), 0)) },
		"that is empty":            func(c *stubConn, a, b stubAsk) { c.send(a.id, nil) },
		"in another protocol":      func(c *stubConn, a, b stubAsk) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
		"to one, and then it dies": func(c *stubConn, a, b stubAsk) { c.ok(a); c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			var first stubAsk
			s := newStub(t, func(c *stubConn, a stubAsk) {
				switch {
				case c.n > 1 || a.n == 1: // the pipe has proved itself with its first commit
					c.ok(a)
				case a.n == 2:
					first = a
				default:
					say(c, first, a)
				}
			})
			c := s.committer()
			if err := c.commit(patience, "warm", 1); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for i := range 2 {
				wg.Go(func() {
					if err := c.commit(patience, fmt.Sprint("g", i), 2); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for _, a := range s.seen() {
				if a.conn > 2 {
					t.Errorf("a third connection: %+v", a)
				}
			}
		})
	}
}

// A tag that this side does not know is no reason to hang up. (Only version 8 has tags.)
func TestPipeSkipsUnknownTags(t *testing.T) {
	s := newStub(t, func(c *stubConn, a stubAsk) {
		b := append([]byte{1, 7, 2, 'x', 'y'}, a.body(0)[1:]...) // in the header
		c.send(a.id, append(b[:len(b)-1], 1, 200, 1, 1, 'z'))    // and at the end
	})
	c := s.committer()
	q := &commitRequest{group: "g", all: commits("t", 1), part: []int{0}}
	if codes, err := c.pipe.commit(within(t), s.l.Addr().String(), q, false); err != nil || codes[0] != (answeredCode{0, true}) {
		t.Fatal(codes, err)
	}
}

// A broker that throttles is not sent anything meanwhile: it would lie there, and be carried out after its time. Whoever can't wait
// has sent nothing, and silence of that kind takes no connection down.
func TestPipeWaitsWhileThrottled(t *testing.T) {
	const pause = 400 * time.Millisecond
	s := newStub(t, func(c *stubConn, a stubAsk) {
		throttle := time.Duration(0)
		if a.offset == 1 {
			throttle = pause
		}
		c.send(a.id, a.body(throttle))
	})
	c := s.committer()
	if err := c.commit(patience, "g", 1); err != nil {
		t.Fatal(err)
	}
	if err := c.commit(pause/2, "g", 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if err := c.commit(patience, "g", 3); err != nil {
		t.Fatal(err)
	}
	seen := s.seen()
	if len(seen) != 2 || seen[1].offset != 3 || seen[1].conn != 1 {
		t.Fatalf("%+v", seen)
	}
	if d := seen[1].at.Sub(seen[0].at); d < pause {
		t.Errorf("sent after %v", d)
	}
}

// Closing does not wait for a throttle to be over.
func TestCloseWhileThrottled(t *testing.T) {
	s := newStub(t, func(c *stubConn, a stubAsk) { c.send(a.id, a.body(time.Hour)) })
	c := s.committer(func(c *Config) { c.RequestTimeout = time.Hour })
	if err := c.commit(patience, "g", 1); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() { failed <- c.commit(patience, "g", 2) }()
	eventually(t, "it waits", func() error {
		place := &c.pipe.hosts[s.l.Addr().String()].places[0]
		place.mu.Lock()
		defer place.mu.Unlock()
		if len(place.pipe.writing) == 0 {
			return errLeftOut
		}
		return nil
	})
	c.pipe.close()
	if err := <-failed; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// Those who give up keep their room: a broker that is behind is not given more and more that nobody waits for.
func TestGivenUpCommitsKeepTheirRoom(t *testing.T) {
	answers := make(chan struct{})
	s := newStub(t, func(c *stubConn, a stubAsk) {
		if a.offset == 1 {
			<-answers
		}
		c.ok(a)
	})
	c := s.committer(func(c *Config) { c.RequestTimeout = time.Hour })
	const rounds = 3
	for range rounds {
		var wg sync.WaitGroup
		for i := range startWindow {
			wg.Go(func() {
				if err := c.commit(100*time.Millisecond, fmt.Sprint("g", i), 1); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	close(answers)
	if err := c.commit(patience, "last", 2); err != nil {
		t.Fatal(err)
	}
	if n := len(s.seen()); n > startWindow+1 || n < 2 {
		t.Errorf("%d commits came, of %d", n, rounds*startWindow+1)
	}
}

// A pipe that says nothing any more is given up soon after a commit was, also when nobody can send for lack of room; the
// others on it are told.
func TestMutePipeIsGivenUp(t *testing.T) {
	s := newStub(t, func(c *stubConn, a stubAsk) {
		if c.n > 1 || a.offset == 1 {
			c.ok(a)
		}
	})
	c := s.committer(func(c *Config) { c.RequestTimeout = 8 * time.Second })
	if err := c.commit(patience, "g", 1); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var wg sync.WaitGroup
	for i := range startWindow {
		wg.Go(func() {
			err := c.commit(50*time.Millisecond+time.Duration(i%2)*patience, fmt.Sprint("g", i), 2)
			var lost *lostError
			if !errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &lost) && silent(err)) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("given up after %v", took)
	}
	if err := c.commit(patience, "g", 3); err != nil {
		t.Fatal(err)
	}
}

// What was still on this side when a pipe is given up never leaves: it could arrive after what is sent over the next one.
func TestLostPipeSendsNothingMore(t *testing.T) {
	const frames, size = 200, 30_000 // more than two sockets hold
	release := make(chan struct{})
	s := newStub(t, func(c *stubConn, a stubAsk) {
		if a.group == "big" {
			<-release // reads no more, as a broker that stands still
			return
		}
		c.ok(a)
	})
	c := s.committer(func(cfg *Config) {
		cfg.RequestTimeout = 2 * time.Second
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, n, addr)
			if err == nil {
				_ = conn.(*net.TCPConn).SetWriteBuffer(4 << 20)
			}
			return conn, err
		}
	})
	if err := c.commit(patience, "g", 1); err != nil {
		t.Fatal(err)
	}
	big := &commitRequest{group: "big", all: []CommitOffset{{Topic: "t", Offset: 2, Metadata: strings.Repeat("m", size)}}, part: []int{0}}
	var wg sync.WaitGroup
	for range frames {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := c.pipe.commit(ctx, s.l.Addr().String(), big, false); err == nil {
				t.Error("committed")
			}
		})
	}
	wg.Wait()
	if err := c.commit(patience, "g", 3); err != nil { // over another connection
		t.Fatal(err)
	}
	close(release)
	if err := s.end(1); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the first connection ended in order, with all that was on it: %v", err)
	}
}

// Hundreds of groups against a broker that does anything at all, at random: everybody is told the truth, a group's commits stay in
// order on each connection, and nothing is left behind.
func TestPipeAgainstAMoodyBroker(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 0))
	acked := map[string]int64{} // by the broker
	s := newStub(t, func(c *stubConn, a stubAsk) {
		mu.Lock()
		mood := r.IntN(200)
		if mood >= 5 {
			acked[a.group] = max(acked[a.group], a.offset)
		}
		mu.Unlock()
		switch mood {
		case 0:
			c.Close()
		case 1: // nothing
		case 2:
			c.send(a.id+1, a.body(0))
		case 3:
			c.send(a.id, a.body(0)[:5])
		case 4:
			_, _ = c.Write([]byte{0, 0, 0, 40, 0})
			c.Close()
		case 5:
			c.send(a.id, a.body(20*time.Millisecond))
		case 6:
			time.AfterFunc(0, func() { c.ok(a) }) // in another goroutine: perhaps behind the next one's
		default:
			c.ok(a)
		}
	})
	c := s.committer()
	var wg sync.WaitGroup
	for g := range 100 {
		group := fmt.Sprint("g", g)
		wg.Go(func() {
			for offset := int64(1); offset <= 20; offset++ {
				if err := c.commit(200*time.Millisecond, group, offset); err != nil {
					continue
				}
				mu.Lock()
				if acked[group] < offset {
					t.Errorf("%s: %d is said to be written, the broker has %d", group, offset, acked[group])
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	type lane struct {
		group string
		conn  int
	}
	last := map[lane]int64{}
	for _, a := range s.seen() {
		l := lane{a.group, a.conn}
		if a.offset < last[l] {
			t.Errorf("%+v: %d after %d", l, a.offset, last[l])
		}
		last[l] = a.offset
	}
}
