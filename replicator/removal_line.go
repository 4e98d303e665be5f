package replicator

import "context"

// Removals come after commits, but not after all of them: over a link that is never idle their turn would never come. Of so many requests
// one is a removal, where some wait, and they take a part of the room at most, so that a million of them, or a secondary that
// is slow to delete, holds no commit up.
//
// Nobody waits for ever. Groups come in the order in which their removals were noticed: whoever stands behind n others has its turn
// within removalEvery × (n + 1) requests, and as many more as it takes to answer what is under way. A group that commits all the time never
// has nothing in flight: at its turn it is owed a removal, which its next request is.
type removalLine struct {
	groups  []*group // with rows to remove, first come first
	commits int      // requests since the last turn of a removal
	out     int      // removals under way, and owed
}

const (
	removalEvery = 8
	removalLooks = 64 // groups that may be looked at before one is found that can go
)

// removalTurn is where a group stands with its removals.
type removalTurn uint8

const (
	noRemoval   removalTurn = iota
	removalWait             // in the line
	removalOwed             // its next request is one
)

func (n *removalLine) put(g *group) {
	g.removal = removalWait
	n.groups = append(n.groups, g)
}

func (n *removalLine) take() *group {
	g := n.groups[0]
	n.groups[0] = nil
	if n.groups = n.groups[1:]; len(n.groups) == 0 {
		n.groups = nil // a slice keeps its largest size
	}
	return g
}

// removalFirst says that it is the turn of a removal, although commits wait.
func (l *Loop) removalFirst() bool {
	n := &l.leaving
	return len(n.groups) > 0 && n.commits >= removalEvery-1 && l.removalRoom() && l.writable()
}

// removalRoom: removals take a part of the room at most, also while no commit wants it. The next one may.
func (l *Loop) removalRoom() bool {
	return l.inFlight < l.pace.room && l.leaving.out < max(l.pace.room/4, 1)
}

// removeNext gives the next group in the line its turn, and says whether one had it.
func (l *Loop) removeNext(ctx context.Context) bool {
	n := &l.leaving
	for range min(len(n.groups), removalLooks) {
		switch g := n.take(); {
		case g.troubled() && l.inTrouble >= l.pace.troubled():
			n.put(g) // behind those whose broker answers
		case g.inFlight || g.queued > 0:
			g.removal = removalOwed
			n.commits = 0
			n.out++
			return true
		default:
			g.removal = noRemoval
			if l.removeOf(ctx, g, l.noticed(g)) {
				n.commits = 0
				return true
			}
			if g.hasTurn() {
				l.enqueue(g)
			}
		}
	}
	return false
}

// removeOwed sends what a group is owed, and says whether there still was something.
func (l *Loop) removeOwed(ctx context.Context, g *group) bool {
	if g.removal != removalOwed {
		return false
	}
	g.removal = noRemoval
	l.leaving.out--
	return l.removeOf(ctx, g, l.noticed(g))
}

// remove sends what waits, one request a group, where no commit wants the room.
func (l *Loop) remove(ctx context.Context) {
	if !l.writable() {
		return // what was noticed is kept until both sides have been read again
	}
	for l.removalRoom() && l.removeNext(ctx) {
	}
	if len(l.removals) == 0 {
		l.removals = nil // a map keeps its largest size
	}
}
