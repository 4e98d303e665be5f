package checkpoint

import (
	"sync"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/translate"
)

// Partition is the index of one partition. Its mapping source is its only writer; lookups are safe from anywhere.
//
// The end of the main line is in memory, in step with the blocks on disk from keys[0] on; what is before is read from
// disk when it is asked for (older). Writes change memory and note the partition as dirty; Flush takes it from there.
type Partition struct {
	index *Index
	pair  *Pair
	at    place

	together sync.Mutex // see Together
	mu       sync.RWMutex
	copies   *translate.Copies
	cursor   []byte
	epochs   [2][]EpochStart
	err      error // why the partition could not be loaded

	keys []int64 // of the blocks on disk that memory covers, ascending
	deep bool    // there may be blocks before keys[0]

	dirty     bool
	asideSeen [2]int // blocks of pending and dead copies on disk
	epochsNew bool
	counted   int64 // runs of this partition in Index.cached
}

// Together runs f so that a Flush holds either all of what f writes or nothing of it. f must not block: Flush waits for it.
func (p *Partition) Together(f func() error) error {
	p.together.Lock()
	defer p.together.Unlock()
	return f()
}

// write runs a change of the copies and notes it.
func (p *Partition) write(f func(*translate.Copies) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return p.err
	case p.index.readOnly:
		return ErrReadOnly
	case p.pair.retired():
		return ErrRetired
	}
	if err := f(p.copies); err != nil {
		return err
	}
	p.soil()
	return nil
}

// soil notes the partition for the next Flush. Call with mu held.
func (p *Partition) soil() {
	if !p.dirty {
		p.dirty = true
		p.index.soil(p)
	}
}

// Append adds a run; its secondary offset is at or above everything appended before, else ErrOrder. Its primary offset may
// go back (a re-copy). A run contiguous on both sides with the one before is merged with it.
func (p *Partition) Append(r translate.Run) error {
	return p.write(func(c *translate.Copies) error { return c.Append(r) })
}

// Advance moves the frontier; going back is ErrOrder.
//
// It asserts that every copy of a record below f.Primary has been appended: a lookup past the last run rests on it.
func (p *Partition) Advance(f translate.Frontier) error {
	return p.write(func(c *translate.Copies) error { return c.Advance(f) })
}

// Foreign says that the records there are nobody's copy. They cap every position until they are accepted.
func (p *Partition) Foreign(s translate.Span) error {
	return p.write(func(c *translate.Copies) error { return c.AddForeign(s) })
}

// AcceptForeign says that a person accepted the foreign records below an offset of the secondary.
func (p *Partition) AcceptForeign(below int64) {
	p.warn("accept foreign records", p.write(func(c *translate.Copies) error { c.AcceptForeign(below); return nil }))
}

// TruncateSecondary says that the secondary lost everything from an offset on: runs are cut, the frontier is lowered, and
// earlier copies of the same records count again. It returns the primary offset to copy from again, which is the new
// frontier's, too.
func (p *Partition) TruncateSecondary(from int64) (resume int64, err error) {
	err = p.write(func(c *translate.Copies) error {
		p.dropEpochs(Secondary, from)
		resume, err = c.TruncateSecondary(from)
		return err
	})
	return resume, err
}

// TruncatePrimary says that the primary's log was cut at an offset and may be written differently from there. The copies
// of what is gone become foreign records; the gap before the next run is open.
func (p *Partition) TruncatePrimary(from int64) error {
	return p.write(func(c *translate.Copies) error {
		p.dropEpochs(Primary, from)
		return c.TruncatePrimary(from)
	})
}

// Prune drops the runs wholly below either log start. The frontier stays.
func (p *Partition) Prune(primaryLogStart, secondaryLogStart int64) {
	p.warn("prune", p.write(func(c *translate.Copies) error {
		p.pruneEpochs(Primary, primaryLogStart)
		p.pruneEpochs(Secondary, secondaryLogStart)
		return c.Prune(primaryLogStart, secondaryLogStart)
	}))
}

// Forward translates a committed offset of the primary.
func (p *Partition) Forward(u int64, secondary translate.Bounds) translate.Position {
	return p.look("translate forward", func(c *translate.Copies) (translate.Position, error) { return c.Forward(u, secondary) })
}

// Reverse translates an offset of the secondary: the least primary record whose first copy is at v or above.
func (p *Partition) Reverse(v int64, primary translate.Bounds) translate.Position {
	return p.look("translate back", func(c *translate.Copies) (translate.Position, error) { return c.Reverse(v, primary) })
}

// look answers from a consistent state; what can't be read is unmapped, and said.
func (p *Partition) look(what string, f func(*translate.Copies) (translate.Position, error)) translate.Position {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.err != nil {
		return translate.Position{Confidence: translate.Unmapped, Reread: -1}
	}
	pos, err := f(p.copies)
	p.warn(what, err)
	return pos
}

// Last is the run that ends highest on the secondary.
func (p *Partition) Last() (translate.Run, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.copies.Last()
}

// End is the primary offset past the greatest record that has a copy.
func (p *Partition) End() (primary int64, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.copies.End()
}

// Frontier is the last one advanced to.
func (p *Partition) Frontier() (translate.Frontier, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.copies.Frontier, p.copies.HasFrontier
}

// ForeignSpans lists the foreign records that cap positions.
func (p *Partition) ForeignSpans() []translate.Span {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return append([]translate.Span(nil), p.copies.Foreign...)
}

// Cursor is the source's own state, nil when it never set one. The slice is the caller's.
func (p *Partition) Cursor() []byte {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.cursor == nil {
		return nil
	}
	return append([]byte{}, p.cursor...)
}

// SetCursor keeps the source's own state, durable with the runs at the next Flush.
func (p *Partition) SetCursor(state []byte) {
	p.warn("set cursor", p.write(func(*translate.Copies) error {
		p.cursor = append([]byte{}, state...)
		return nil
	}))
}

// warn logs what a method without an error result met.
func (p *Partition) warn(what string, err error) {
	if err != nil && p.index.limiter.ok() {
		p.index.log.Error(what, zap.String("topic", p.pair.Info().Primary.Name), zap.Int32("partition", p.at.partition()), zap.Error(err))
	}
}

// Err says why the partition could not be loaded, nil when it could.
func (p *Partition) Err() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.err
}
