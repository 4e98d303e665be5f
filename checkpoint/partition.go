package checkpoint

import (
	"sync"

	"github.com/leftoff/leftoff/translate"
)

// Partition is the index of one partition. Its mapping source is its only writer; lookups are safe from anywhere.
type Partition struct {
	mu          sync.RWMutex
	together    sync.Mutex
	runs        []translate.Run
	frontier    translate.Frontier
	hasFrontier bool
	cursor      []byte
	epochs      map[Side][]EpochStart
}

// Together runs f so that a Flush holds either all of what f writes or nothing of it.
func (p *Partition) Together(f func() error) error {
	p.together.Lock()
	defer p.together.Unlock()
	return f()
}

// Append adds a run; its secondary offset is at or above everything appended before, else ErrOrder. Its primary offset may
// go back (a re-copy). A run contiguous on both sides with the one before is merged with it.
func (p *Partition) Append(r translate.Run) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.runs); n > 0 {
		last := &p.runs[n-1]
		if r.Secondary < last.SecondaryEnd() {
			return ErrOrder
		}
		if last.PrimaryEnd() == r.Primary && last.SecondaryEnd() == r.Secondary {
			last.Length += r.Length
			return nil
		}
	}
	p.runs = append(p.runs, r)
	return nil
}

// Advance moves the frontier, never backwards.
//
// It asserts that every copy of a record below f.Primary has been appended: a lookup past the last run rests on it.
func (p *Partition) Advance(f translate.Frontier) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frontier, p.hasFrontier = f, true
	return nil
}

// Foreign says that the records there are nobody's copy. They cap every position until they are accepted.
func (p *Partition) Foreign(s translate.Span) error { return nil }

// AcceptForeign says that a person accepted the foreign records below an offset of the secondary.
func (p *Partition) AcceptForeign(below int64) {}

// ForeignSpans lists the foreign records that cap positions.
func (p *Partition) ForeignSpans() []translate.Span { return nil }

// TruncateSecondary says that the secondary lost everything from an offset on. It returns the primary offset to copy from again.
func (p *Partition) TruncateSecondary(from int64) (resume int64, err error) { return 0, nil }

// TruncatePrimary says that the primary's log was cut at an offset and may be written differently from there.
func (p *Partition) TruncatePrimary(from int64) error { return nil }

// Prune drops the runs wholly below either log start.
func (p *Partition) Prune(primaryLogStart, secondaryLogStart int64) {}

// Forward translates a committed offset of the primary.
func (p *Partition) Forward(u int64, secondary translate.Bounds) translate.Position {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, r := range p.runs {
		if u < r.PrimaryEnd() {
			return translate.Position{Offset: r.Secondary + max(0, u-r.Primary), Confidence: translate.Exact}
		}
	}
	switch {
	case !p.hasFrontier:
		return translate.Position{}
	case u <= p.frontier.Primary:
		return translate.Position{Offset: p.frontier.Secondary, Confidence: translate.Exact}
	}
	return translate.Position{Offset: p.frontier.Secondary, Confidence: translate.Behind}
}

// Reverse translates an offset of the secondary: the least primary record whose first copy is at v or above.
func (p *Partition) Reverse(v int64, primary translate.Bounds) translate.Position {
	return translate.Position{}
}

// Last is the run that ends highest on the secondary.
func (p *Partition) Last() (translate.Run, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if len(p.runs) == 0 {
		return translate.Run{}, false
	}
	return p.runs[len(p.runs)-1], true
}

// Frontier is the last one advanced to.
func (p *Partition) Frontier() (translate.Frontier, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.frontier, p.hasFrontier
}

// Runs walks the main line in order until yield says false.
func (p *Partition) Runs(yield func(translate.Run) bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, r := range p.runs {
		if !yield(r) {
			return
		}
	}
}

// Stats counts.
func (p *Partition) Stats() Stats { return Stats{} }

// Cursor is the source's own state, nil when it never set one. The slice is the caller's.
func (p *Partition) Cursor() []byte {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return append([]byte(nil), p.cursor...)
}

// SetCursor keeps the source's own state, durable with the runs at the next Flush.
func (p *Partition) SetCursor(state []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cursor = append([]byte(nil), state...)
}

// Epoch notes a leader epoch seen in a batch header, with the batch's first offset.
func (p *Partition) Epoch(side Side, epoch int32, start int64) {}

// Epochs lists the leader epochs seen, ascending.
func (p *Partition) Epochs(side Side) []EpochStart { return nil }
