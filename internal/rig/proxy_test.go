package rig

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// echo is a broker of our own: it sends back whatever it gets, and reports each
// frame it has seen.
func echo(t *testing.T) (addr string, frames chan []byte) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	frames = make(chan []byte, 100)
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					f, err := readFrame(r)
					if err != nil {
						return
					}
					frames <- f
					conn.Write(f)
				}
			}()
		}
	}()
	return l.Addr().String(), frames
}

func readFrame(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	f := append(head, make([]byte, binary.BigEndian.Uint32(head))...)
	_, err := io.ReadFull(r, f[4:])
	return f, err
}

// frame is a request of a kind, with a body.
func frame(key int16, body string) []byte {
	f := binary.BigEndian.AppendUint32(nil, uint32(2+len(body)))
	f = binary.BigEndian.AppendUint16(f, uint16(key))
	return append(f, body...)
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

func roundTrip(t *testing.T, conn net.Conn, f []byte) time.Duration {
	t.Helper()
	began := time.Now()
	if _, err := conn.Write(f); err != nil {
		t.Fatal(err)
	}
	got, err := readFrame(conn)
	if err != nil || string(got) != string(f) {
		t.Fatalf("%q came back as %q, %v", f, got, err)
	}
	return time.Since(began)
}

func TestProxyDelays(t *testing.T) {
	addr, _ := echo(t)
	p := NewProxy(t, addr)
	conn := dial(t, p.Addr())
	roundTrip(t, conn, frame(FetchKey, "quick"))
	p.Delay(40 * time.Millisecond)
	if took := roundTrip(t, conn, frame(FetchKey, "slow")); took < 80*time.Millisecond {
		t.Errorf("a round trip took %v, want 80ms", took)
	}
	// Delay is not a limit: what follows at once arrives at once.
	began := time.Now()
	for range 10 {
		conn.Write(frame(FetchKey, "pipelined"))
	}
	for range 10 {
		if _, err := readFrame(conn); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > 400*time.Millisecond {
		t.Errorf("ten pipelined round trips took %v", took)
	}
}

func TestProxyCutsAndMends(t *testing.T) {
	addr, _ := echo(t)
	p := NewProxy(t, addr)
	conn := dial(t, p.Addr())
	roundTrip(t, conn, frame(FetchKey, "a"))
	p.Cut()
	if _, err := readFrame(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut connection reads %v, want a reset", err)
	}
	if again, err := net.Dial("tcp", p.Addr()); err == nil { // the kernel may accept before we refuse
		again.Write(frame(FetchKey, "b"))
		if _, err := readFrame(again); err == nil {
			t.Error("a cut proxy answered")
		}
		again.Close()
	}
	p.Mend()
	roundTrip(t, dial(t, p.Addr()), frame(FetchKey, "c"))
}

func TestProxyPausesOneDirection(t *testing.T) {
	addr, frames := echo(t)
	p := NewProxy(t, addr)
	conn := dial(t, p.Addr())
	p.Pause(ToClient)
	conn.Write(frame(ProduceKey, "arrives"))
	<-frames
	conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if f, err := readFrame(conn); err == nil {
		t.Errorf("%q came through a paused direction", f)
	}
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	p.Resume(ToClient)
	if _, err := readFrame(conn); err != nil {
		t.Error(err)
	}
}

// The story of a late produce: its sender is dead when it lands.
func TestHeldRequestOutlivesItsClient(t *testing.T) {
	addr, frames := echo(t)
	p := NewProxy(t, addr)
	held := p.HoldMatching(ProduceKey, func(r []byte) bool { return string(r[6:]) == "late" })
	conn := dial(t, p.Addr())
	roundTrip(t, conn, frame(ProduceKey, "early"))
	conn.Write(frame(ProduceKey, "late"))
	<-held.Caught
	conn.Close()
	<-frames // early
	other := dial(t, p.Addr())
	roundTrip(t, other, frame(ProduceKey, "of the next process"))
	if f := <-frames; string(f[6:]) != "of the next process" {
		t.Fatalf("broker saw %q first", f[6:])
	}
	held.Release()
	if f := <-frames; string(f[6:]) != "late" {
		t.Errorf("broker saw %q, want late", f[6:])
	}
}

func TestProxyPassesTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := NewProxy(t, l.Addr().String())
	conn := dial(t, p.Addr())
	hello := "\x16\x03\x01\x00\x05hello"
	io.WriteString(conn, hello)
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	got := make([]byte, len(hello))
	if _, err := io.ReadFull(server, got); err != nil || string(got) != hello {
		t.Errorf("%q, %v", got, err)
	}
}

// A client of a Proxied cluster passes the proxy, and the rig's own does not. A
// produce that is held lands after its client is gone.
func TestProxiedCluster(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{Proxied: true})
	c.CreateTopic(t, "orders", 1, nil)
	p := c.Proxy(t, 1)
	if p.Conns() != 0 {
		t.Error("the rig's client goes through the proxy")
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.DisableIdempotentWrite())
	if err != nil {
		t.Fatal(err)
	}
	produce(t, cl, "orders", 1)
	held := p.HoldRequest(ProduceKey)
	cl.Produce(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("late")}, nil)
	<-held.Caught
	cl.Close()
	if last := produce(t, c.Client(t), "orders", 1); last != 1 {
		t.Errorf("record of the next process at %d, want 1", last)
	}
	held.Release()
	waitEnd(t, c, "orders", 3)
}
