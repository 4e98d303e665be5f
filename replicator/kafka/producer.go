package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// ProducerOptions of a Producer. The zero value is usable.
type ProducerOptions struct {
	// MaxInFlight requests on one connection. Default 5.
	MaxInFlight int
	// MaxRequestBytes bounds the batches of different partitions that share a request. Default 1 MiB; a larger batch goes alone.
	MaxRequestBytes int
}

// Producer writes record batches under ids, epochs and sequences of the caller: idempotence by hand (acks=all, version 10
// or what the broker has). One connection a leader, with several requests on the wire. It never resends: what failed is the
// caller's to judge.
//
// Batches that wait for the same broker share a request, one a partition; no timer is involved.
type Producer struct {
	c    *Cluster
	o    ProducerOptions
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu     sync.Mutex
	parts  map[TopicPartition]*outlet
	lines  map[int32]*line
	closed bool

	find chan struct{}
}

// outlet is one partition produced to. Its batches are, in order: on the wire, in the line's queue, waiting for a leader. When one on the
// wire fails, the others end up in parked, and fail when everything on the wire has been answered, so that answers come in order.
type outlet struct {
	tp      TopicPartition
	line    *line // nil: waiting for a leader
	wire    int
	queued  int
	waiting []*sending
	parked  []*sending
	broken  error // why parked
	fails   int
	retryAt time.Time
}

// sending is one call of Produce.
type sending struct {
	out   *outlet
	batch *sarama.RecordBatch
	size  int
	since time.Time
	done  func(ProduceResult)
}

func (s *sending) fail(err error) {
	s.done(ProduceResult{BaseOffset: -1, LogAppendTime: -1, LogStart: -1, Err: err})
}

// NewProducer makes a Producer; it dials when it produces. Close it.
func (c *Cluster) NewProducer(o ProducerOptions) *Producer {
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = 5
	}
	if o.MaxRequestBytes <= 0 {
		o.MaxRequestBytes = 1 << 20
	}
	p := &Producer{c: c, o: o, parts: map[TopicPartition]*outlet{}, lines: map[int32]*line{}, find: make(chan struct{}, 1)}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.wg.Go(p.finder)
	return p
}

// Produce sends a batch, and calls done exactly once with the answer, from another goroutine. It does not block. Batches of a partition are
// sent, and answered, in the order of the calls; how many may be unanswered is the caller's to bound (five per partition, for
// brokers to recognise a resent one).
//
// When a batch fails for a connection, a leader, a timeout or anything else, everything of the same partition behind it fails, too, with the
// same error, unless it is on the wire already: then it has its own answer. That includes calls made until the last of them is answered; start again
// after that. done must not block; it may call Produce. The batch's records must not change until done was called.
// A batch that can't be encoded (no records, a timestamp after 2262) fails at once, out of order.
func (p *Producer) Produce(tp TopicPartition, b ProduceBatch, done func(ProduceResult)) {
	s := &sending{size: b.size(), since: time.Now(), done: done}
	var err error
	if s.batch, err = b.build(); err != nil {
		go s.fail(&Error{Cluster: p.c.cfg.Name, Op: produceAsk.op, On: tp.String(), Err: err})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		go s.fail(p.closedError())
		return
	}
	o := p.parts[tp]
	if o == nil {
		o = &outlet{tp: tp}
		p.parts[tp] = o
	}
	s.out = o
	switch {
	case o.broken != nil:
		o.parked = append(o.parked, s)
	case o.line != nil:
		o.line.push(s)
	default:
		o.waiting = append(o.waiting, s)
		p.connectOutlet(o)
	}
}

// connectOutlet gives an outlet the line of its leader, if that is known and did not just fail, and sends what waits.
func (p *Producer) connectOutlet(o *outlet) {
	id, ok := p.c.meta.leader(o.tp)
	if !ok || o.fails > 0 {
		signal(p.find)
		return
	}
	p.attach(o, id)
}

func (p *Producer) attach(o *outlet, id int32) {
	l := p.lines[id]
	if l == nil {
		l = &line{p: p, broker: id, ready: make(chan struct{}, 1)}
		p.lines[id] = l
		p.wg.Go(l.run)
	}
	o.line = l
	for _, s := range o.waiting {
		l.push(s)
	}
	o.waiting = nil
}

// answered takes the result of one batch that was on the wire. Results of one outlet arrive in order.
func (p *Producer) answered(s *sending, r ProduceResult) {
	p.mu.Lock()
	o := s.out
	o.wire--
	if r.Err != nil {
		p.breakOutlet(o, r.Err)
	} else if o.broken == nil {
		o.fails = 0
	}
	if o.wire == 0 && len(o.parked) == 0 {
		o.broken = nil
	}
	p.mu.Unlock()
	s.done(r)
	p.drain(o)
}

// drain fails the parked batches, once nothing of the outlet is on the wire. It is whole again when the last one is answered: a
// caller that starts again from there does not run into its own past.
func (p *Producer) drain(o *outlet) {
	for {
		p.mu.Lock()
		if o.broken == nil || o.wire > 0 {
			p.mu.Unlock()
			return
		}
		s, err := o.parked[0], o.broken
		o.parked = o.parked[1:]
		if len(o.parked) == 0 {
			o.broken, o.parked = nil, nil
		}
		p.mu.Unlock()
		s.fail(err)
	}
}

// breakOutlet parks what is behind a failed batch.
func (p *Producer) breakOutlet(o *outlet, err error) {
	if o.broken != nil {
		return
	}
	o.broken = err
	if o.line != nil {
		o.parked = append(o.parked, o.line.pull(o)...)
	}
	o.parked = append(o.parked, o.waiting...)
	o.waiting, o.line = nil, nil
	b := backoff{tries: o.fails}
	o.fails, o.retryAt = o.fails+1, time.Now().Add(b.next())
}

func (p *Producer) closedError() error {
	return p.c.failed(ask{op: "produce", kind: aTopic}, "", ErrClosed)
}

// Close fails what is unanswered with ErrClosed and ends all goroutines.
func (p *Producer) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop()
	p.wg.Wait()
	p.mu.Lock()
	var left []*outlet
	for _, o := range p.parts {
		if p.breakOutlet(o, p.closedError()); len(o.parked) > 0 {
			left = append(left, o)
		}
	}
	p.mu.Unlock()
	for _, o := range left {
		p.drain(o)
	}
	return nil
}
