package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// line sends to one broker over one connection.
type line struct {
	p      *Producer
	broker int32
	queue  []*sending // under Producer.mu
	ready  chan struct{}
}

// push queues a batch. Producer.mu is held.
func (l *line) push(s *sending) {
	s.out.queued++
	l.queue = append(l.queue, s)
	signal(l.ready)
}

// pull takes an outlet's batches out of the queue again. Producer.mu is held.
func (l *line) pull(o *outlet) (out []*sending) {
	l.queue = slices.DeleteFunc(l.queue, func(s *sending) bool {
		if s.out == o {
			out = append(out, s)
		}
		return s.out == o
	})
	o.queued = 0
	return out
}

// run sends what is queued until the producer closes.
func (l *line) run() {
	var cn *conn
	defer func() {
		if cn != nil {
			cn.close() // answers everything on the wire
		}
	}()
	for {
		select {
		case <-l.ready:
		case <-l.p.ctx.Done():
			return
		}
		for l.p.ctx.Err() == nil {
			some := l.take()
			if len(some) == 0 {
				break
			}
			cn = l.send(cn, some)
		}
	}
}

// take moves batches from the queue to the wire: in order, one a partition, as many as fit into a request.
func (l *line) take() (some []*sending) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	in := map[*outlet]bool{}
	size := 0
	l.queue = slices.DeleteFunc(l.queue, func(s *sending) bool {
		if in[s.out] || len(some) > 0 && size+s.size > l.p.o.MaxRequestBytes {
			in[s.out] = true // nothing of this partition may overtake it
			return false
		}
		in[s.out] = true
		size += s.size
		s.out.queued--
		s.out.wire++
		some = append(some, s)
		return true
	})
	return some
}

// send puts one request on the wire. When that is impossible, it first waits until everything before it was answered.
func (l *line) send(cn *conn, some []*sending) *conn {
	cn, err := l.connect(cn)
	if err == nil {
		err = cn.broker.AsyncProduce(l.request(some), func(r *sarama.ProduceResponse, err error) { l.arrived(cn, some, r, err) })
	}
	if err == nil {
		return cn
	}
	if cn != nil {
		cn.close()
		if transport(err) {
			err = &lostError{err: err}
		}
	}
	l.failed(some, err)
	return nil
}

// connect returns a connection that lives.
func (l *line) connect(cn *conn) (*conn, error) {
	if cn != nil && !cn.lost.Load() {
		return cn, nil
	}
	if cn != nil {
		cn.close()
	}
	addr, ok := l.p.c.meta.addr(l.broker)
	if !ok {
		return nil, l.p.c.answered(produceAsk, sarama.ErrBrokerNotAvailable, "")
	}
	cn, err := l.p.c.dial(l.p.ctx, addr, connOptions{inFlight: l.p.o.MaxInFlight, silence: l.p.c.cfg.RequestTimeout})
	if err == nil {
		cn.unwatch = context.AfterFunc(l.p.ctx, cn.kill) // sending blocks while the wire is full
	}
	return cn, err
}

var produceAsk = ask{op: "produce", kind: aTopic, need: "Write"}

func (l *line) request(some []*sending) *sarama.ProduceRequest {
	q := &sarama.ProduceRequest{Version: 10, RequiredAcks: sarama.WaitForAll, Timeout: int32(l.p.c.cfg.brokerTimeout() / time.Millisecond)}
	for _, s := range some {
		q.AddBatch(s.out.tp.Topic, s.out.tp.Partition, s.batch)
	}
	return q
}

// arrived runs on the connection's reading goroutine.
func (l *line) arrived(cn *conn, some []*sending, r *sarama.ProduceResponse, err error) {
	if err != nil {
		cn.lost.Store(true)
		cn.kill()
		l.failed(some, &lostError{err: err})
		return
	}
	for _, s := range some {
		l.p.answered(s, l.result(s, r.GetBlock(s.out.tp.Topic, s.out.tp.Partition)))
	}
}

func (l *line) result(s *sending, b *sarama.ProduceResponseBlock) ProduceResult {
	a := produceAsk
	a.name = s.out.tp.Topic
	r := ProduceResult{BaseOffset: -1, LogAppendTime: -1, LogStart: -1}
	switch {
	case b == nil:
		r.Err = l.p.c.unanswered(a)
	case b.Err != sarama.ErrNoError:
		r.LogStart = b.StartOffset
		r.Err = l.p.c.answered(a, b.Err, text(b.ErrorMessage))
	default:
		r.BaseOffset, r.LogStart, r.LogAppendTime = b.Offset, b.StartOffset, millis(b.Timestamp)
	}
	return r
}

func (l *line) failed(some []*sending, err error) {
	addr, _ := l.p.c.meta.addr(l.broker)
	if l.p.ctx.Err() != nil {
		err = ErrClosed
	} else if transport(err) {
		l.p.c.seeds.bad(addr)
	}
	var encoding sarama.PacketEncodingError
	for _, s := range some {
		a := produceAsk
		a.name = s.out.tp.String()
		e := l.p.c.failed(a, addr, err)
		if errors.As(err, &encoding) {
			e = &Error{Cluster: l.p.c.cfg.Name, Op: a.op, On: a.name, Err: err}
		}
		l.p.answered(s, ProduceResult{BaseOffset: -1, LogAppendTime: -1, LogStart: -1, Err: e})
	}
}
