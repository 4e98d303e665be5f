package mm2

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// CheckpointsOptions of a Checkpoints. Cluster and Topic are required.
type CheckpointsOptions struct {
	// Cluster is the secondary.
	Cluster *kafka.Cluster
	// Topic is the checkpoints topic; see Locate.
	Topic string
	// Notify hears of each group whose checkpoints changed. It must not block. nil: nobody wants to know.
	Notify func(group string)
	Logger *zap.Logger
	// Refresh is how often the topic is asked for. Default 1 s.
	Refresh time.Duration
}

// remembered is how many values of a key are known as MirrorMaker 2's: it writes a checkpoint to the group up to
// sync.group.offsets.interval.seconds after it emitted it, when newer ones may be there.
const remembered = 8

// Checkpoints knows what MirrorMaker 2 translated for which groups, and so which offsets on the secondary it wrote itself
// where sync.group.offsets.enabled is true. Make it with NewCheckpoints, run it once; it keeps nothing on disk.
type Checkpoints struct {
	f      *follower
	sieve  *sieve[checkpointRecord]
	notify func(string)

	mu     sync.RWMutex
	groups map[string]map[kafka.TopicPartition]*checkpoints
}

type checkpointRecord struct {
	Checkpoint
	deleted bool
}

// checkpoints of one key.
type checkpoints struct {
	newest Checkpoint
	before []int64 // downstream offsets, the newest last, without repetitions
}

// NewCheckpoints returns a reader that has read nothing yet.
func NewCheckpoints(o CheckpointsOptions) *Checkpoints {
	return newCheckpoints(realCluster{o.Cluster}, o)
}

func newCheckpoints(c cluster, o CheckpointsOptions) *Checkpoints {
	k := &Checkpoints{notify: o.Notify, groups: map[string]map[kafka.TopicPartition]*checkpoints{}}
	if k.notify == nil {
		k.notify = func(string) {}
	}
	k.sieve = &sieve[checkpointRecord]{topic: o.Topic, what: "a checkpoints", out: k.apply}
	k.f = newFollower(c, o.Topic, o.Refresh, o.Logger)
	k.f.take, k.f.settle, k.f.restart = k.record, k.settle, k.reset
	return k
}

// Run reads until ctx ends.
func (k *Checkpoints) Run(ctx context.Context) error { return k.f.run(ctx) }

// CaughtUp says that all checkpoints that were there at the start are known, or that there is no such topic.
func (k *Checkpoints) CaughtUp() bool { return k.f.snapshot().CaughtUp }

// State may be called at any time.
func (k *Checkpoints) State() State { return k.f.snapshot() }

// Syncs says whether MirrorMaker 2 translates offsets of a group. Whether it writes them, too, depends on
// sync.group.offsets.enabled, which no topic tells: Wrote.
func (k *Checkpoints) Syncs(group string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.groups[group]) > 0
}

// Wrote says whether an offset of a group on the secondary is one that MirrorMaker 2 translated lately, so that, where no
// leftoff wrote it, MirrorMaker 2 did. The topic has the secondary's name.
func (k *Checkpoints) Wrote(group, topic string, partition int32, offset int64) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	c := k.groups[group][kafka.TopicPartition{Topic: topic, Partition: partition}]
	return c != nil && slices.Contains(c.before, offset)
}

// Newest is the newest checkpoint of a key.
func (k *Checkpoints) Newest(group, topic string, partition int32) (Checkpoint, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	c := k.groups[group][kafka.TopicPartition{Topic: topic, Partition: partition}]
	if c == nil {
		return Checkpoint{}, false
	}
	return c.newest, true
}

// Groups lists the groups that have checkpoints.
func (k *Checkpoints) Groups() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	all := make([]string, 0, len(k.groups))
	for g := range k.groups {
		all = append(all, g)
	}
	slices.Sort(all)
	return all
}

func (k *Checkpoints) record(r *kafka.Record) {
	k.sieve.take(parseCheckpointRecord(r))
}

// parseCheckpointRecord takes a record without a value for the deletion of its key.
func parseCheckpointRecord(r *kafka.Record) (checkpointRecord, error) {
	if r.Value == nil {
		key, err := ParseCheckpointKey(r.Key)
		return checkpointRecord{Checkpoint{CheckpointKey: key}, true}, err
	}
	c, err := ParseCheckpoint(r.Key, r.Value)
	return checkpointRecord{Checkpoint: c}, err
}

func (k *Checkpoints) apply(r checkpointRecord) {
	k.mu.Lock()
	k.keep(r)
	k.mu.Unlock()
	k.notify(r.Group)
}

func (k *Checkpoints) keep(r checkpointRecord) {
	tp := kafka.TopicPartition{Topic: r.Topic, Partition: r.Partition}
	of := k.groups[r.Group]
	if r.deleted {
		delete(of, tp)
		if len(of) == 0 {
			delete(k.groups, r.Group)
		}
		return
	}
	if of == nil {
		of = map[kafka.TopicPartition]*checkpoints{}
		k.groups[r.Group] = of
	}
	c := of[tp]
	if c == nil {
		c = &checkpoints{}
		of[tp] = c
	}
	c.newest = r.Checkpoint
	if i := slices.Index(c.before, r.Downstream); i >= 0 {
		c.before = slices.Delete(c.before, i, i+1)
	}
	if c.before = append(c.before, r.Downstream); len(c.before) > remembered {
		c.before = slices.Delete(c.before, 0, 1)
	}
}

func (k *Checkpoints) settle(caughtUp bool) string {
	problem := k.sieve.settle(caughtUp)
	k.f.edit(func(st *State) { st.Records, st.Malformed = k.sieve.records, k.sieve.bad })
	return problem
}

// reset forgets all: the topic begins anew.
func (k *Checkpoints) reset() {
	k.sieve.reset()
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.groups)
}
