package replicator

import "time"

// pace is how many groups may have a request under way. Each of them holds the gate's answer, which expires: what is admitted
// and then waits too long for its turn at the broker is refused in the end, and was in the way of others. So that number follows
// what the secondary takes: answers that come late lower it, early ones raise it.
type pace struct {
	room, least, most int
	regained          int // requests of troubled groups that were answered since the last one that was not
}

// Fewer than leastRoom, and the groups of one dead broker would keep all others out while each finds out. Any broker should answer so
// many before the gate's answer expires.
const (
	startRoom = 128
	leastRoom = 64
)

func newPace(most int) pace {
	return pace{room: min(startRoom, most), least: min(leastRoom, most), most: most}
}

// answered takes note of how long a request took, from the gate to its answer, and of how many were under way.
func (p *pace) answered(took time.Duration, inFlight int) {
	switch {
	case took > admitFor/4:
		p.room = max(p.room-1-p.room/32, p.least)
	case took < admitFor/8 && inFlight >= p.room: // it was the room that held us back
		p.room = min(p.room+1, p.most)
	}
}

// tried takes note of a troubled group's request. How long it took says nothing: its broker may be gone, and the others well.
func (p *pace) tried(answered bool) {
	p.regained++
	if !answered {
		p.regained = 0
	}
}

// troubled is the part of the room for groups whose requests keep going unanswered: a quarter, as what they lack may be one broker
// of many; more, with each that is answered again, or a thousand of them would take a minute to recover over a long line. Some of
// the room is always left to the others.
func (p *pace) troubled() int {
	return max(min(p.room/4+p.regained, p.room*3/4), 1)
}
