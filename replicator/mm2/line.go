package mm2

import "slices"

// segment is a stretch between two syncs, both of them included.
//
// Where slack is 0 all syncs of it have the same difference, and it is drawn as a straight line. A segment with slack was
// made of several to save memory: its ends are syncs, and slack is by how much the difference moved between them, up and
// down added up.
type segment struct {
	up, down     int64 // first sync
	upTo, downTo int64 // last sync
	slack        int64
}

func (g *segment) delta() int64 { return g.down - g.up }

// tight: predictions inside are exact, as far as equal differences go.
func (g *segment) tight() bool { return g.slack == 0 }

// holds says whether a sync is one of the segment's, as far as it still knows them.
func (g *segment) holds(up, down int64) bool {
	if up < g.up || up > g.upTo || down < g.down || down > g.downTo {
		return false
	}
	return !g.tight() || down-up == g.delta()
}

// session is what MirrorMaker 2 copied without going back: both offsets rise from sync to sync.
type session struct {
	segments []segment
}

func (s *session) first() *segment { return &s.segments[0] }
func (s *session) last() *segment  { return &s.segments[len(s.segments)-1] }

// at finds the last segment that begins at or below up; −1 where all begin above.
func (s *session) at(up int64) int {
	n, exact := slices.BinarySearchFunc(s.segments, up, func(g segment, up int64) int { return compare(g.up, up) })
	if exact {
		return n
	}
	return n - 1
}

// atDown is at, by secondary offset.
func (s *session) atDown(down int64) int {
	n, exact := slices.BinarySearchFunc(s.segments, down, func(g segment, down int64) int { return compare(g.down, down) })
	if exact {
		return n
	}
	return n - 1
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// add appends a sync that continues the session.
func (s *session) add(up, down int64) (grown bool) {
	g := s.last()
	if g.tight() && down-up == g.delta() {
		g.upTo, g.downTo = up, down
		return false
	}
	s.segments = append(s.segments, segment{up: up, down: down, upTo: up, downTo: down})
	return true
}

// line is all that the syncs of one partition say.
type line struct {
	sessions []session // by age, the newest last
	count    int       // segments
}

// known says whether a sync was read before: a topic that is read again changes nothing.
func (l *line) known(up, down int64) bool {
	for i := len(l.sessions) - 1; i >= 0; i-- {
		s := &l.sessions[i]
		if n := s.at(up); n >= 0 && s.segments[n].holds(up, down) {
			return true
		}
	}
	return false
}

// add takes a sync. It reports whether it was new.
//
// A sync at or below the last one, on either side, that was not read before means that MirrorMaker 2 went back. (Two syncs
// of one record are two copies, and two records in one place mean that the secondary was cut.)
func (l *line) add(up, down int64) bool {
	if len(l.sessions) > 0 {
		last := &l.sessions[len(l.sessions)-1]
		if up > last.last().upTo && down > last.last().downTo {
			if last.add(up, down) {
				l.count++
			}
			return true
		}
		if l.known(up, down) {
			return false
		}
	}
	l.sessions = append(l.sessions, session{segments: []segment{{up: up, down: down, upTo: up, downTo: down}}})
	l.count++
	return true
}

// thin makes room: at most three quarters of limit segments stay. Neighbours of a session are made one, those first whose
// differences are closest, so that what is lost is spread evenly; the newest eighth stays as it is. Where sessions are so
// many that nothing can be merged, the oldest go.
func (l *line) thin(limit int) {
	want := max(1, limit*3/4)
	for slack := int64(1); l.count > want && slack > 0; slack *= 2 {
		l.merge(limit/8, slack)
	}
	for l.count > want && len(l.sessions) > 1 {
		l.count -= len(l.sessions[0].segments)
		l.sessions = slices.Delete(l.sessions, 0, 1)
	}
}

// merge makes neighbours one where their slack together is no more than slack, but for the newest keep segments.
func (l *line) merge(keep int, slack int64) {
	left := l.count - keep // segments that may be merged
	for i := range l.sessions {
		s := &l.sessions[i]
		out := s.segments[:1]
		for j := 1; j < len(s.segments); j++ {
			g, next := &out[len(out)-1], s.segments[j]
			if left--; left <= 0 {
				out = append(out, next)
				continue
			}
			together := g.slack + next.slack + abs((next.down-next.up)-(g.downTo-g.upTo))
			if together > slack || together < 0 {
				out = append(out, next)
				continue
			}
			g.upTo, g.downTo, g.slack = next.upTo, next.downTo, together
		}
		left--
		l.count -= len(s.segments) - len(out)
		s.segments = slices.Clip(out)
	}
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
