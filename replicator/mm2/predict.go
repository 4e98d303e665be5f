package mm2

import (
	"math/bits"
	"slices"
)

// maxPredictions bounds an answer: each one costs its receiver a look at the records.
const maxPredictions = 16

// guesses collects offsets, best first, each one once.
type guesses []int64

func (g *guesses) add(offset int64) {
	if offset >= 0 && len(*g) < maxPredictions && !slices.Contains(*g, offset) {
		*g = append(*g, offset)
	}
}

// predict lists where the record at up may have been copied to. Sessions that cover it come first, the newest of them before
// the others; then what lies behind the newest sync; then what lies before a session's first, where syncs were lost.
func (l *line) predict(up int64) []int64 {
	var g guesses
	for i := len(l.sessions) - 1; i >= 0 && len(g) < maxPredictions; i-- {
		if s := &l.sessions[i]; up >= s.first().up && up <= s.last().upTo {
			s.inside(up, &g)
		}
	}
	for i := len(l.sessions) - 1; i >= 0 && len(g) < maxPredictions; i-- {
		switch s := &l.sessions[i]; {
		case up > s.last().upTo:
			g.add(s.last().downTo + (up - s.last().upTo))
		case up < s.first().up:
			g.add(s.first().down - (s.first().up - up))
		}
	}
	return g
}

func (s *session) inside(up int64, g *guesses) {
	n := s.at(up)
	at := &s.segments[n]
	switch {
	case up > at.upTo:
		next := &s.segments[n+1]
		between(up, at.upTo, at.downTo, next.up, next.down, g)
	case at.tight():
		g.add(up + at.delta())
	default:
		between(up, at.up, at.down, at.upTo, at.downTo, g)
	}
}

// between answers for a record between two syncs (u1, d1) and (u2, d2) whose differences are not the same. Where they differ
// by one record, it is missing (or was added) right behind the first sync, or right before the second. Where they differ by
// more, it is most likely a little everywhere: MirrorMaker 2 under load leaves out most syncs of a transactional topic.
func between(u, u1, d1, u2, d2 int64, g *guesses) {
	switch {
	case u == u1:
		g.add(d1)
		return
	case u == u2:
		g.add(d2)
		return
	}
	if abs((d2-d1)-(u2-u1)) > 1 {
		g.add(d1 + max(1, share(u-u1, u2-u1, d2-d1)))
	}
	g.add(max(d1+1, d2-(u2-u)))
	g.add(min(d2-1, d1+(u-u1)))
}

// share is n/of of all, rounded down. n is in [0, of), and none is negative.
func share(n, of, all int64) int64 {
	hi, lo := bits.Mul64(uint64(n), uint64(all))
	q, _ := bits.Div64(hi, lo, uint64(of)) // hi < of, since n < of
	return int64(q)
}

// origins is predict the other way round. An offset of the secondary belongs to one session, unless the secondary was cut.
func (l *line) origins(down int64) []int64 {
	var g guesses
	for i := len(l.sessions) - 1; i >= 0 && len(g) < maxPredictions; i-- {
		if s := &l.sessions[i]; down >= s.first().down && down <= s.last().downTo {
			s.insideDown(down, &g)
		}
	}
	for i := len(l.sessions) - 1; i >= 0 && len(g) < maxPredictions; i-- {
		switch s := &l.sessions[i]; {
		case down > s.last().downTo:
			g.add(s.last().upTo + (down - s.last().downTo))
		case down < s.first().down:
			g.add(s.first().up - (s.first().down - down))
		}
	}
	return g
}

func (s *session) insideDown(down int64, g *guesses) {
	n := s.atDown(down)
	at := &s.segments[n]
	switch {
	case down > at.downTo:
		next := &s.segments[n+1]
		between(down, at.downTo, at.upTo, next.down, next.up, g)
	case at.tight():
		g.add(down - at.delta())
	default:
		between(down, at.down, at.up, at.downTo, at.upTo, g)
	}
}
