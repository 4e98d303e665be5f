package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
)

// memory is what is kept on the secondary, so that it outlives this machine: which topics changed hands, and who groups belong
// to. It is read before anything is mirrored or written, and again now and then: another leftoff may have changed it.
type memory struct {
	store *failover.Store
	log   *zap.Logger
	read  chan struct{} // closed when it was read once, or can't be

	mu      sync.Mutex
	once    sync.Once
	roles   map[string]failover.Role
	heard   map[string]string         // verdicts that are
	untold  map[string]failover.Group // verdicts that are not on the secondary yet
	problem string
}

const (
	rememberEvery  = 2 * time.Second
	rememberWithin = 15 * time.Second
)

func newMemory(secondary *kafka.Cluster, id string, log *zap.Logger) *memory {
	return &memory{
		store: failover.NewStore(&failover.KafkaLog{Cluster: secondary}, id), log: log,
		read: make(chan struct{}), roles: map[string]failover.Role{}, untold: map[string]failover.Group{},
	}
}

// await waits until what is kept was read.
func (m *memory) await(ctx context.Context) {
	select {
	case <-m.read:
	case <-ctx.Done():
	}
}

// remember keeps a running link in line with what is kept on the secondary, until ctx ends.
func (l *link) remember(ctx context.Context, r *running) error {
	tick := time.NewTicker(rememberEvery)
	defer tick.Stop()
	for {
		r.memory.note(l.recall(ctx, r))
		r.memory.lookFor(r.source)
		if !l.ReadOnly {
			r.memory.tell(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// recall reads what is kept and applies it. Where reading it is not allowed, that is said, and what this machine knows must do.
func (l *link) recall(ctx context.Context, r *running) error {
	ctx, cancel := context.WithTimeout(ctx, rememberWithin)
	defer cancel()
	k, err := r.memory.store.Load(ctx)
	if err != nil {
		if kafka.Classify(err) == kafka.Unauthorized {
			r.memory.once.Do(func() { close(r.memory.read) })
		}
		return err
	}
	if err := l.apply(ctx, r, k); err != nil {
		return err
	}
	r.memory.once.Do(func() { close(r.memory.read) })
	return nil
}

// apply brings the link in line.
func (l *link) apply(ctx context.Context, r *running, k failover.Known) error {
	was := r.memory.hear(k)
	verdicts := map[string]replicator.Verdict{}
	for group, e := range k.Groups {
		if kind, ok := verdictKinds[e.Verdict]; ok {
			verdicts[group] = replicator.Verdict{Kind: kind, At: e.At.UnixMilli(), Why: e.Why}
		}
	}
	if err := r.loop.Recall(ctx, verdicts); err != nil {
		return err
	}
	source, mirrors := r.source.(*mirror.Source)
	if !mirrors {
		return nil
	}
	var fence, back []string
	for topic, role := range k.Roles {
		switch switched := role.Name == failover.Switched; {
		case switched && was[topic].Name != failover.Switched:
			fence = append(fence, topic)
		case !switched && was[topic].Name == failover.Switched:
			back = append(back, topic)
		}
	}
	source.Unfence(back)
	return source.Fence(ctx, fence)
}

// primaryByLog looks for the cluster id of a primary that is gone, on an empty disk, in what a failover left on the secondary.
func (l *link) primaryByLog(ctx context.Context, secondaryID string) {
	ctx, cancel := context.WithTimeout(ctx, rememberWithin)
	defer cancel()
	primaries, err := failover.Primaries(ctx, &failover.KafkaLog{Cluster: l.clusters[replicator.Secondary]}, l.Name, secondaryID)
	if err != nil || len(primaries) != 1 {
		return
	}
	l.log.Info("the primary's cluster id, by what is kept on the secondary", zap.String("cluster_id", primaries[0]))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ids[replicator.Primary] == "" {
		l.ids[replicator.Primary] = primaries[0]
	}
}

// hear takes what is kept, and returns the roles from before.
func (m *memory) hear(k failover.Known) (was map[string]failover.Role) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, m.roles, m.heard = m.roles, k.Roles, map[string]string{}
	for group, e := range k.Groups {
		m.heard[group] = e.Verdict
	}
	return was
}

var verdictKinds = map[string]replicator.VerdictKind{
	replicator.VerdictTakenOver.String():  replicator.VerdictTakenOver,
	replicator.VerdictHandedOver.String(): replicator.VerdictHandedOver,
	replicator.VerdictReclaimed.String():  replicator.VerdictReclaimed,
}

// verdict queues what became of a group, to be kept on the secondary. What a failover decides, its machine writes itself.
func (m *memory) verdict(group string, v replicator.Verdict) {
	if strings.HasPrefix(v.Why, machineWhy) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heard[group] == v.Kind.String() {
		delete(m.untold, group)
		return
	}
	m.untold[group] = failover.Group{Name: group, Verdict: v.Kind.String(), Why: v.Why}
}

// machineWhy begins the reasons of what the machine decides.
const machineWhy = "failover "

// tell writes what is not on the secondary yet. What fails is tried again.
func (m *memory) tell(ctx context.Context) {
	m.mu.Lock()
	groups := slices.Collect(maps.Values(m.untold))
	m.mu.Unlock()
	if len(groups) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, rememberWithin)
	defer cancel()
	if err := m.store.SetGroups(ctx, "leftoff", groups); err != nil {
		m.note(err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range groups {
		if m.untold[g.Name] == g {
			delete(m.untold, g.Name)
		}
	}
}

// note takes what went wrong, for status.
func (m *memory) note(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, replicator.ErrEnded) {
		return
	}
	text := ""
	if err != nil {
		text = fmt.Sprintf("what is kept of failovers and take-overs on the secondary: %v", err)
	}
	m.mu.Lock()
	was := m.problem
	m.problem = text
	m.mu.Unlock()
	if text != "" && was == "" {
		m.log.Warn("what is kept on the secondary", zap.Error(err))
	}
}

// lookFor has the source look past where topics were switched, so that a mirror that still copies there is seen.
func (m *memory) lookFor(s source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, role := range m.roles {
		for _, mark := range role.Marks {
			if role.Name == failover.Switched && mark.Primary >= 0 {
				s.Want(topic, mark.Partition, mark.Primary+1)
			}
		}
	}
}

// problems are sentences for status.
func (m *memory) problems() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.problem == "" {
		return nil
	}
	return []string{m.problem}
}

// switched says whether a topic changed hands.
func (m *memory) switched(topic string) (failover.Role, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.roles[topic]
	return r, ok && r.Name == failover.Switched
}
