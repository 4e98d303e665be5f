package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// strays are producers that were forgotten on the primary of topics that were switched: nobody follows there. They show by the ends of the topics:
// where one has grown since this process first asked for it after the switch. After a planned failover that is the newest, everything was on the
// secondary, so that what lies past P* came later, also while no leftoff ran. After an unplanned one the primary ends past P* for good.
//
// What is asked for is where the log ends, markers and all: what is readable grows also when an old transaction is ended.
type strays struct {
	mu  sync.Mutex
	all map[kafka.TopicPartition]*stray
}

// stray is a partition of a switched topic.
type stray struct {
	of         failover.Role
	first, end int64 // the first end since the switch, and the newest
	looked     int64 // the end up to which records past P* were looked for
	past       bool  // and there are some
}

// handedTo are the topics that changed hands.
type handedTo struct {
	roles   map[string]failover.Role
	planned string // the id of the newest failover, where that was a planned one
	coming  bool   // the primary gets the secondary's records back
}

// switched is what changed hands, and by what.
func (m *memory) switched() handedTo {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := handedTo{roles: failover.SwitchedOnly(m.roles), coming: m.state.ComingHome()}
	if s := m.state; s != nil && !s.Unplanned && s.Home == nil {
		h.planned = s.ID
	}
	return h
}

// ask asks for the ends of what changed hands. What does not answer is asked the next time.
func (s *strays) ask(ctx context.Context, primary *kafka.Cluster, h handedTo, counts map[string]int32) {
	if len(h.roles) == 0 {
		s.keep(h)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sampleWithin)
	defer cancel()
	var tps []kafka.TopicPartition
	for topic, role := range h.roles {
		for p := range max(int32(len(role.Marks)), counts[topic]) {
			tps = append(tps, kafka.TopicPartition{Topic: topic, Partition: p})
		}
	}
	if len(tps) == 0 {
		return
	}
	ends, err := primary.ListOffsets(ctx, kafka.Latest, tps)
	if err != nil {
		return
	}
	for _, tp := range s.take(h, ends) {
		p := markOf(h.roles[tp.Topic], tp.Partition).Primary
		end := ends[tp].Offset
		if _, some, err := firstRecord(ctx, primary, tp, p, end); err == nil {
			s.proven(tp, end, some)
		}
	}
}

// keep forgets what belongs to another switch.
func (s *strays) keep(h handedTo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.all, func(tp kafka.TopicPartition, p *stray) bool {
		return h.roles[tp.Topic].ID != p.of.ID || !h.roles[tp.Topic].At.Equal(p.of.At)
	})
}

// take takes ends, and lists the partitions that end past P* where they should not: whether there are records is to be looked at.
func (s *strays) take(h handedTo, ends map[kafka.TopicPartition]kafka.OffsetResult) (look []kafka.TopicPartition) {
	s.keep(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[kafka.TopicPartition]*stray{}
	}
	for tp, end := range ends {
		role, ok := h.roles[tp.Topic]
		if end.Err != nil || !ok {
			continue
		}
		p := s.all[tp]
		if p == nil {
			p = &stray{of: role, first: end.Offset, looked: unknown}
			s.all[tp] = p
		}
		p.end = end.Offset
		if p.end < p.first { // made anew, or cut
			p.first, p.looked, p.past = p.end, unknown, false
		}
		if mark := markOf(role, tp.Partition).Primary; role.ID == h.planned && mark >= 0 && p.end > mark && p.looked != p.end && !p.past {
			look = append(look, tp)
		}
	}
	return look
}

// proven says whether a partition has records from P* up to an end.
func (s *strays) proven(tp kafka.TopicPartition, end int64, some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.all[tp]; p != nil {
		p.looked, p.past = end, p.past || some
	}
}

// problems are a sentence for each topic. While records come home to the primary, what grows there is theirs.
func (s *strays) problems(h handedTo) (all []string) {
	if h.coming {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range slices.Sorted(maps.Keys(h.roles)) {
		first, more, offsets := int32(-1), 0, int64(0)
		for tp, p := range s.all {
			n := p.end - p.first
			if mark := markOf(p.of, tp.Partition).Primary; p.past && p.of.ID == h.planned {
				n = max(n, p.end-mark)
			}
			if tp.Topic != topic || n <= 0 {
				continue
			}
			if offsets, more = offsets+n, more+1; first < 0 || tp.Partition < first {
				first = tp.Partition
			}
		}
		switch more--; {
		case first < 0:
		case more == 0:
			all = append(all, fmt.Sprintf("%s/%d: %d %s", topic, first, offsets, wroteNowhere))
		default:
			all = append(all, fmt.Sprintf("%s/%d and %d more partitions: %d %s", topic, first, more, offsets, wroteNowhere))
		}
	}
	return all
}

const wroteNowhere = "offsets were written on the primary since the failover switched it, where nobody follows. " +
	"Try: stop its producers; leftoff failback lists what they wrote"
