package match

import (
	"fmt"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// Forward implements replicator.Mapper.
func (s *Source) Forward(name string, topicID [16]byte, n int32, u int64) replicator.Mapping {
	s.mu.RLock()
	t := s.topics[name]
	if t == nil {
		s.mu.RUnlock()
		s.discover.Store(true)
		return replicator.Mapping{Reason: replicator.TopicMissing, Detail: "not among the topics of the primary that this link replicates"}
	}
	m := replicator.Mapping{Topic: t.secondary, Reason: t.held.reason, Detail: t.held.detail}
	var p *partition
	if n >= 0 && int(n) < len(t.parts) {
		p = t.parts[n]
	}
	id, partitions, parts, gone := t.primaryID, t.partitions, len(t.parts), s.trouble[replicator.Primary].err != nil
	s.mu.RUnlock()

	none := [16]byte{}
	switch {
	case m.Reason != replicator.NoReason && p == nil:
	case topicID != none && id != none && topicID != id:
		m.Reason, m.Detail = replicator.TopicRecreated, "committed for a topic of that name which was deleted since; the next commit of the group counts"
	case p == nil:
		m.Reason, m.Detail = replicator.PartitionMissing, fmt.Sprintf("the secondary has %d of the primary's %d partitions. Try: let the mirror add them", parts, partitions)
	case m.Reason == replicator.TopicMissing || m.Reason == replicator.PartitionMismatch || m.Reason == replicator.TopicRecreated:
	default:
		m.Reason, m.Detail = replicator.NoReason, ""
		s.forward(p, &m, u, gone)
	}
	return m
}

// forward answers from the index. What is not exact is looked for, as long as both sides answer.
func (s *Source) forward(p *partition, m *replicator.Mapping, u int64, gone bool) {
	p.mu.Lock()
	known, ready, why, primary := p.known || p.sides&2 != 0, p.ready, p.problem, p.primary
	m.Secondary = p.bounds
	found, settled := p.settled[u]
	early := p.early()
	p.mu.Unlock()
	settled = settled && time.Since(found.at) < settledFor
	if !known {
		m.Reason, m.Detail = replicator.CatchingUp, "the bounds of the partition are not known yet"
		return
	}
	if m.Secondary.End <= m.Secondary.LogStart {
		m.Position = empty(m.Secondary, u, primary)
		return
	}
	if !ready && !gone && why.reason == replicator.NoReason {
		m.Reason, m.Detail = replicator.CatchingUp, "the records of both sides are being compared for the first time"
		return
	}
	m.Position = s.position(p, u)
	switch c := m.Position.Confidence; {
	case c == translate.Exact:
		return
	case c == translate.Behind:
		// The frontier may be from before this process, and what it said from after it: nothing goes back for that.
		f, ok := p.index.Frontier()
		m.Pending = !gone && (!ok || f.Secondary < m.Secondary.End)
		return
	case !ready && why.reason != replicator.NoReason:
		m.Reason, m.Detail = why.reason, why.detail
		m.Position = translate.Position{Confidence: translate.Unmapped, Reread: -1}
		return
	case settled:
		m.Pending, m.Improves, m.Detail = early, true, found.detail
	case gone:
		m.Improves, m.Detail = true, "the primary does not answer: what was not compared before can't be now"
	default:
		m.Pending, m.Improves, m.Detail = true, true, "being looked for"
		s.want(p, u)
	}
	if m.Position.Confidence == translate.Unmapped {
		m.Position = translate.Position{Offset: m.Secondary.LogStart, Confidence: translate.Floor, Reread: m.Secondary.End - m.Secondary.LogStart}
	}
}

// position is the index's answer. While the mirror copies again, what it copied so far does not count: T is where the
// first record is that it did not.
func (s *Source) position(p *partition, u int64) translate.Position {
	p.mu.Lock()
	sessions, b, blurred := p.sessions, p.bounds, p.blurred
	p.mu.Unlock()
	v, in := u, session{to: none}
	if len(sessions) > 1 {
		if to, part, ok := route(sessions, u); ok {
			v, in = to, part
		}
	}
	pos := p.index.Forward(v, b)
	if pos.Offset >= in.to {
		// What the index knows around there was compared before the mirror was seen to have gone back.
		at := min(b.End, max(b.LogStart, in.from-s.opt.MaxWindow))
		return translate.Position{Offset: at, Confidence: translate.Floor, Reread: max(0, min(in.to, b.End)-at)}
	}
	if v > u && blurred > 0 && pos.Confidence == translate.Exact {
		// How far it has come is not known to a record.
		pos.Confidence, pos.Reread = translate.Floor, blurred
	}
	return pos
}

// empty answers for a secondary that serves no record: its log start is its end, nothing lies below, and what is copied
// later lands there or above.
func empty(b translate.Bounds, u int64, primary translate.Bounds) translate.Position {
	if u <= primary.LogStart {
		return translate.Position{Offset: b.End, Confidence: translate.Exact}
	}
	return translate.Position{Offset: b.End, Confidence: translate.Behind, Reread: u - primary.LogStart}
}

// want queues an offset to be looked for.
func (s *Source) want(p *partition, u int64) {
	p.mu.Lock()
	added := p.wants.add(u, time.Now())
	p.mu.Unlock()
	if added {
		s.enqueue(p)
	}
}

// Want implements replicator.Mapper.
func (s *Source) Want(name string, n int32, u int64) {
	s.mu.RLock()
	t := s.topics[name]
	var p *partition
	if t != nil && n >= 0 && int(n) < len(t.parts) {
		p = t.parts[n]
	}
	s.mu.RUnlock()
	if p == nil {
		return
	}
	if s.position(p, u).Confidence != translate.Behind {
		return // Forward has queued it
	}
	p.mu.Lock()
	p.waitsTip = time.Now()
	p.mu.Unlock()
	s.enqueue(p)
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
