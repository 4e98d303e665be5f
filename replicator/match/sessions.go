package match

import "math"

// session is a part of the secondary in which the source rises.
type session struct {
	from, to    int64 // secondary offsets [from, to)
	first, last int64 // primary offsets copied first and last
}

// sessions splits the secondary at the falls.
func (h *shape) sessions() []session {
	var all []session
	for i, a := range h.anchors {
		if i == 0 || (bracket{h.anchors[i-1], a}).falls(h) {
			from := a.secondary
			if i == 0 {
				from = 0
			}
			all = append(all, session{from: from, first: a.primary})
		}
		s := &all[len(all)-1]
		s.to, s.last = math.MaxInt64, max(s.last, a.primary)
		if len(all) > 1 {
			all[len(all)-2].to = s.from
		}
	}
	if len(all) > 0 {
		all[0].first = 0
	}
	return all
}

// route says which record's copy is T(u), and in which part of the secondary that copy lies. T is the lowest last copy of a
// record at or after u: that of v, the first one in the lowest session that has one which no later session copied again.
func route(all []session, u int64) (v int64, in session, ok bool) {
	for i, s := range all {
		v := max(u, s.first)
		for again := true; again; {
			again = false
			for _, later := range all[i+1:] {
				if later.first <= v && v <= later.last {
					v, again = later.last+1, true
				}
			}
		}
		if v <= s.last {
			return v, s, true
		}
	}
	if len(all) > 0 {
		return u, all[len(all)-1], false
	}
	return u, session{to: math.MaxInt64}, false
}
