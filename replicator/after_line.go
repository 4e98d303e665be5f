package replicator

import (
	"context"
	"fmt"
	"time"
)

// SampleBegins says that the primary's ends are asked for from now on: they count for every commit that the loop has seen so far.
func (l *Loop) SampleBegins(ctx context.Context) error {
	return l.ask(ctx, l.sampleBegins)
}

func (l *Loop) sampleBegins() {
	o := &l.outputs
	if o.asked == nil {
		o.asked, o.fresh = o.fresh, nil
	}
}

// Sampled ends what SampleBegins began. left are the ends that Outputs.Reached did not confirm since, oldest topics last or in any
// order. The loop keeps it.
func (l *Loop) Sampled(ctx context.Context, left []End) error {
	return l.ask(ctx, func() { l.sampled(left) })
}

func (l *Loop) sampled(left []End) {
	o := &l.outputs
	b := o.asked
	o.asked, o.failed = nil, ""
	switch {
	case b == nil:
	case len(o.line) < maxLine:
		b.left = left
		o.line = append(o.line, b)
	default:
		o.join(b, o.line[maxLine-1])
		o.line[maxLine-1].left = left // no lower than its own were, and what is missing of them has been reached
	}
	l.lower(left)
	l.openBarriers()
	if o.fresh != nil {
		l.opt.Outputs.Ask()
	}
}

// stuckAfter is when a barrier is old: then the ends are asked for again, now and then, although nobody new waits.
const stuckAfter = 5 * time.Second

func (l *Loop) stuck(b *barrier) bool { return l.now().Sub(b.since) >= stuckAfter }

// lower takes from the oldest barrier, where it is old, what the newest sample does not want any more: what that lacks was reached at an end no
// lower, or is gone from the primary, and there is no more of a partition than its end now.
func (l *Loop) lower(left []End) {
	o := &l.outputs
	if len(o.line) == 0 || !l.stuck(o.line[0]) {
		return
	}
	ends := make(map[advanceKey]int64, len(left))
	for _, e := range left {
		ends[advanceKey{e.Topic, e.Partition}] = e.End
	}
	b := o.line[0]
	kept := make([]End, 0, min(len(b.left), len(left))) // others may share b.left
	for _, e := range b.left {
		if end, wanted := ends[advanceKey{e.Topic, e.Partition}]; wanted {
			e.End = min(e.End, end)
			kept = append(kept, e)
		}
	}
	b.left, b.why = kept, ""
}

// askAgain asks for a sample on behalf of a barrier that is old.
func (l *Loop) askAgain(b *barrier) {
	if now := l.now(); l.stuck(b) && now.Sub(l.outputs.again) >= stuckAfter {
		l.outputs.again = now
		l.opt.Outputs.Ask()
	}
}

// join lets the rows of one barrier wait for another.
func (o *outputs) join(b, other *barrier) {
	for _, r := range b.rows {
		if o.waits[r] == b {
			o.waits[r] = other
			other.rows = append(other.rows, r)
		}
	}
}

// SampleFails says for status why there is no sample. What waits for it goes on waiting.
func (l *Loop) SampleFails(ctx context.Context, why string) error {
	return l.ask(ctx, func() { l.outputs.failed = why })
}

// openBarriers lets everything through whose outputs are there. It is cheap: it looks at the end that the oldest barrier waits for.
func (l *Loop) openBarriers() {
	o := &l.outputs
	for len(o.line) > 0 {
		b := o.line[0]
		for len(b.left) > 0 {
			e := b.left[len(b.left)-1]
			ok, why := l.opt.Outputs.Reached(e)
			if b.why = why; !ok {
				l.opt.Mapper.Want(e.Topic, e.Partition, e.End)
				l.askAgain(b)
				return
			}
			b.left = b.left[:len(b.left)-1]
		}
		o.line[0] = nil
		o.line = o.line[1:]
		l.open(b)
	}
}

// open lets the rows of a barrier through. Where a newer commit came since, it is its turn to wait.
func (l *Loop) open(b *barrier) {
	o := &l.outputs
	for _, r := range b.rows {
		if o.waits[r] != b {
			continue
		}
		if first := o.kept[r].first; first == nil {
			r.clear(rowOutputs)
			l.stopWaiting(r)
		} else {
			o.keep(r, kept{open: first})
			l.awaitSample(r)
		}
		l.dirtyRow(r)
	}
}

// waitsOn says for people what a row waits for.
func (o *outputs) waitsOn(r *row) string {
	switch b := o.waits[r]; {
	case (b == nil || b == o.fresh || b == o.asked) && o.failed != "":
		return "what the primary's topics hold is not known: " + o.failed
	case b == nil || len(b.left) == 0:
		return "what the primary's topics hold is being asked for"
	default:
		e := b.left[len(b.left)-1]
		more := ""
		if n := len(b.left) - 1; n > 0 {
			more = fmt.Sprintf(", and up to %d more partitions", n)
		}
		if b.why != "" {
			more += ": " + b.why
		}
		return fmt.Sprintf("%s/%d has to reach the secondary up to %d first%s", e.Topic, e.Partition, e.End, more)
	}
}

// waitingSince is when the commit that waits longest was seen; zero when none does.
func (o *outputs) waitingSince() time.Time {
	switch {
	case len(o.waits) == 0:
		return time.Time{}
	case len(o.line) > 0:
		return o.line[0].since
	case o.asked != nil:
		return o.asked.since
	case o.fresh != nil:
		return o.fresh.since
	}
	return time.Time{}
}
