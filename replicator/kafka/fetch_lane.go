package kafka

import (
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

var fetchAsk = ask{op: "fetch", kind: aTopic, need: "Read"}

// lane fetches from one broker over a connection of its own: every free partition of that broker in one request. While one
// lane holds a long poll, the other takes what is assigned or resumed meanwhile.
func (f *Fetcher) lane(broker int32) {
	var cn *conn
	var s session
	defer func() {
		if cn != nil {
			cn.close()
		}
	}()
	for {
		taken, q := f.take(broker, &s)
		if taken == nil {
			return
		}
		f.gather(broker)
		var r *sarama.FetchResponse
		var err error
		if cn, err = f.connect(cn, broker); err == nil {
			err = cn.do(f.ctx, func(b *sarama.Broker) (err error) {
				r, err = b.Fetch(q)
				return err
			})
		}
		if s.answered(r, err) {
			f.arrived(broker, taken, r, err)
		} else {
			f.release(taken)
		}
	}
}

// gather waits until the next request to a broker may go.
func (f *Fetcher) gather(broker int32) {
	if f.o.Gather <= 0 {
		return
	}
	f.mu.Lock()
	wait := time.Until(f.next[broker])
	f.next[broker] = time.Now().Add(max(wait, 0) + f.o.Gather)
	f.mu.Unlock()
	if wait <= 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-f.ctx.Done():
	}
}

// connect returns a connection that lives.
func (f *Fetcher) connect(cn *conn, broker int32) (*conn, error) {
	if cn != nil && !cn.dead {
		return cn, nil
	}
	if cn != nil {
		cn.close()
	}
	addr, ok := f.c.meta.addr(broker)
	if !ok {
		return nil, f.c.answered(fetchAsk, sarama.ErrBrokerNotAvailable, "")
	}
	// Nil on errors: a dead connection is closed already.
	return f.c.dial(f.ctx, addr, connOptions{inFlight: 1, silence: f.o.MaxWait + f.c.cfg.RequestTimeout/2})
}

// take waits for free partitions of a broker and for room, and builds the request for all of them. nil at the end.
func (f *Fetcher) take(broker int32, s *session) (map[TopicPartition]*part, *sarama.FetchRequest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.closed {
		if f.buffered < f.o.Buffer {
			if taken := f.free(broker); len(taken) > 0 {
				return taken, f.request(taken, s)
			}
		}
		f.changed.Wait()
	}
	return nil, nil
}

func (f *Fetcher) free(broker int32) map[TopicPartition]*part {
	taken := map[TopicPartition]*part{}
	for tp, p := range f.parts {
		if p.leader != broker || p.taken || p.paused {
			continue
		}
		if p.solo {
			return map[TopicPartition]*part{tp: p}
		}
		taken[tp] = p
	}
	return taken
}

// request asks for all partitions at once. sarama encodes them from maps, in an order that differs each time, and brokers rotate the
// partitions of a session: that keeps a full response from starving the partitions behind.
func (f *Fetcher) request(taken map[TopicPartition]*part, s *session) *sarama.FetchRequest {
	q := &sarama.FetchRequest{Version: 12, MaxWaitTime: int32(f.o.MaxWait / time.Millisecond), MinBytes: 1, MaxBytes: f.o.MaxBytes,
		Isolation: sarama.IsolationLevel(f.o.Isolation)}
	for _, p := range taken {
		p.taken = true
	}
	for tp, p := range s.begin(q, taken) {
		q.AddBlock(tp.Topic, tp.Partition, p.position, p.maxBytes, -1)
	}
	return q
}

// release gives partitions back that nothing was learned about.
func (f *Fetcher) release(taken map[TopicPartition]*part) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range taken {
		p.taken = false
	}
	f.changed.Broadcast()
}

// arrived sorts an answer: data to Poll, partitions back to the lanes or to the finder.
func (f *Fetcher) arrived(broker int32, taken map[TopicPartition]*part, r *sarama.FetchResponse, err error) {
	var decoded map[TopicPartition]Fetched
	if err == nil && r.ErrorCode != 0 {
		err = f.c.answered(fetchAsk, sarama.KError(r.ErrorCode), "")
	}
	if err == nil {
		decoded = f.decode(taken, r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	later := sync.OnceValue(func() time.Time { return f.later(keys(taken)) })
	for tp, p := range taken {
		p.taken = false
		switch {
		case f.parts[tp] != p: // unassigned, or assigned anew
		case err != nil:
			f.lose(p, later())
		default:
			f.settle(p, r.GetBlock(tp.Topic, tp.Partition), decoded[tp], later)
		}
	}
	if err != nil {
		f.broken(broker, taken, err)
	}
	f.changed.Broadcast()
	signal(f.find)
}

// decode reads the blocks outside the lock. Positions of taken partitions are nobody else's.
func (f *Fetcher) decode(taken map[TopicPartition]*part, r *sarama.FetchResponse) map[TopicPartition]Fetched {
	decoded := make(map[TopicPartition]Fetched, len(taken))
	for tp, p := range taken {
		if b := r.GetBlock(tp.Topic, tp.Partition); b != nil && b.Err == sarama.ErrNoError {
			decoded[tp] = decodeBlock(tp, b, p.position)
		}
	}
	return decoded
}

// broken notes what a whole request failed of. Where the response could not be decoded, each partition is fetched alone, to
// find the one that is corrupt.
func (f *Fetcher) broken(broker int32, taken map[TopicPartition]*part, err error) {
	if f.closed {
		return
	}
	addr, _ := f.c.meta.addr(broker)
	if undecodable(err) {
		for tp, p := range taken {
			if f.parts[tp] != p {
				continue
			}
			if p.solo || len(taken) == 1 {
				f.fail(p, &Error{Cluster: f.c.cfg.Name, Op: fetchAsk.op, On: tp.String(), Err: errors.Join(ErrCorrupt, err)})
			}
			p.solo = true
		}
		return
	}
	f.problem = f.c.failed(fetchAsk, addr, err)
	f.c.seeds.bad(addr)
}

func undecodable(err error) bool {
	var lost *lostError
	var packet sarama.PacketDecodingError
	return errors.As(err, &lost) && errors.As(err, &packet)
}

// lose hands a partition to the finder.
func (f *Fetcher) lose(p *part, later time.Time) {
	p.leader, p.retryAt = -1, later
	p.fails++
}

// settle takes the answer for one partition in.
func (f *Fetcher) settle(p *part, b *sarama.FetchResponseBlock, d Fetched, later func() time.Time) {
	if b == nil { // nothing new of it in a session; throttled brokers name no partition at all
		p.fails, p.solo = 0, false
		return
	}
	if b.Err != sarama.ErrNoError {
		f.refused(p, b, later())
		return
	}
	p.fails, p.solo = 0, false
	f.grow(p, d)
	moved := d.Next > p.position || d.HighWatermark != p.highWatermark || d.LastStable != p.lastStable || d.LogStart != p.logStart
	p.position, p.highWatermark, p.lastStable, p.logStart = d.Next, d.HighWatermark, d.LastStable, d.LogStart
	if !moved {
		return
	}
	d.TopicID = p.topicID
	f.buffered += d.bytes
	f.ready = append(f.ready, d)
	signal(f.wake)
}

// grow asks for more bytes of a partition whose next batch did not fit. Brokers return the first batch of a response whole (KIP-74), so
// this is for those that do not.
func (f *Fetcher) grow(p *part, d Fetched) {
	if d.partial && d.Next == p.position && p.maxBytes < f.o.MaxBytes {
		p.maxBytes = min(p.maxBytes*2, f.o.MaxBytes)
	} else if d.Next > p.position {
		p.maxBytes = f.o.PartitionMaxBytes
	}
}

func (f *Fetcher) refused(p *part, b *sarama.FetchResponseBlock, later time.Time) {
	a := fetchAsk
	a.name = p.tp.Topic
	err := f.c.answered(a, b.Err, "")
	switch class := Classify(err); {
	case b.Err == sarama.ErrInvalidMessage:
		f.fail(p, err)
	case class == Missing, class.Temporary():
		f.lose(p, later)
		f.follow(p, b.CurrentLeader)
	default:
		f.fail(p, err)
	}
}

// follow takes the leader that the old one named (KIP-951), where its address is known.
func (f *Fetcher) follow(p *part, l *sarama.FetchResponseCurrentLeader) {
	if l == nil || l.LeaderID < 0 || p.fails > 1 {
		return
	}
	if _, ok := f.c.meta.addr(l.LeaderID); ok {
		p.leader = l.LeaderID
		f.lanes(l.LeaderID)
	}
}

func keys(taken map[TopicPartition]*part) []TopicPartition {
	tps := make([]TopicPartition, 0, len(taken))
	for tp := range taken {
		tps = append(tps, tp)
	}
	return tps
}
