package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// pipe is a connection with many commits on the way at a time. sarama negotiates and authenticates; from then on the socket is
// the pipe's, and nobody calls sarama on it again.
//
// The broker handles the requests of a connection one after the other, in order. As a group keeps to its pipe, a commit that
// nobody waits for any more can't be carried out after a newer one of its group, as long as the pipe lives. When it ends with
// answers owed, the socket is reset, so that what has not left this machine never will. What the broker has received by then may
// still be carried out: mostly before the next pipe has been greeted, and never silently. A late value of ours is in the
// secondary's log, and is planned again.
//
// Where credentials expire (KIP-368), the broker closes the connection at a request, unhandled; it is sent again on a new one.
type pipe struct {
	cn      *conn
	client  string
	takes   span // versions of OffsetCommit
	silence time.Duration
	gone    chan struct{} // closed when it is lost

	writing chan struct{} // held by who writes

	mu      sync.Mutex
	owed    []*owed // in order
	next    int32   // correlation id
	proven  bool    // a commit was answered
	givenUp bool    // by somebody, since a commit was answered
	heard   time.Time
	muted   time.Time // until then the broker does not listen
	lost    error     // why it is no more; no request is taken then
}

// owed is an answer that has not come.
type owed struct {
	id      int32
	version int16
	at      time.Time // sent
	over    outcome
	done    chan pipeAnswer
}

type pipeAnswer struct {
	body []byte // after the correlation id
	err  error
}

// outcome is told once what became of a request: that it was answered, or that it was not and never will be. It may come long
// after whoever sent it has gone, and must not block.
type outcome func(took time.Duration, answered bool)

// errIdle: the pipe was closed because nobody had used it.
var errIdle = errors.New("closed after a time of no use")

// openPipe dials, and asks for the broker's versions.
func (c *Cluster) openPipe(ctx context.Context, addr string) (*pipe, error) {
	cn, err := c.dial(ctx, addr, connOptions{inFlight: 1, silence: c.cfg.RequestTimeout})
	if err != nil {
		return nil, err
	}
	p := &pipe{cn: cn, client: c.cfg.ClientID, silence: c.cfg.RequestTimeout, gone: make(chan struct{}), writing: make(chan struct{}, 1)}
	err = cn.do(ctx, func(b *sarama.Broker) error {
		r, err := b.ApiVersions(apiVersions())
		if err != nil {
			return err
		}
		for _, k := range r.ApiKeys {
			if k.ApiKey == offsetCommitKey {
				p.takes = span{k.MinVersion, k.MaxVersion}
			}
		}
		return nil
	})
	if err != nil {
		cn.close()
		return nil, err
	}
	cn.raw.idle = p.suspicion() / 2 // how often the reader looks up: see overdue
	p.heard = time.Now()
	return p, nil
}

// commit sends a request and waits for its answer. Nothing is sent after ctx has ended; an error that wraps a lostError says
// that it may have been carried out or not. over is called in any case.
func (p *pipe) commit(ctx context.Context, q *commitRequest, over outcome) ([]answeredCode, error) {
	version, err := q.version(p.takes)
	var b []byte
	if err == nil {
		b, err = q.encode(version, p.client)
	}
	var o *owed
	if err == nil {
		o, err = p.send(ctx, version, b, over)
	}
	if err != nil {
		over(0, false)
		return nil, err
	}
	body, err := p.await(ctx, o)
	if err != nil {
		return nil, err
	}
	codes, err := q.decode(version, body)
	if err != nil {
		p.close(err)
		return nil, &lostError{err: err}
	}
	return codes, nil
}

// send puts a frame on the wire. While the wire is full, or the broker does not listen, it waits, until ctx has ended.
func (p *pipe) send(ctx context.Context, version int16, b []byte, over outcome) (*owed, error) {
	select {
	case p.writing <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-p.writing }()
	p.waitUnmuted(ctx)
	o, err := p.owe(ctx, version, over)
	if err != nil {
		return nil, err
	}
	correlate(b, o.id)
	until := o.at.Add(p.silence)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	if err = p.cn.over.SetWriteDeadline(until); err == nil {
		_, err = p.cn.over.Write(b)
	}
	if err != nil {
		p.close(err) // half a request may be out: nothing can follow
	}
	return o, nil
}

// waitUnmuted waits until the broker listens again. What is sent before would be carried out late, after the time of whoever sent it.
func (p *pipe) waitUnmuted(ctx context.Context) {
	p.mu.Lock()
	d := time.Until(p.muted)
	p.mu.Unlock()
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.gone:
	case <-ctx.Done():
	}
}

// owe takes note of an answer that is to come.
func (p *pipe) owe(ctx context.Context, version int16, over outcome) (*owed, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if p.lost != nil {
		return nil, p.lost
	}
	o := &owed{id: p.next, version: version, at: time.Now(), over: over, done: make(chan pipeAnswer, 1)}
	p.next = (p.next + 1) & 0x7fffffff
	p.owed = append(p.owed, o)
	return o, nil
}

// await waits for the answer, or for the end of ctx.
func (p *pipe) await(ctx context.Context, o *owed) ([]byte, error) {
	select {
	case a := <-o.done:
		return a.body, a.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case a := <-o.done:
		return a.body, a.err
	default:
	}
	p.givenUp = true
	if late := p.late(time.Now()); late != nil {
		p.fail(late)
	}
	return nil, context.Cause(ctx)
}

// fail ends the pipe: what is owed will not come. p.mu is held.
func (p *pipe) fail(why error) {
	if p.lost != nil {
		return
	}
	p.lost = &lostError{err: why, first: !p.proven}
	close(p.gone)
	if len(p.owed) > 0 {
		p.cn.abort()
	}
	p.cn.kill()
	for _, o := range p.owed {
		o.over(0, false)
		o.done <- pipeAnswer{err: p.lost}
	}
	p.owed = nil
}

// state says why the pipe is no more, nil while it lives, and whether it has ever answered.
func (p *pipe) state() (lost error, proven bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost, p.proven
}

// close ends it. read returns then.
func (p *pipe) close(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail(why)
}

// mute is the error of a pipe that said nothing for too long.
type mute time.Duration

func (m mute) Error() string { return fmt.Sprintf("not a word for %v", time.Duration(m)) }
func (mute) Timeout() bool   { return true }
