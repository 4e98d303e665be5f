package replicator

import (
	"sync"

	"github.com/leftoff/leftoff/translate"
)

// advances collects what the mapping source says, one entry a partition, until the loop looks.
type advances struct {
	mu     sync.Mutex
	by     map[advanceKey]news
	signal chan struct{}
}

// news are the flags of all Advances of a partition since the loop looked.
type news struct{ all, refined bool }

type advanceKey struct {
	topic     string
	partition int32
}

// Notify takes an Advance from the mapping source. It never blocks, and it is safe for concurrent use.
func (l *Loop) Notify(a Advance) {
	k := advanceKey{a.Topic, a.Partition}
	l.advances.mu.Lock()
	if l.advances.by == nil {
		l.advances.by = map[advanceKey]news{}
	}
	was := l.advances.by[k]
	l.advances.by[k] = news{was.all || a.All, was.refined || a.Refined}
	l.advances.mu.Unlock()
	select {
	case l.advances.signal <- struct{}{}:
	default:
	}
}

func (l *Loop) takeAdvances() {
	l.advances.mu.Lock()
	by := l.advances.by
	l.advances.by = nil
	l.advances.mu.Unlock()
	for k, is := range by {
		tp, ok := l.table.topics[k.topic]
		switch {
		case !ok:
		case k.partition < 0:
			for _, p := range tp.partitions {
				l.advance(p, is)
			}
		default:
			if p, ok := tp.partitions[k.partition]; ok {
				l.advance(p, is)
			}
		}
	}
	l.openBarriers()
}

func (l *Loop) advance(p *partition, is news) {
	switch {
	case is.all:
		p.turn++
		for r := p.rows; r != nil; r = r.next {
			r.set(rowVoid) // T itself may have fallen
			l.dirtyRow(r)
		}
	case is.refined:
		for _, r := range p.waiting {
			l.dirtyRow(r)
		}
	default:
		l.reach(p)
	}
}

// reach plans the waiting rows that the frontier has passed, least offset first, and stops at the first that still waits.
func (l *Loop) reach(p *partition) {
	for len(p.waiting) > 0 {
		r := p.waiting[0]
		m := l.opt.Mapper.Forward(p.topic.name, r.id(), p.n, r.primary.offset)
		if m.Reason == NoReason && m.Position.Confidence == translate.Behind {
			return
		}
		r.unwait()
		l.dirtyRow(r)
	}
}
