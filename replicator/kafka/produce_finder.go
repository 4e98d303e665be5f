package kafka

import (
	"context"
	"errors"
	"time"
)

// finder gives outlets without a line the line of their leader, and fails what waited too long.
func (p *Producer) finder() { seek(p.ctx, p.find, p.leaderless, p.place) }

func (p *Producer) leaderless() (due []TopicPartition, next time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, next := time.Now(), time.Hour
	for tp, o := range p.parts {
		if len(o.waiting) == 0 || o.line != nil {
			continue
		}
		if d := o.retryAt.Sub(now); d > 0 {
			next = min(next, d)
			continue
		}
		due = append(due, tp)
	}
	return due, next
}

// place asks for leaders. What has no leader is asked for again later.
func (p *Producer) place(tps []TopicPartition) {
	ctx, cancel := context.WithTimeout(p.ctx, p.c.cfg.RequestTimeout+p.c.cfg.DialTimeout)
	defer cancel()
	_, err := p.c.refresh(ctx, topicsOf(tps))
	if p.ctx.Err() != nil {
		return
	}
	var over []*outlet
	p.mu.Lock()
	for _, tp := range tps {
		if o := p.parts[tp]; !p.placeOne(o, err) {
			over = append(over, o)
		}
	}
	p.mu.Unlock()
	for _, o := range over {
		p.drain(o)
	}
}

// placeOne finds the line of one outlet; false when its batches are to fail.
func (p *Producer) placeOne(o *outlet, err error) bool {
	if o.line != nil || o.broken != nil || len(o.waiting) == 0 {
		return true
	}
	if id, ok := p.c.meta.leader(o.tp); err == nil && ok {
		p.attach(o, id)
		return true
	}
	if err == nil {
		err = p.c.leaderless(produceAsk, o.tp)
	}
	if p.waitOn(o, err) {
		return true
	}
	p.breakOutlet(o, err)
	return false
}

// waitOn says whether an outlet's batches go on waiting for a leader.
func (p *Producer) waitOn(o *outlet, why error) bool {
	waited := time.Since(o.waiting[0].since)
	patience := p.c.cfg.RetryFor
	if errors.Is(why, ErrUnknownTopic) {
		patience = min(patience, graceUnknown)
	} else if !Classify(why).Temporary() {
		return false
	}
	if waited >= patience {
		return false
	}
	b := backoff{tries: o.fails}
	o.fails, o.retryAt = o.fails+1, time.Now().Add(b.next())
	return true
}
