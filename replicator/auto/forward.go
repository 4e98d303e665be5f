package auto

import (
	"maps"
	"time"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
)

// Forward implements replicator.Mapper.
func (s *Source) Forward(topic string, topicID [16]byte, n int32, u int64) replicator.Mapping {
	c, known := s.chosen(topic)
	switch {
	case !known:
		s.ask(topic)
		return replicator.Mapping{Reason: replicator.CatchingUp, Detail: "which mapping fits is being found out"}
	case c.mapping == "":
		to, _ := s.name(topic)
		return replicator.Mapping{Topic: to, Reason: c.reason, Detail: c.why}
	}
	m := s.of(c.mapping).Forward(topic, topicID, n, u)
	if m.Topic == "" && m.Reason == replicator.TopicMissing && time.Since(c.at) < settling {
		m.Reason, m.Detail = replicator.CatchingUp, "mapping "+c.mapping+" has not come to the topic yet"
	}
	return m
}

// settling is how long a source may take to find a topic that it was given.
const settling = 15 * time.Second

func (s *Source) of(mapping string) replicator.Mapper {
	if mapping == configs.MappingIdentity {
		return s.identity
	}
	return s.comparing
}

// Want implements replicator.Mapper.
func (s *Source) Want(topic string, n int32, u int64) {
	if c, ok := s.chosen(topic); ok && c.mapping != "" {
		s.of(c.mapping).Want(topic, n, u)
	}
}

// Mirrored implements replicator.Mapper.
func (s *Source) Mirrored() map[string]int32 {
	all := maps.Clone(s.identity.Mirrored())
	if all == nil {
		all = map[string]int32{}
	}
	maps.Copy(all, s.comparing.Mirrored())
	return all
}
