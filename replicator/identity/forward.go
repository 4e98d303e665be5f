package identity

import (
	"fmt"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// Forward implements replicator.Mapper.
func (s *Source) Forward(name string, topicID [16]byte, n int32, u int64) replicator.Mapping {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.topics[name]
	if !ok {
		s.discover.Store(true)
		return held("", replicator.TopicMissing, "not among the topics of the primary that this link replicates")
	}
	none := [16]byte{}
	switch {
	case t.held.reason != replicator.NoReason:
		return held(t.secondary, t.held.reason, t.held.detail)
	case topicID != none && t.primaryID != none && topicID != t.primaryID:
		return held(t.secondary, replicator.TopicRecreated, "committed for a topic of that name which was deleted since; the next commit of the group counts")
	case n < 0 || int(n) >= len(t.parts):
		return held(t.secondary, replicator.PartitionMissing, fmt.Sprintf("the secondary has %d of the primary's %d partitions. Try: let the link create them", len(t.parts), t.partitions))
	}
	p := t.parts[n]
	if !p.asked.Swap(true) {
		signal(s.proveNow)
	}
	m := replicator.Mapping{Topic: t.secondary, Secondary: p.bounds}
	if h := p.answer(); h.reason != replicator.NoReason {
		m.Reason, m.Detail = h.reason, h.detail
		return m
	}
	m.Position = position(p.bounds, u)
	return m
}

func held(topic string, why replicator.Reason, detail string) replicator.Mapping {
	return replicator.Mapping{Topic: topic, Reason: why, Detail: detail}
}

// answer says why the partition's positions can't be answered, if so.
func (p *partition) answer() hold {
	switch {
	case !p.known:
		return hold{replicator.SourceDegraded, "the secondary's log start and end are not known yet"}
	case p.empty():
		return hold{}
	case p.ahead:
		return hold{replicator.SourceDegraded, fmt.Sprintf("the secondary ends at %d, past the primary's %d: not a copy. Try: find who writes there", p.bounds.End, p.high)}
	case p.verdict == proven:
		return hold{}
	case p.verdict == differs:
		return hold{replicator.SourceDegraded, p.detail}
	case p.verdict == nothing:
		return hold{replicator.Unmapped, p.detail}
	case p.recreated:
		return hold{replicator.TopicRecreated, "the topic was deleted and created again; its records were not compared since"}
	case p.detail != "":
		return hold{replicator.SourceDegraded, "not compared yet: " + p.detail}
	}
	return hold{replicator.SourceDegraded, "not compared yet"}
}

// position is u, within what the secondary serves.
//
// Below the log start, the log start is T(u): every record that is still there lies at or above it. Past the end, the
// end is: what is copied later lands there or above.
func position(b translate.Bounds, u int64) translate.Position {
	switch {
	case u > b.End:
		return translate.Position{Offset: b.End, Confidence: translate.Behind, Reread: u - b.End}
	case u < b.LogStart:
		return translate.Position{Offset: b.LogStart, Confidence: translate.Exact}
	}
	return translate.Position{Offset: u, Confidence: translate.Exact}
}

// Mirrored implements replicator.Mapper.
func (s *Source) Mirrored() map[string]int32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	m := make(map[string]int32, len(s.topics))
	for name, t := range s.topics {
		m[name] = t.partitions
	}
	return m
}

// Want implements replicator.Mapper.
func (s *Source) Want(name string, n int32, u int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.topics[name]
	if !ok || n < 0 || int(n) >= len(t.parts) {
		return
	}
	p := t.parts[n]
	if p.known && u > p.bounds.End {
		p.want, p.wantedAt = max(p.want, u), time.Now()
		s.wanted[p] = struct{}{}
		signal(s.chaseNow)
	}
}
