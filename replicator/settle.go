package replicator

// settling finds the moment when the work of the start is over.
type settling struct {
	seconds int // since both sides were caught up
	told    bool
}

// settleLimit ends the wait on a link that is never idle.
const settleLimit = 30

// settle is called once a second. The start is over when nobody waits, and no more is in flight than on any day. Groups whose broker
// does not answer do not count.
func (l *Loop) settle() {
	s := &l.settled
	if s.told || !l.ready() {
		return
	}
	s.seconds++
	if s.seconds < settleLimit && (s.seconds < 2 || l.queue.len() > 0 || l.inFlight > l.pace.least/2) {
		return
	}
	s.told = true
	if l.opt.Settled != nil {
		l.opt.Settled()
	}
}
