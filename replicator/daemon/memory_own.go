package daemon

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
)

// What is kept on the secondary is kept in this machine's index, too: which topics changed hands, and who groups belong to. The secondary's word
// counts. Where it has none, because its topic was deleted or a process died before it told, or where it may not be read, the index's does: no
// fence ever falls because something is not there.

// switched are the topics that changed hands, by the index.
func (l *link) switched() map[string]failover.Role {
	all := map[string]failover.Role{}
	for topic, s := range l.index.Switched() {
		role := failover.Role{Name: failover.Switched, At: s.At, ID: s.ID}
		for _, m := range s.Marks {
			role.Marks = append(role.Marks, failover.Mark(m))
		}
		all[topic] = role
	}
	return all
}

// keepSwitched makes durable what the secondary says.
func (l *link) keepSwitched(roles map[string]failover.Role) error {
	if l.ReadOnly {
		return nil
	}
	all := map[string]checkpoint.Switched{}
	for topic, role := range roles {
		if role.Name != failover.Switched {
			continue
		}
		s := checkpoint.Switched{Topic: topic, At: role.At, ID: role.ID}
		for _, m := range role.Marks {
			s.Marks = append(s.Marks, checkpoint.Mark(m))
		}
		all[topic] = s
	}
	if was := l.index.Switched(); len(was) == len(all) && reflect.DeepEqual(was, all) || len(was)+len(all) == 0 {
		return nil
	}
	return l.index.SetSwitched(all)
}

// withOwn adds the topics that changed hands by the index and of which the log has no word at all: they stay as they are, and the log is told.
func (m *memory) withOwn(k failover.Known, own map[string]failover.Role) failover.Known {
	maps.DeleteFunc(own, func(topic string, _ failover.Role) bool { _, ok := k.Roles[topic]; return ok })
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(own) > 0 && len(m.unlogged) == 0 {
		m.log.Warn("the secondary does not know any more that topics changed hands: was its topic deleted? What this machine's index knows counts, and is written there again",
			zap.String("topic", failover.Topic), zap.Strings("changed_hands", slices.Sorted(maps.Keys(own))))
	}
	if m.unlogged = own; len(own) > 0 {
		roles := maps.Clone(own)
		maps.Copy(roles, k.Roles)
		k.Roles = roles
	}
	return k
}

// tellRoles writes again what the log has lost.
func (m *memory) tellRoles(ctx context.Context) error {
	m.mu.Lock()
	roles := m.unlogged
	m.mu.Unlock()
	if len(roles) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, rememberWithin)
	defer cancel()
	return m.store.SetRoles(ctx, "leftoff", "the log had lost it, and the index of a machine had not", roles)
}

// forgot says that the log has less than was heard of it: a person deleted it, or its beginning.
func (m *memory) forgot(k failover.Known) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(k.Events) < m.events
}

// recollect queues what an earlier process concluded and did not come to tell, the first time that the log was read; and all that was concluded,
// when the log has lost it. A reclaim is left out: told late it would outweigh what came after it, and without it a group is only not written.
func (m *memory) recollect(own map[string]checkpoint.Verdict, k failover.Known) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for group, v := range own {
		if v.Kind != checkpoint.TakenOver && v.Kind != checkpoint.HandedOver {
			continue
		}
		if e, ok := k.Groups[group]; ok && (e.Verdict == v.Kind.String() || !v.At.After(e.At)) {
			continue
		}
		if _, newer := m.untold[group]; !newer {
			m.untold[group] = failover.Group{Name: group, Verdict: v.Kind.String(), Why: v.Why}
		}
	}
}

// unread is for an error of reading. Where reading is not allowed, nobody waits for it any longer: what the index knows has to do, and
// first of all keeps the mirror away from topics that changed hands.
func (l *link) unread(ctx context.Context, r *running, err error) error {
	if kafka.Classify(err) != kafka.Unauthorized || errors.Is(err, ErrRefused) {
		return err
	}
	if !r.memory.isKnown() {
		if own := l.fallBack(ctx, r); own != nil {
			return errors.Join(err, own)
		}
	}
	r.memory.once.Do(func() { close(r.memory.read) })
	return err
}

func (l *link) fallBack(ctx context.Context, r *running) error {
	own := l.switched()
	topics := r.memory.assume(own)
	for _, topic := range topics {
		r.loop.Notify(replicator.Advance{Topic: topic, Partition: -1, All: true})
	}
	if source, mirrors := r.source.(*mirror.Source); mirrors {
		return source.Fence(ctx, topics)
	}
	return nil
}

// assume takes roles for want of what is kept, and lists their topics.
func (m *memory) assume(roles map[string]failover.Role) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roles = roles
	m.fix(roles)
	return slices.Sorted(maps.Keys(roles))
}
