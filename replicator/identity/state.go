package identity

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

// State is what the source can say about itself at any time.
type State struct {
	Topics, Partitions int
	// Proven partitions, and those of whose secondary nothing can be wrong because it is empty.
	Proven, Empty int
	// Problems, by topic and partition: everything that is not answered, and why.
	Problems []Problem
	// Oldest is when the proof made longest ago was made, zero when there is none.
	Oldest time.Time
	// Error is what keeps the source from asking a cluster, nil when nothing does; Since when.
	Error error
	Since time.Time
}

// Problem is a topic (Partition −1) or a partition that is not answered.
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
	for _, t := range s.trouble {
		if t.err != nil && (st.Error == nil || t.since.Before(st.Since)) {
			st.Error, st.Since = t.err, t.since
		}
	}
	for _, t := range s.topics {
		if t.held.reason != replicator.NoReason {
			st.Problems = append(st.Problems, Problem{t.name, -1, t.held.reason, t.held.detail})
			continue
		}
		if int(t.partitions) > len(t.parts) {
			st.Problems = append(st.Problems, Problem{t.name, int32(len(t.parts)), replicator.PartitionMissing,
				fmt.Sprintf("the secondary has %d of %d partitions", len(t.parts), t.partitions)})
		}
		for _, p := range t.parts {
			st.count(p)
		}
	}
	slices.SortFunc(st.Problems, func(a, b Problem) int {
		if a.Topic != b.Topic {
			return strings.Compare(a.Topic, b.Topic)
		}
		return int(a.Partition - b.Partition)
	})
	return st
}

func (st *State) count(p *partition) {
	st.Partitions++
	switch h := p.answer(); {
	case h.reason != replicator.NoReason:
		st.Problems = append(st.Problems, Problem{p.topic.name, p.id, h.reason, h.detail})
	case p.verdict == proven:
		st.Proven++
		if st.Oldest.IsZero() || p.checked.Before(st.Oldest) {
			st.Oldest = p.checked
		}
	default:
		st.Empty++
	}
}

// trouble is the last error of a question. Source.mu guards it.
type trouble struct {
	err   error
	since time.Time
}

// report takes note of how a question went, and logs what is new.
func (s *Source) report(q question, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.trouble[q]
	switch {
	case err == nil && t.err != nil:
		s.log.Info("answered again", zap.Duration("after", time.Since(t.since)), zap.NamedError("was", t.err))
		*t = trouble{}
	case err != nil && t.err == nil:
		*t = trouble{err, time.Now()}
		s.log.Warn("can't ask; what was known stands", zap.Error(err))
	case err != nil:
		t.err = err
	}
}

func topicField(name string) zap.Field               { return zap.String("topic", name) }
func partitionField(n int32) zap.Field               { return zap.Int32("partition", n) }
func offsetField(key string, offset int64) zap.Field { return zap.Int64(key, offset) }
