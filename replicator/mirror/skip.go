package mirror

import (
	"slices"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// skip are offsets of the primary whose records the secondary has already, and not as copies of this mirror: a replay took them the other way.
func (p *partition) skip() spans { return asked(p.options.skip) }

// put queues what was fetched, without what is skipped. What is skipped is passed like a hole.
func (p *partition) put(b *kafka.Batch) {
	if skip := p.skip(); len(skip) > 0 {
		rest := *b
		rest.Records = slices.DeleteFunc(slices.Clone(b.Records), func(r kafka.Record) bool { return skip.has(r.Offset) })
		b = &rest
	}
	p.queue.put(b)
}
