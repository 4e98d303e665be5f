package replicator

import "time"

// stampState is what the self-test found about this secondary.
type stampState uint8

const (
	stampUntried stampState = iota
	stampKept
	stampDropped
)

// stampSeen takes the self-test's answer: how the first write of ours came back in the secondary's log.
func (l *Loop) stampSeen(kept bool) {
	switch {
	case l.stampState == stampDropped || l.stampState == stampKept && kept:
		return
	case kept:
		l.stampState, l.unmarked = stampKept, unmarked{}
		return
	}
	l.stampState = stampDropped
	l.opt.Logger.Warn("the secondary drops the stamp: leftoff keeps a record of its writes on disk, and commits idle offsets again", linkField(l.opt.Link))
	if l.opt.StampDropped != nil {
		l.opt.StampDropped()
	}
}

func (l *Loop) retention() time.Duration {
	if l.stampState == stampDropped {
		return 0
	}
	return l.stamp.Retention()
}

// unmarked holds, for each row, the values that went out without a stamp that could be relied on and have not shown up in
// the secondary's log: that is how an unstamped value is recognised as ours.
type unmarked map[*row][]int64

func (u unmarked) sent(r *row, offset int64) {
	waiting := u[r]
	if len(waiting) == unmarkedLimit { // nothing lands for long: the oldest won't either
		waiting = append(waiting[:0], waiting[unmarkedLimit/2:]...)
	}
	if len(waiting) == 0 || waiting[len(waiting)-1] != offset {
		u[r] = append(waiting, offset)
	}
}

const unmarkedLimit = 256

// seen reports whether offset is one of the values sent, and forgets those before it: the log keeps their order. The newest
// stays, because a request may have been carried out twice.
func (u unmarked) seen(r *row, offset int64) bool {
	for i, o := range u[r] {
		if o == offset {
			u[r] = u[r][i:]
			return true
		}
	}
	return false
}
