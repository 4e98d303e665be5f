package kafka

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// maxCommitAnswer is more than the largest answer to the largest request: a thousand offsets of topics with names of 249 bytes.
const maxCommitAnswer = 1 << 20

// read hands out the answers until the pipe ends.
func (p *pipe) read() {
	defer p.cn.close()
	r := bufio.NewReaderSize(pipeReader{p}, 4<<10)
	for {
		id, body, err := answer(r)
		p.mu.Lock()
		if err == nil {
			err = p.hand(id, body)
		}
		if err != nil {
			p.fail(err)
		}
		over := p.lost != nil
		p.mu.Unlock()
		if over {
			return
		}
	}
}

// hand gives an answer to whom it is owed. Any other than the next one says that this side and the broker no longer agree about
// what was asked, so that none of the following could be believed. p.mu is held.
func (p *pipe) hand(id int32, body []byte) error {
	if p.lost != nil {
		return p.lost
	}
	if len(p.owed) == 0 || p.owed[0].id != id {
		return fmt.Errorf("an answer to question %d, which is not the next", id)
	}
	o := p.owed[0]
	p.owed[0], p.owed = nil, p.owed[1:]
	now := time.Now()
	p.proven, p.givenUp, p.heard = true, false, now
	r := frameReader{b: body, flexible: o.version >= flexibleSince}
	if d := r.throttle(o.version); d > 0 {
		p.muted = now.Add(min(d, p.silence))
	}
	o.over(now.Sub(o.at), true)
	o.done <- pipeAnswer{body: body}
	return nil
}

// answer reads one frame.
func answer(r io.Reader) (id int32, body []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 4 || n > maxCommitAnswer {
		return 0, nil, fmt.Errorf("an answer of %d bytes", n)
	}
	body = make([]byte, n-4)
	_, err = io.ReadFull(r, body)
	return int32(binary.BigEndian.Uint32(head[4:])), body, err
}

// pipeReader is the connection, whose silence is no error while nothing is owed.
type pipeReader struct{ p *pipe }

func (r pipeReader) Read(b []byte) (int, error) {
	for {
		n, err := r.p.cn.over.Read(b)
		if n > 0 || err == nil || !silent(err) {
			return n, err
		}
		if err := r.p.overdue(); err != nil {
			return 0, err
		}
	}
}

// suspicion is how long a pipe may owe an answer and say nothing, once a commit's time was over because of it. Others then need
// not wait as long as for a broker that nobody has missed yet. A pipe that is only slow is kept: everything on it would have to
// be sent again.
func (p *pipe) suspicion() time.Duration { return p.silence / 10 }

// overdue says whether silence has lasted too long: for the oldest answer owed, or, where none is, for keeping the connection.
func (p *pipe) overdue() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.lost != nil {
		return p.lost
	}
	if len(p.owed) == 0 {
		if now.Sub(p.heard) <= idleFor {
			return nil
		}
		p.fail(errIdle) // under the lock: no request is lost
		return errIdle
	}
	return p.late(now)
}

// late says that the oldest answer owed is not to be waited for any longer. p.mu is held.
func (p *pipe) late(now time.Time) error {
	if len(p.owed) == 0 {
		return nil
	}
	quiet := now.Sub(later(p.owed[0].at, later(p.heard, p.muted)))
	if quiet >= p.silence || p.givenUp && quiet >= p.suspicion() {
		return mute(quiet)
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
