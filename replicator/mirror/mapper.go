package mirror

import (
	"fmt"
	"maps"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// Forward implements replicator.Mapper.
func (s *Source) Forward(name string, topicID [16]byte, partition int32, offset int64) replicator.Mapping {
	s.mu.RLock()
	t, fenced := s.topics[name], s.fenced[name]
	if fenced {
		s.mu.RUnlock()
		return s.handedOver(name)
	}
	if t == nil {
		s.mu.RUnlock()
		return replicator.Mapping{Reason: replicator.TopicMissing, Detail: fmt.Sprintf("topic %s is not mirrored", name)}
	}
	m := replicator.Mapping{Topic: t.secondary, Reason: t.problem.reason, Detail: t.problem.detail}
	var p *partitionPair
	if int(partition) < len(t.parts) && partition >= 0 {
		p = t.parts[partition]
	}
	primaryID := t.primaryID
	s.mu.RUnlock()

	none := [16]byte{}
	switch {
	case m.Reason != replicator.NoReason:
	case topicID != none && primaryID != none && topicID != primaryID:
		m.Reason, m.Detail = replicator.TopicRecreated, fmt.Sprintf("the commit was made for another incarnation of topic %s", name)
	case p == nil:
		m.Reason, m.Detail = replicator.PartitionMissing, fmt.Sprintf("partition %d of topic %s is not on the secondary yet", partition, m.Topic)
	default:
		p.forward(&m, offset)
	}
	return m
}

func (p *partitionPair) forward(m *replicator.Mapping, offset int64) {
	served, known, trusted, why := p.view.answerable()
	m.Secondary = served
	switch {
	case !known:
		m.Reason, m.Detail = replicator.Unreachable, why
	case !trusted:
		m.Reason, m.Detail = replicator.SourceDegraded, "the mirror is comparing both sides"
		if why != "" {
			m.Detail += ": " + why
		}
	default:
		m.Position = p.index.Forward(offset, served)
		p.explain(m)
	}
}

// explain adds to an answer of the index what a person should know of it.
func (p *partitionPair) explain(m *replicator.Mapping) {
	switch m.Position.Confidence {
	case translate.Unmapped:
		m.Reason = replicator.Unmapped
	case translate.Behind:
		if p.view.stale() {
			m.Reason, m.Detail = replicator.SourceDegraded, "the mirror is looking at what the last process copied"
		}
	case translate.Floor:
		if foreign := p.index.ForeignSpans(); len(foreign) > 0 && foreign[0].From <= m.Position.Offset {
			m.Detail = foreignDetail(foreign)
		}
	}
}

// Mirrored implements replicator.Mapper.
func (s *Source) Mirrored() map[string]int32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.counts)
}

// Want implements replicator.Mapper. The mirror copies everything as fast as it can; nothing is gained by knowing.
func (s *Source) Want(string, int32, int64) {}
