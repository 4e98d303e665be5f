package kafka

import (
	"context"
	"errors"
	"time"
)

// graceUnknown is how long the cluster may deny a topic before the partition fails: a topic just created is not known
// everywhere at once.
const graceUnknown = 5 * time.Second

// finder gives lost partitions a leader, as soon as one is known. It asks again and again, later and later.
func (f *Fetcher) finder() { seek(f.ctx, f.find, f.lost, f.place) }

// lost lists the partitions to find now, or says how long there is nothing to do.
func (f *Fetcher) lost() (due []TopicPartition, next time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, time.Hour
	}
	now, next := time.Now(), time.Hour
	for tp, p := range f.parts {
		if p.leader >= 0 || p.taken {
			continue
		}
		if d := p.retryAt.Sub(now); d > 0 {
			next = min(next, d)
			continue
		}
		due = append(due, tp)
	}
	return due, next
}

// place asks for the leaders of partitions and hands them to their lanes.
func (f *Fetcher) place(tps []TopicPartition) {
	ctx, cancel := context.WithTimeout(f.ctx, f.c.cfg.RequestTimeout+f.c.cfg.DialTimeout)
	defer cancel()
	topics, err := f.c.refresh(ctx, topicsOf(tps))
	if f.ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	later := f.later(tps)
	for _, tp := range tps {
		p := f.parts[tp]
		if p == nil || p.leader >= 0 || p.taken {
			continue
		}
		if err != nil {
			f.problem = err
			p.fails, p.retryAt = p.fails+1, later
			continue
		}
		f.placeOne(p, topics[tp.Topic], later)
	}
	f.changed.Broadcast()
}

// later is when to try partitions again that fail together: by the one that failed most often.
func (f *Fetcher) later(tps []TopicPartition) time.Time {
	var b backoff
	for _, tp := range tps {
		if p := f.parts[tp]; p != nil {
			b.tries = max(b.tries, p.fails)
		}
	}
	return time.Now().Add(b.next())
}

func (f *Fetcher) placeOne(p *part, t TopicInfo, later time.Time) {
	if leader, ok := f.c.meta.leader(p.tp); ok {
		if p.topicID != [16]byte{} && t.ID != [16]byte{} && p.topicID != t.ID {
			f.fail(p, &Error{Cluster: f.c.cfg.Name, Op: fetchAsk.op, On: p.tp.String(), Class: Missing, Err: ErrTopicRecreated})
			return
		}
		p.topicID, p.leader, p.unknown = t.ID, leader, time.Time{}
		f.lanes(leader)
		return
	}
	p.fails, p.retryAt = p.fails+1, later
	err := f.c.leaderless(fetchAsk, p.tp)
	f.problem = err
	switch denied := errors.Is(err, ErrUnknownTopic); {
	case Classify(err) == Unauthorized, denied && !p.unknown.IsZero() && time.Since(p.unknown) > graceUnknown:
		f.fail(p, err)
	case denied && p.unknown.IsZero():
		p.unknown = time.Now()
	case !denied:
		p.unknown = time.Time{}
	}
}

// lanes starts the two goroutines of a broker, once.
func (f *Fetcher) lanes(broker int32) {
	if f.brokers[broker] || f.closed {
		return
	}
	f.brokers[broker] = true
	for range 2 {
		f.wg.Go(func() { f.lane(broker) })
	}
}

// fail ends a partition with an error for Poll.
func (f *Fetcher) fail(p *part, err error) {
	delete(f.parts, p.tp)
	f.ready = append(f.ready, Fetched{TopicPartition: p.tp, TopicID: p.topicID, Next: p.position, HighWatermark: p.highWatermark, LastStable: p.lastStable, LogStart: p.logStart, Err: err})
	signal(f.wake)
}
