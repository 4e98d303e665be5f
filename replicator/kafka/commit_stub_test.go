package kafka

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// stub is a coordinator on a socket that answers commits as a test has it. Everything else it answers properly.
type stub struct {
	t      *testing.T
	l      net.Listener
	answer func(*stubConn, stubAsk)

	wg    sync.WaitGroup
	mu    sync.Mutex
	conns []net.Conn
	asked []stubAsk
	ended map[int]error // by connection: what its reader met
}

type stubConn struct {
	net.Conn
	n int // the n-th with a commit on it, from 1
}

// stubAsk is a commit that arrived.
type stubAsk struct {
	id      int32
	version int16
	group   string
	offset  int64
	conn, n int // the n-th of its connection, from 1
	at      time.Time
	req     *kmsg.OffsetCommitRequest
}

func newStub(t *testing.T, answer func(*stubConn, stubAsk)) *stub {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stub{t: t, l: l, answer: answer, ended: map[int]error{}}
	s.wg.Go(s.accept)
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

func (s *stub) accept() {
	commits := 0
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		s.mu.Unlock()
		s.wg.Go(func() {
			defer c.Close()
			sc := &stubConn{Conn: c}
			err := s.serve(sc, &commits)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended[sc.n] = err
		})
	}
}

func (s *stub) serve(sc *stubConn, commits *int) error {
	r := bufio.NewReader(sc)
	for n := 0; ; {
		head := make([]byte, 4)
		if _, err := io.ReadFull(r, head); err != nil {
			return err
		}
		b := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		key, version, id := int16(binary.BigEndian.Uint16(b)), int16(binary.BigEndian.Uint16(b[2:])), int32(binary.BigEndian.Uint32(b[4:]))
		if key == int16(kmsg.ApiVersions) {
			sc.send(id, apiVersionsAnswer(version))
			continue
		}
		n++
		s.mu.Lock()
		if sc.n == 0 {
			*commits++
			sc.n = *commits
		}
		s.mu.Unlock()
		body := b[10+binary.BigEndian.Uint16(b[8:]):]
		if version >= flexibleSince {
			body = body[1:]
		}
		req := kmsg.NewPtrOffsetCommitRequest()
		req.Version = version
		if err := req.ReadFrom(body); err != nil || key != offsetCommitKey {
			s.t.Errorf("request %d: %v", key, err)
			return err
		}
		a := stubAsk{id, version, req.Group, req.Topics[0].Partitions[0].Offset, sc.n, n, time.Now(), req}
		s.mu.Lock()
		s.asked = append(s.asked, a)
		s.mu.Unlock()
		s.answer(sc, a)
	}
}

func apiVersionsAnswer(version int16) []byte {
	res := kmsg.NewPtrApiVersionsResponse()
	res.Version = version
	for _, k := range [][3]int16{{18, 0, 4}, {offsetCommitKey, 2, 9}} {
		x := kmsg.NewApiVersionsResponseApiKey()
		x.ApiKey, x.MinVersion, x.MaxVersion = k[0], k[1], k[2]
		res.ApiKeys = append(res.ApiKeys, x)
	}
	return res.AppendTo(nil)
}

// send writes one frame.
func (c *stubConn) send(id int32, body []byte) {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(id))
	_, _ = c.Write(append(b, body...))
}

func (c *stubConn) ok(a stubAsk) { c.send(a.id, a.body(0)) }

// body says that everything was written.
func (a stubAsk) body(throttle time.Duration) []byte {
	res := a.req.ResponseKind().(*kmsg.OffsetCommitResponse)
	res.ThrottleMillis = int32(throttle.Milliseconds())
	for _, tp := range a.req.Topics {
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic = tp.Topic
		for _, p := range tp.Partitions {
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition = p.Partition
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	var b []byte
	if a.version >= flexibleSince {
		b = []byte{0}
	}
	return res.AppendTo(b)
}

// end waits until a connection has ended, and says how.
func (s *stub) end(conn int) (err error) {
	eventually(s.t, "the end of a connection", func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err = s.ended[conn]; err == nil {
			return errLeftOut
		}
		return nil
	})
	return err
}

func (s *stub) seen() []stubAsk {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]stubAsk(nil), s.asked...)
}

// stubCommitter commits to the stub, without anything that retries.
type stubCommitter struct {
	t    *testing.T
	s    *stub
	pipe *berths
}

// committer has RequestTimeout of a second, so that a pipe is suspected after a tenth of it.
func (s *stub) committer(change ...func(*Config)) *stubCommitter {
	c := open(s.t, []string{s.l.Addr().String()}, append([]func(*Config){func(c *Config) { c.RequestTimeout = time.Second }}, change...)...)
	b := newBerths(c, 1, 512)
	s.t.Cleanup(func() {
		b.close()
		if n := b.hosts[s.l.Addr().String()].window.used; n != 0 {
			s.t.Errorf("%d places of the window are still taken", n)
		}
	})
	return &stubCommitter{s.t, s, b}
}

func (c *stubCommitter) commit(within time.Duration, group string, offset int64) error {
	ctx, cancel := context.WithTimeout(c.t.Context(), within)
	defer cancel()
	codes, err := c.pipe.commit(ctx, c.s.l.Addr().String(), &commitRequest{group: group, retention: time.Hour, all: commits("t", offset), part: []int{0}}, false)
	if err == nil && (len(codes) != 1 || codes[0] != answeredCode{0, true}) {
		return errors.New("no error, and no answer")
	}
	return err
}
