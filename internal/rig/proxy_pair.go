package rig

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// pair is a client's connection and the one to the broker made for it.
//
// Each direction is a flow: a reader puts chunks into a queue with the time
// they are due, a writer takes them out.
//
//	client ──read──▶ flows[ToBroker] ──write──▶ broker
//	client ◀─write── flows[ToClient] ◀──read─── broker
type pair struct {
	proxy          *Proxy
	client, broker net.Conn
	flows          [2]*flow
	gone           chan struct{} // closed by abort
	once           sync.Once
}

func newPair(p *Proxy, client, broker net.Conn) *pair {
	pr := &pair{proxy: p, client: client, broker: broker, gone: make(chan struct{})}
	pr.flows[ToBroker] = newFlow(pr, ToBroker, client, broker)
	pr.flows[ToClient] = newFlow(pr, ToClient, broker, client)
	return pr
}

// abort breaks both connections now.
func (pr *pair) abort() {
	pr.once.Do(func() {
		close(pr.gone)
		reset(pr.client)
		reset(pr.broker)
	})
}

func (pr *pair) close() {
	pr.client.Close()
	pr.broker.Close()
}

// run relays until both directions have ended.
func (pr *pair) run() {
	defer pr.close()
	var wg sync.WaitGroup
	for _, f := range pr.flows {
		wg.Go(f.read)
		wg.Go(f.write)
	}
	wg.Wait()
}

// chunk is what was read at once; of a client it is one whole request.
type chunk struct {
	bytes []byte
	due   time.Time
	hold  *Hold // not before this is released
}

type flow struct {
	pair      *pair
	direction int
	from, to  net.Conn
	late      bool // a held request was delivered; the writer's own

	mu    sync.Mutex
	queue []chunk
	ended bool          // nothing will be added
	wake  chan struct{} // capacity 1: something changed
}

func newFlow(pr *pair, direction int, from, to net.Conn) *flow {
	return &flow{pair: pr, direction: direction, from: from, to: to, wake: make(chan struct{}, 1)}
}

func (f *flow) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *flow) add(c chunk) {
	delay, _ := f.pair.proxy.timing(f.direction)
	c.due = time.Now().Add(delay)
	f.mu.Lock()
	f.queue = append(f.queue, c)
	f.mu.Unlock()
	f.poke()
}

func (f *flow) end() {
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	f.poke()
}

// read queues what arrives. The end of the stream, and a peer that is gone, end
// the flow behind what is queued: a held request outlives its client.
func (f *flow) read() {
	defer f.end()
	if f.direction == ToBroker {
		f.readRequests()
		return
	}
	f.readBytes()
}

func (f *flow) readBytes() {
	buf := make([]byte, 64<<10)
	for {
		n, err := f.from.Read(buf)
		if n > 0 {
			f.add(chunk{bytes: append([]byte(nil), buf[:n]...)})
		}
		if err != nil {
			return
		}
	}
}

// readRequests queues whole requests, so that one can be held by its kind. A
// request begins with its size, whose first byte is 0 below 16 MiB; anything
// else is TLS (0x16) or no Kafka at all, and passes as it comes.
func (f *flow) readRequests() {
	for {
		head := make([]byte, 4)
		if n, err := io.ReadFull(f.from, head); err != nil {
			f.add(chunk{bytes: head[:n]})
			return
		}
		if head[0] != 0 {
			f.add(chunk{bytes: head})
			f.readBytes()
			return
		}
		request := make([]byte, 4+binary.BigEndian.Uint32(head))
		copy(request, head)
		n, err := io.ReadFull(f.from, request[4:])
		c := chunk{bytes: request[:4+n]}
		if err == nil && n >= 4 {
			c.hold = f.pair.proxy.catch(int16(binary.BigEndian.Uint16(request[4:])), request, f)
		}
		f.add(c)
		if err != nil {
			return
		}
	}
}

// write delivers chunks when they are due and nothing holds them. Once the
// receiver is gone the rest is dropped.
func (f *flow) write() {
	lost := false
	for {
		c, ok := f.next()
		if !ok {
			break
		}
		f.late = f.late || c.hold != nil
		if !lost {
			_, err := f.to.Write(c.bytes)
			lost = err != nil
		}
	}
	f.hangUp(lost)
}

// hangUp passes the end of a stream on. A broker drops what it has just read
// when the stream ends behind it, so one that was sent a held request is given
// time to act on it.
func (f *flow) hangUp(lost bool) {
	if f.direction == ToClient {
		f.pair.finish()
		return
	}
	if f.late {
		timer := time.NewTimer(lateLinger)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.pair.gone:
		}
	}
	if tcp, ok := f.to.(*net.TCPConn); ok && !lost {
		_ = tcp.CloseWrite()
	}
}

const lateLinger = 3 * time.Second

// finish ends the pair after the broker has hung up: the client was sent all
// there was, and has nobody to talk to.
func (pr *pair) finish() {
	pr.once.Do(func() {
		close(pr.gone)
		pr.close()
	})
}

// next waits for the first chunk to be due and free.
func (f *flow) next() (chunk, bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, c, ready, over := f.head()
		switch {
		case over:
			return chunk{}, false
		case ready:
			return c, true
		}
		timer.Reset(wait)
		select {
		case <-f.wake:
		case <-timer.C:
		case <-f.pair.gone:
			return chunk{}, false
		}
	}
}

// never is longer than any test: the wait of what only a wake can end.
const never = time.Hour

// head looks at the first chunk: take it, wait for it, or end.
func (f *flow) head() (wait time.Duration, c chunk, ready, over bool) {
	_, held := f.pair.proxy.timing(f.direction)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return never, c, false, f.ended
	}
	c = f.queue[0]
	if held || c.hold.holds() {
		return never, c, false, false
	}
	if wait = time.Until(c.due); wait > 0 {
		return wait, c, false, false
	}
	f.queue = f.queue[1:]
	return 0, c, true, false
}
