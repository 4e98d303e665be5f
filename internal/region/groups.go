package region

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// expiryEvery is how often groups with members are looked at without a request: sessions expire by themselves.
const expiryEvery = 250 * time.Millisecond

// groups writes the records of groups and members: what changed between two snapshots that kfake gives.
type groups struct {
	r     *Region
	mu    sync.Mutex
	known map[string]*group
}

// group is what is known of a group from its requests, and what the log says of it.
type group struct {
	consumer      bool // KIP-848
	protocolType  string
	session       int32
	rebalance     int32
	written       bool // the log has a group record
	wroteConsumer bool // and it is a KIP-848 one
	epoch         int32
	members       map[string]kfake.GroupMember
}

func newGroups(r *Region) *groups { return &groups{r: r, known: make(map[string]*group)} }

// know remembers that a group exists: kfake has no list of its groups.
func (s *groups) know(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.get(name)
}

func (s *groups) get(name string) *group {
	g := s.known[name]
	if g == nil {
		g = &group{members: make(map[string]kfake.GroupMember)}
		s.known[name] = g
	}
	return g
}

func (s *groups) joining(req *kmsg.JoinGroupRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.get(req.Group)
	g.consumer, g.protocolType = false, req.ProtocolType
	g.session, g.rebalance = req.SessionTimeoutMillis, req.RebalanceTimeoutMillis
}

func (s *groups) beating(req *kmsg.ConsumerGroupHeartbeatRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.get(req.Group)
	g.consumer, g.protocolType = true, "consumer"
	if req.RebalanceTimeoutMillis > 0 {
		g.rebalance = req.RebalanceTimeoutMillis
	}
}

// names lists the groups that any request named, and those that ever committed.
func (s *groups) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.known))
}

// observe writes what has changed. It waits for commits of the group that are under way, so that the log has them in the
// order in which kfake decided.
func (s *groups) observe(name string) {
	release, err := s.r.locks.acquire(s.r.closing, name)
	if err != nil {
		return
	}
	defer release()
	info := s.r.cluster.GroupInfo(name)
	if info == nil {
		return
	}
	s.mu.Lock()
	entries := s.get(name).changes(s.r, info)
	s.mu.Unlock()
	s.r.log.append(name, entries)
}

// deleted returns the tombstones of the group's own records. Its locks are held.
func (s *groups) deleted(name string) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.get(name)
	delete(s.known, name)
	if g.wroteConsumer {
		return []entry{{key: groupKey(typeTarget, name)}, {key: groupKey(typeConsumerGroup, name)}}
	}
	return []entry{{key: groupKey(typeGroup, name)}}
}

// watchExpiry looks at the groups that have members until the region closes.
func (s *groups) watchExpiry() {
	tick := time.NewTicker(expiryEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.r.closing:
			return
		case <-tick.C:
		}
		for _, name := range s.populated() {
			s.observe(name)
		}
	}
}

func (s *groups) populated() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, g := range s.known {
		if len(g.members) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// changes returns the records that lead from what is written to what is, and takes them for written.
func (g *group) changes(r *Region, info *kfake.GroupInfo) []entry {
	if g.consumer {
		return g.consumerChanges(r, info)
	}
	return g.classicChanges(info)
}

// classicChanges: Kafka writes a group, empty, when the first member asks to join; when its leader has synced; and when it
// has become empty.
func (g *group) classicChanges(info *kfake.GroupInfo) []entry {
	switch {
	case info.State == "Stable" && len(info.Members) > 0:
		if g.written && g.epoch == info.Epoch && len(g.members) == len(info.Members) {
			return nil
		}
	case info.State == "Empty" && len(g.members) > 0, !g.written && g.protocolType != "":
		info.Members = nil
	default:
		return nil
	}
	g.take(info)
	return []entry{{key: groupKey(typeGroup, info.Group), value: g.classicValue(info)}}
}

func (g *group) take(info *kfake.GroupInfo) {
	g.written, g.wroteConsumer, g.epoch = true, g.consumer, info.Epoch
	clear(g.members)
	for _, m := range info.Members {
		g.members[m.MemberID] = m
	}
}

func (g *group) consumerChanges(r *Region, info *kfake.GroupInfo) (entries []entry) {
	if g.written && !g.wroteConsumer {
		entries = append(entries, entry{key: groupKey(typeGroup, info.Group)}) // converted: not a deletion of its offsets
		clear(g.members)
	}
	now := make(map[string]bool)
	for _, m := range info.Members {
		now[m.MemberID] = true
		if old, ok := g.members[m.MemberID]; !ok || !slices.Equal(old.SubscribedTopics, m.SubscribedTopics) {
			entries = append(entries, entry{memberKey(typeMember, info.Group, m.MemberID), g.memberValue(m)})
		}
	}
	for id := range g.members {
		if !now[id] {
			for _, kind := range []int16{typeCurrent, typeTargetMember, typeMember} {
				entries = append(entries, entry{key: memberKey(kind, info.Group, id)})
			}
		}
	}
	if !g.written || !g.wroteConsumer || g.epoch != info.Epoch {
		entries = append(entries, entry{groupKey(typeConsumerGroup, info.Group), epochValue(info.Epoch)})
		entries = append(entries, entry{groupKey(typeTarget, info.Group), epochValue(info.Epoch)})
	}
	for _, m := range info.Members {
		old, ok := g.members[m.MemberID]
		if ok && g.epoch == info.Epoch && sameAssignment(old.Assignment, m.Assignment) {
			continue
		}
		assigned := r.byID(m.Assignment)
		entries = append(entries, entry{memberKey(typeTargetMember, info.Group, m.MemberID), targetValue(assigned)})
		entries = append(entries, entry{memberKey(typeCurrent, info.Group, m.MemberID), currentValue(info.Epoch, g.epoch, assigned)})
	}
	if len(entries) > 0 {
		g.take(info)
	}
	return entries
}

func sameAssignment(a, b map[string][]int32) bool {
	return maps.EqualFunc(a, b, func(x, y []int32) bool { return slices.Equal(x, y) })
}
