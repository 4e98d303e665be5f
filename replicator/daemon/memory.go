package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
	"github.com/leftoff/leftoff/translate"
)

// memory is what is kept on the secondary, so that it outlives this machine: which topics changed hands, and who groups belong
// to. It is read before anything is mirrored or written, and again now and then: another leftoff may have changed it.
type memory struct {
	store   *failover.Store
	lineage *lineage // what the store reads
	log     *zap.Logger

	reads, writes patience // of remember's

	read  chan struct{}                   // closed when it was read once, or can't be
	turn  chan struct{}                   // full while somebody changes what is kept, or brings the link in line with it: one at a time
	fixed atomic.Pointer[map[string]bool] // topics that changed hands; nil: none. The planner asks for every offset

	mu       sync.Mutex
	once     sync.Once
	known    bool            // it was heard once
	newest   int64           // offset of the newest event that was heard
	events   int             // how many there were
	state    *failover.State // of the newest failover, nil: none
	roles    map[string]failover.Role
	heard    map[string]string                // verdicts that are
	handed   map[string]bool                  // groups that were handed over once
	listed   map[string]bool                  // topics that have copies, as the secondary knows
	leftOut  map[string][]failover.Unmirrored // the primary's records that ways home left where they are, by the topic's id
	placed   []failover.Replayed              // where those are
	home     map[string]int                   // how many groups are whose they are for which reason
	untold   map[string]failover.Group        // verdicts that are not on the secondary yet
	unlogged map[string]failover.Role         // topics that changed hands, and of which the log has no word
	fencing  map[string]bool                  // topics that a step has just fenced, and not written down yet
	problem  string
	doubt    string // whether this link had another name
}

const (
	rememberEvery  = 2 * time.Second
	rememberWithin = 15 * time.Second
)

func newMemory(secondary *kafka.Cluster, id string, log *zap.Logger) *memory {
	return newMemoryOf(&failover.KafkaLog{Cluster: secondary}, id, log)
}

func newMemoryOf(of failover.Log, id string, log *zap.Logger) *memory {
	kept := &lineage{Log: of, self: id}
	return &memory{
		store: failover.NewStore(kept, id), lineage: kept, log: log,
		read: make(chan struct{}), turn: make(chan struct{}, 1), roles: map[string]failover.Role{}, untold: map[string]failover.Group{},
		fencing: map[string]bool{},
	}
}

// alone runs f while nobody else changes what is kept: what was read before a change must not be applied after it.
func (m *memory) alone(ctx context.Context, f func() error) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.turn }()
	return f()
}

// await waits until what is kept was read.
func (m *memory) await(ctx context.Context) {
	select {
	case <-m.read:
	case <-ctx.Done():
	}
}

// remember keeps a running link in line with what is kept on the secondary, until ctx ends. What it may not do there it tries again, less and less often.
func (l *link) remember(ctx context.Context, r *running) error {
	tick := time.NewTicker(rememberEvery)
	defer tick.Stop()
	for {
		err := r.memory.alone(ctx, func() error {
			err := r.memory.reads.try(func() error { return l.recall(ctx, r) })
			if !l.ReadOnly && !errors.Is(err, ErrRefused) {
				err = errors.Join(err, r.memory.writes.try(func() error {
					return errors.Join(r.memory.tellRoles(ctx), r.memory.tell(ctx), r.memory.list(ctx, r.source))
				}))
			}
			return err
		})
		if errors.Is(err, ErrRefused) {
			return err
		}
		r.memory.note(err)
		r.memory.lookFor(r.source)
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
	if err := l.adopt(ctx, r.memory); err != nil {
		return l.unread(ctx, r, err)
	}
	k, err := r.memory.store.Load(ctx)
	if err != nil {
		return l.unread(ctx, r, err)
	}
	k = r.memory.withOwn(k, l.switched())
	if err := l.recognised(ctx, r); err != nil {
		return err
	}
	if err := l.apply(ctx, r, k); err != nil {
		return err
	}
	r.memory.once.Do(func() { close(r.memory.read) })
	return nil
}

// isKnown: what is kept was heard once.
func (m *memory) isKnown() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known
}

// recognised makes sure, before anything is applied for the first time, that the link was not called otherwise when it was kept.
func (l *link) recognised(ctx context.Context, r *running) error {
	if r.memory.isKnown() {
		return nil
	}
	if err := l.swapped(ctx, r.memory.store); err != nil {
		return err
	}
	doubt, err := l.renamed(ctx, r)
	if err != nil {
		return err
	}
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	r.memory.doubt = doubt
	return nil
}

// apply brings the link in line. It may be repeated, and goes by what is so, not by what was the last time.
func (l *link) apply(ctx context.Context, r *running, k failover.Known) error {
	verdicts, news := r.memory.unheard(k)
	if err := r.loop.Recall(ctx, verdicts, news); err != nil {
		return err
	}
	if !news || r.memory.forgot(k) {
		r.memory.recollect(l.index.Verdicts(), k)
	}
	for _, topic := range r.memory.hear(k) {
		r.loop.Notify(replicator.Advance{Topic: topic, Partition: -1, All: true})
	}
	return errors.Join(l.bringInLine(ctx, r, k), l.keepSwitched(k.Roles))
}

// bringInLine fences leftoff's mirror of topics that changed hands, and lets the others go.
func (l *link) bringInLine(ctx context.Context, r *running, k failover.Known) error {
	source, mirrors := r.source.(*mirror.Source)
	if !mirrors {
		return nil
	}
	fence, back := r.memory.fences(k, source.Fenced())
	source.Unfence(back)
	return source.Fence(ctx, fence)
}

// primaryByLog looks for the cluster id of a primary that is gone, on an empty disk, in what a failover left on the secondary.
func (l *link) primaryByLog(ctx context.Context, secondaryID string) {
	ctx, cancel := context.WithTimeout(ctx, rememberWithin)
	defer cancel()
	kept := &failover.KafkaLog{Cluster: l.clusters[replicator.Secondary]}
	primaries, others, err := failover.Primaries(ctx, kept, l.Name, secondaryID)
	if former := l.config.RenamedFrom; former != "" && err == nil && len(primaries) == 0 {
		primaries, others, err = failover.Primaries(ctx, kept, former, secondaryID)
	}
	if err == nil && len(primaries) == 0 && len(others) > 0 {
		l.log.Warn("the primary does not answer, and of this link nothing is kept on the secondary; of others there is. "+
			"Try: if it was given another name, name it as it was, or say renamed_from", zap.Strings("links", others))
	}
	if err != nil || len(primaries) == 0 {
		return
	}
	newest := primaries[len(primaries)-1] // a region that was built anew has another id than before
	l.log.Info("the primary's cluster id, by what is kept on the secondary", zap.String("cluster_id", newest))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ids[replicator.Primary] == "" {
		l.ids[replicator.Primary] = newest
	}
}

// unheard are the verdicts that are news, or all of them the first time. What this process concluded and has not told yet comes later in
// the log than anything that is there.
func (m *memory) unheard(k failover.Known) (verdicts map[string]replicator.Verdict, news bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	verdicts = map[string]replicator.Verdict{}
	for group, e := range k.Groups {
		kind, ok := verdictKinds[e.Verdict]
		_, untold := m.untold[group]
		if ok && (!m.known || e.Offset > m.newest && !untold) {
			verdicts[group] = replicator.Verdict{Kind: kind, At: e.At.UnixMilli(), Why: e.Why}
		}
	}
	return verdicts, m.known
}

// hear takes what is kept, and returns the topics whose role changed.
func (m *memory) hear(k failover.Known) (changed []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.roles
	m.state = k.State
	m.known, m.newest, m.events, m.roles, m.heard, m.handed = true, -1, len(k.Events), k.Roles, map[string]string{}, map[string]bool{}
	m.listed, m.leftOut, m.placed, m.home = k.Mirrored, k.LeftOut(), k.AllReplays(), reasons(k.Groups)
	for group, e := range k.Groups {
		if m.heard[group] = e.Verdict; m.untold[group].Verdict == e.Verdict {
			delete(m.untold, group) // somebody wrote it: the machine, as a rule
		}
	}
	for i := range k.Events {
		e := &k.Events[i]
		m.newest = max(m.newest, e.Offset)
		if e.Verdict == replicator.VerdictHandedOver.String() {
			m.handed[e.Group] = true
		}
	}
	for topic, role := range k.Roles {
		if role.Name != was[topic].Name {
			changed = append(changed, topic)
		}
	}
	m.fix(k.Roles)
	return changed
}

// fix has the planner leave topics alone that changed hands.
func (m *memory) fix(roles map[string]failover.Role) {
	fixed := map[string]bool{}
	for topic, role := range roles {
		if role.Name == failover.Switched {
			fixed[topic] = true
		}
	}
	if m.fixed.Store(nil); len(fixed) > 0 {
		m.fixed.Store(&fixed)
	}
}

// fences says what has to be fenced and let go so that it is as kept. What a step is just about to write down stays fenced.
func (m *memory) fences(k failover.Known, fenced []string) (fence, back []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k.State.Over() {
		clear(m.fencing)
	}
	for topic, role := range k.Roles {
		if role.Name != failover.Switched {
			continue
		}
		delete(m.fencing, topic)
		if !slices.Contains(fenced, topic) {
			fence = append(fence, topic)
		}
	}
	for _, topic := range fenced {
		if k.Roles[topic].Name != failover.Switched && !m.fencing[topic] {
			back = append(back, topic)
		}
	}
	slices.Sort(fence)
	return fence, back
}

// fence notes that a step fences topics, or lets them go.
func (m *memory) fence(topics []string, fences bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, topic := range topics {
		if delete(m.fencing, topic); fences {
			m.fencing[topic] = true
		}
	}
}

// wasHandedOver: leftoff let go of a group once.
func (m *memory) wasHandedOver(group string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.handed[group]
}

var verdictKinds = map[string]replicator.VerdictKind{
	replicator.VerdictTakenOver.String():  replicator.VerdictTakenOver,
	replicator.VerdictHandedOver.String(): replicator.VerdictHandedOver,
	replicator.VerdictReclaimed.String():  replicator.VerdictReclaimed,
}

// verdict queues what became of a group, to be kept on the secondary. What a failover decides, its machine writes itself, at once; should it
// die before that, it is told from here.
func (m *memory) verdict(group string, v replicator.Verdict) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heard[group] == v.Kind.String() {
		delete(m.untold, group)
		return
	}
	m.untold[group] = failover.Group{Name: group, Verdict: v.Kind.String(), Why: v.Why}
}

// tell writes what is not on the secondary yet. What fails is tried again.
func (m *memory) tell(ctx context.Context) error {
	m.mu.Lock()
	groups := slices.Collect(maps.Values(m.untold))
	m.mu.Unlock()
	if len(groups) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, rememberWithin)
	defer cancel()
	if err := m.store.SetGroups(ctx, "leftoff", groups); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range groups {
		if m.untold[g.Name] == g {
			delete(m.untold, g.Name)
		}
	}
	return nil
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
	return slices.DeleteFunc([]string{m.problem, m.doubt}, func(p string) bool { return p == "" })
}

// ruled is a mapping source whose topics may have changed hands: what the primary commits on those means nothing on the secondary, whoever
// copied them.
type ruled struct {
	source
	memory *memory
	rename func(string) (string, bool)
}

func (r ruled) Forward(topic string, topicID [16]byte, partition int32, offset int64) replicator.Mapping {
	fixed := r.memory.fixed.Load()
	if fixed == nil || !(*fixed)[topic] {
		return r.source.Forward(topic, topicID, partition, offset)
	}
	to, _ := r.rename(topic)
	return replicator.Mapping{Topic: to, Reason: replicator.HandedOver,
		Detail: fmt.Sprintf("topic %s is written on the secondary since a failover: what the primary commits means nothing there. Try: leftoff failover status", to)}
}

// left are the primary's offsets of a topic that ways home left where they are.
func (m *memory) left(id [16]byte, partition int32) []translate.Span {
	return m.leftOf(idOf(id), partition)
}

func (m *memory) leftOf(id string, partition int32) (all []translate.Span) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.leftOut[id] {
		if d.Partition == partition {
			all = append(all, translate.Span{From: d.From, To: d.To})
		}
	}
	slices.SortFunc(all, func(a, b translate.Span) int { return cmp.Compare(a.From, b.From) })
	return all
}
