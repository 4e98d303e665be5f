package mm2

import (
	"slices"
	"strings"
	"sync"
)

// DefaultSegments is how many segments a partition keeps, about 40 bytes each.
const DefaultSegments = 16384

// Hints keeps what all offset syncs say, for good: one segment for each stretch of equal differences, however many syncs
// that took. Topics have the primary's names. All methods may be called at any time.
//
// Memory is bounded by a number of segments a partition; see line.thin for what is given up then. The zero value is usable.
type Hints struct {
	mu    sync.RWMutex
	limit int
	parts map[Place]*line
	dirty map[Place]struct{}
}

// Place is a partition of a primary topic.
type Place struct {
	Topic     string
	Partition int32
}

// Rewind says that MirrorMaker 2 went back: having copied primary offsets up to To, it copied again from From or a little
// before, to the secondary's offset At or a little before. Where At is not above what was written before, the secondary was
// cut, or its topic recreated.
type Rewind struct {
	From, To, At int64
}

// NewHints keeps up to limit segments a partition; 0 means DefaultSegments.
func NewHints(limit int) *Hints { return &Hints{limit: limit} }

// Add takes a sync. Those of a partition come in the order of their topic; one that was added before changes nothing.
func (h *Hints) Add(topic string, partition int32, upstream, downstream int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := Place{topic, partition}
	l := h.parts[at]
	if l == nil {
		l = &line{}
		h.put(at, l)
	}
	if !l.add(upstream, downstream) {
		return
	}
	if limit := h.segments(); l.count > limit {
		l.thin(limit)
	}
	h.touch(at)
}

func (h *Hints) segments() int {
	if h.limit <= 0 {
		return DefaultSegments
	}
	return h.limit
}

func (h *Hints) put(at Place, l *line) {
	if h.parts == nil {
		h.parts = map[Place]*line{}
	}
	h.parts[at] = l
}

func (h *Hints) touch(at Place) {
	if h.dirty == nil {
		h.dirty = map[Place]struct{}{}
	}
	h.dirty[at] = struct{}{}
}

// Predict lists secondary offsets at which the copy of the record at a primary offset may be, best first; none where no sync
// of the partition was read.
func (h *Hints) Predict(topic string, partition int32, primary int64) []int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if l := h.parts[Place{topic, partition}]; l != nil {
		return l.predict(primary)
	}
	return nil
}

// Origins lists primary offsets of which the record at a secondary offset may be a copy, best first.
func (h *Hints) Origins(topic string, partition int32, secondary int64) []int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if l := h.parts[Place{topic, partition}]; l != nil {
		return l.origins(secondary)
	}
	return nil
}

// Rewinds lists where MirrorMaker 2 went back, the oldest first.
func (h *Hints) Rewinds(topic string, partition int32) []Rewind {
	h.mu.RLock()
	defer h.mu.RUnlock()
	l := h.parts[Place{topic, partition}]
	if l == nil {
		return nil
	}
	var all []Rewind
	for i := 1; i < len(l.sessions); i++ {
		first := l.sessions[i].first()
		all = append(all, Rewind{From: first.up, To: l.sessions[i-1].last().upTo, At: first.down})
	}
	return all
}

// Falls lists the secondary offsets of all Rewinds.
func (h *Hints) Falls(topic string, partition int32) []int64 {
	var all []int64
	for _, r := range h.Rewinds(topic, partition) {
		all = append(all, r.At)
	}
	return all
}

// Latest is the newest sync of a partition.
func (h *Hints) Latest(topic string, partition int32) (upstream, downstream int64, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	l := h.parts[Place{topic, partition}]
	if l == nil {
		return 0, 0, false
	}
	last := l.sessions[len(l.sessions)-1].last()
	return last.upTo, last.downTo, true
}

// Names says whether any partition of a primary topic has syncs.
func (h *Hints) Names(topic string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for at := range h.parts {
		if at.Topic == topic {
			return true
		}
	}
	return false
}

// Places lists the partitions that have syncs.
func (h *Hints) Places() []Place {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]Place, 0, len(h.parts))
	for at := range h.parts {
		all = append(all, at)
	}
	return sorted(all)
}

// Changed lists the partitions that have changed since it was last called: what is to be kept on disk again.
func (h *Hints) Changed() []Place {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Place, 0, len(h.dirty))
	for at := range h.dirty {
		all = append(all, at)
	}
	clear(h.dirty)
	return sorted(all)
}

func sorted(all []Place) []Place {
	slices.SortFunc(all, func(a, b Place) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition) - int(b.Partition)
	})
	return all
}

// Forget drops a topic: it was recreated, on either side.
func (h *Hints) Forget(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for at := range h.parts {
		if at.Topic == topic {
			delete(h.parts, at)
			h.touch(at)
		}
	}
}
