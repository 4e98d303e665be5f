package match

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator"
)

// State is what the source can say about itself at any time.
type State struct {
	Topics, Partitions int
	// Ready partitions have been looked at; the others are being, or Problems says why not.
	Ready int
	// Wanted offsets are being looked for.
	Wanted int
	// Probes is how many offsets were looked for since the start, Conflicts how often what they showed contradicted what was known.
	Probes, Conflicts int64
	// Read of each side, by replicator.Side.
	Fetches, Bytes [2]int64
	// Weakest is what records are recognised by where the least is compared; empty where whole records are.
	Weakest string
	// Notes are sentences about other things than topics and partitions.
	Notes []string
	// Problems, by topic and partition.
	Problems []Problem
}

// Problem is a topic (Partition −1) or a partition of which nothing can be said, and why.
type Problem struct {
	Topic     string
	Partition int32
	Reason    replicator.Reason
	Detail    string
}

// State may be called at any time, from any goroutine.
func (s *Source) State() State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := State{Topics: len(s.topics)}
	for side, c := range []*counter{&s.primary, &s.secondary} {
		st.Fetches[side], st.Bytes[side] = c.fetches.Load(), c.bytes.Load()
	}
	weakest := whole
	for _, t := range s.topics {
		if t.held.reason != replicator.NoReason {
			st.Problems = append(st.Problems, Problem{t.name, -1, t.held.reason, t.held.detail})
		}
		for _, p := range t.parts {
			weakest = max(weakest, p.count(&st))
		}
	}
	for side, t := range s.trouble {
		if t.err != nil {
			st.Problems = append(st.Problems, Problem{"", -1, replicator.Unreachable,
				fmt.Sprintf("the %s can't be asked since %s: %v", replicator.Side(side), t.since.UTC().Format(time.RFC3339), t.err)})
		}
	}
	if weakest > whole {
		st.Weakest = weakest.String()
	}
	slices.SortFunc(st.Problems, func(a, b Problem) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition - b.Partition)
	})
	return st
}

func (p *partition) count(st *State) level {
	p.mu.Lock()
	defer p.mu.Unlock()
	st.Partitions++
	if p.ready || p.known && p.bounds.End <= p.bounds.LogStart {
		st.Ready++
	}
	st.Wanted += len(p.wants.stack)
	st.Probes += p.probes
	st.Conflicts += p.conflicts
	if p.problem.reason != replicator.NoReason {
		st.Problems = append(st.Problems, Problem{p.topic.name, p.id, p.problem.reason, p.problem.detail})
	} else if p.err != nil {
		st.Problems = append(st.Problems, Problem{p.topic.name, p.id, replicator.SourceDegraded, p.err.Error()})
	}
	return p.level
}

func (p Problem) String() string {
	switch {
	case p.Topic == "":
		return p.Detail
	case p.Partition < 0:
		return fmt.Sprintf("%s: %s", p.Topic, p.Detail)
	}
	return fmt.Sprintf("%s/%d: %s", p.Topic, p.Partition, p.Detail)
}
