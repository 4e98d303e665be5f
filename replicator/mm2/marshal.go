package mm2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// marshalVersion is the first byte of what Marshal writes:
//
//	byte version, uvarint sessions, of each:
//	  uvarint segments, uvarint up, uvarint down of the first one; of each:
//	    (but for the first) uvarint up − upTo of the one before, uvarint down − downTo of the one before
//	    uvarint upTo − up, uvarint slack, (where slack > 0) uvarint downTo − down
const marshalVersion = 1

// ErrHints: the bytes are not what Marshal writes. They can be thrown away: the syncs that are still in MirrorMaker 2's
// topic are read again.
var ErrHints = errors.New("hints of a partition: malformed")

// Marshal is what is kept on disk of a partition, nil where it has no syncs (any more).
func (h *Hints) Marshal(topic string, partition int32) []byte {
	h.mu.RLock()
	defer h.mu.RUnlock()
	l := h.parts[Place{topic, partition}]
	if l == nil {
		return nil
	}
	return l.marshal()
}

// Unmarshal puts back what Marshal wrote, in place of what is there. With an error nothing changes.
func (h *Hints) Unmarshal(topic string, partition int32, b []byte) error {
	l, err := unmarshalLine(b)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if limit := h.segments(); l.count > limit {
		l.thin(limit)
	}
	h.put(Place{topic, partition}, l)
	return nil
}

func (l *line) marshal() []byte {
	b := binary.AppendUvarint([]byte{marshalVersion}, uint64(len(l.sessions)))
	for i := range l.sessions {
		b = l.sessions[i].marshal(b)
	}
	return b
}

func (s *session) marshal(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.segments)))
	var up, down int64
	for i := range s.segments {
		g := &s.segments[i]
		for _, n := range []int64{g.up - up, g.down - down, g.upTo - g.up, g.slack} {
			b = binary.AppendUvarint(b, uint64(n))
		}
		if g.slack > 0 {
			b = binary.AppendUvarint(b, uint64(g.downTo-g.down))
		}
		up, down = g.upTo, g.downTo
	}
	return b
}

// numbers takes uvarints that are no more than an int64 holds.
type numbers struct {
	b   []byte
	bad bool
}

func (n *numbers) next() int64 {
	v, size := binary.Uvarint(n.b)
	if size <= 0 || v > math.MaxInt64 {
		n.bad, n.b = true, nil
		return 0
	}
	n.b = n.b[size:]
	return int64(v)
}

// plus adds what next takes, and is bad where the sum is more than an int64 holds.
func (n *numbers) plus(to int64) int64 {
	d := n.next()
	if d > math.MaxInt64-to {
		n.bad = true
		return to
	}
	return to + d
}

// count is a number of things that take at least so many bytes each.
func (n *numbers) count(bytes int) int {
	v := n.next()
	if v < 1 || v > int64(len(n.b)/bytes) {
		n.bad = true
		return 0
	}
	return int(v)
}

func unmarshalLine(b []byte) (*line, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrHints)
	}
	if b[0] != marshalVersion {
		return nil, fmt.Errorf("%w: version %d", ErrHints, b[0])
	}
	n, l := &numbers{b: b[1:]}, &line{}
	for range n.count(5) {
		s := n.session()
		if n.bad {
			break
		}
		l.sessions = append(l.sessions, s)
		l.count += len(s.segments)
	}
	switch {
	case n.bad:
		return nil, ErrHints
	case len(n.b) > 0:
		return nil, fmt.Errorf("%w: %d bytes left over", ErrHints, len(n.b))
	}
	return l, nil
}

func (n *numbers) session() session {
	var s session
	var up, down int64
	count := n.count(4)
	s.segments = make([]segment, 0, count)
	for i := range count {
		g := segment{up: n.plus(up), down: n.plus(down)}
		if i > 0 && (g.up == up || g.down == down) {
			n.bad = true
		}
		g.upTo, g.slack = n.plus(g.up), n.next()
		switch {
		case g.slack > 0:
			g.downTo = n.plus(g.down)
			n.bad = n.bad || g.upTo == g.up || g.downTo == g.down
		case g.upTo-g.up > math.MaxInt64-g.down:
			n.bad = true
		default:
			g.downTo = g.down + (g.upTo - g.up)
		}
		if n.bad {
			return s
		}
		s.segments = append(s.segments, g)
		up, down = g.upTo, g.downTo
	}
	return s
}
