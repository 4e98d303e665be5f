package auto

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/match"
)

// State is that of what compares, with the problems of all.
func (s *Source) State() match.State {
	st := s.comparing.State()
	if s.Chosen()[configs.MappingMM2] == 0 {
		st.Notes = nil // of offset syncs that nobody needs
	}
	for _, p := range s.identity.State().Problems {
		st.Problems = append(st.Problems, match.Problem(p))
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.failing != nil {
		st.Notes = append(st.Notes, fmt.Sprintf("which mapping fits could not be found out: %v", s.failing))
	}
	for _, c := range s.topics {
		if c.mapping == "" && c.reason != replicator.Filtered {
			st.Notes = append(st.Notes, "no mapping: "+c.why)
		}
	}
	slices.Sort(st.Notes)
	slices.SortStableFunc(st.Problems, func(a, b match.Problem) int { return strings.Compare(a.Topic, b.Topic) })
	return st
}

// Chosen counts topics by mapping.
func (s *Source) Chosen() map[string]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := map[string]int{}
	for _, c := range s.topics {
		if c.mapping != "" {
			all[c.mapping]++
		}
	}
	return all
}

// Identical says whether a topic has the same offsets on both sides.
func (s *Source) Identical(topic string) bool {
	c, _ := s.chosen(topic)
	return c.mapping == configs.MappingIdentity
}
