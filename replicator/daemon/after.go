package daemon

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// outputs carry out policy `after`: they know which commits wait, ask the primary how long its mirrored topics are when one does, and
// say when that has been copied. They implement replicator.Outputs.
//
// What is waited for are the partitions of the policy's topics, or of all the link's topics: a transaction may have written to any. A
// topic that the link does not copy is not among them, and neither is one that changed hands at a failover, or that a mirror which is
// not leftoff's leaves out: it is not on the secondary.
type outputs struct {
	primary endsOf
	mapper  replicator.Mapper
	index   *checkpoint.Index
	copies  func(topic string) bool // the link does
	chosen  func(topic string) bool // it is waited for
	auto    bool
	foreign bool // somebody else's mirror copies

	wanted   chan struct{}
	internal atomic.Pointer[[]string] // the primary's changelog and repartition topics, sorted
	once     sync.Once
	listed   chan struct{} // closed when they were listed for the first time

	mu           sync.Mutex
	applications map[string]bool // groups that turned out to be Streams applications
	absent       []string        // topics that were not waited for because they are not on the secondary
	unlisted     string          // why the primary's topics can't be listed
}

// endsOf is what outputs need of the primary.
type endsOf interface {
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
}

// newOutputs returns nil where no commit waits for anything. rename selects the link's topics.
func newOutputs(after string, primary endsOf, mapper replicator.Mapper, index *checkpoint.Index, rename func(string) (string, bool)) *outputs {
	o := &outputs{primary: primary, mapper: mapper, index: index, wanted: make(chan struct{}, 1), listed: make(chan struct{}), applications: map[string]bool{}}
	o.copies = func(t string) bool { _, ok := rename(t); return ok }
	topics, auto := replicator.AfterTopics(after)
	o.auto = auto
	switch {
	case auto:
		o.chosen = o.copies
	case len(topics) > 0:
		o.chosen = func(t string) bool { return o.copies(t) && slices.Contains(topics, t) }
	default:
		return nil
	}
	return o
}

// after makes the outputs of a link. Where nothing is written nothing waits, and a plan says what would be written once outputs are there.
func (l *link) after(r *running, mapper replicator.Mapper) replicator.Outputs {
	if l.ReadOnly {
		return nil
	}
	if r.outputs = newOutputs(l.Policy.After, l.clusters[replicator.Primary], mapper, l.index, l.Rename); r.outputs == nil {
		return nil // and not a nil of the other type
	}
	r.outputs.foreign = l.Mapping != configs.MappingMirror
	return r.outputs
}

// Waits implements replicator.Outputs. With topics named, every commit waits for them.
func (o *outputs) Waits(group string, transactional bool) bool {
	return !o.auto || transactional || o.streams(group)
}

// streams says whether a group is a Kafka Streams application: its id begins the names of its internal topics. Asked for each commit, it
// allocates nothing.
func (o *outputs) streams(group string) bool {
	all := o.internal.Load()
	if all == nil || len(*all) == 0 {
		return false
	}
	_, ok := slices.BinarySearchFunc(*all, group, internalOf)
	if ok {
		o.mu.Lock()
		o.applications[group] = true
		o.mu.Unlock()
	}
	return ok
}

// internalOf compares a topic with the names that begin with GROUP-: 0 where it is one of them.
func internalOf(topic, group string) int {
	n := min(len(topic), len(group))
	if c := strings.Compare(topic[:n], group[:n]); c != 0 {
		return c
	}
	if len(topic) <= len(group) {
		return -1
	}
	return cmp.Compare(topic[len(group)], '-')
}

// notes are sentences on Streams applications whose own topics the link does not copy, and on what keeps the primary from being read.
func (o *outputs) notes() (all []string) {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	groups, absent, unlisted := slices.Sorted(maps.Keys(o.applications)), o.absent, o.unlisted
	o.mu.Unlock()
	if o.internal.Load() == nil {
		if o.auto && unlisted != "" {
			all = append(all, "policy after: the primary's topics can't be listed, and before it is known which groups are Kafka Streams applications no commit is read: "+unlisted)
		}
		return all
	}
	if len(absent) > 0 {
		all = append(all, fmt.Sprintf("policy after: %d topics of this link are not on the secondary, and not waited for, such as %s. Try: topics.exclude, or a mirror that copies them",
			len(absent), absent[0]))
	}
	for _, group := range groups {
		var without []string
		for _, t := range *o.internal.Load() {
			if internalOf(t, group) == 0 && !o.copies(t) {
				without = append(without, t)
			}
		}
		if len(without) > 0 {
			all = append(all, fmt.Sprintf("group %s: %d of its own topics are not copied by this link, and not waited for, such as %s. Try: topics.include",
				group, len(without), without[0]))
		}
	}
	return all
}

// Ask implements replicator.Outputs.
func (o *outputs) Ask() {
	select {
	case o.wanted <- struct{}{}:
	default:
	}
}

// Reached implements replicator.Outputs. The mapper is asked as for a commit at that end: while the answer is behind, something below
// has no copy. A floor may stand for either; then what was copied of the partition decides.
func (o *outputs) Reached(e replicator.End) (ok bool, why string) {
	m := o.mapper.Forward(e.Topic, [16]byte{}, e.Partition, e.End)
	switch c := m.Position.Confidence; {
	case m.Reason == replicator.HandedOver, o.leftOut(m), m.Reason == replicator.NoReason && c == translate.Exact:
		return true, ""
	case m.Reason != replicator.NoReason:
		return false, strings.TrimSuffix(m.Reason.String()+": "+m.Detail, ": ")
	case c == translate.Behind && m.Position.Reread > 0:
		return false, fmt.Sprintf("the mirror is %d offsets behind", m.Position.Reread)
	case c == translate.Floor && o.copied(e):
		return true, ""
	}
	return false, m.Detail
}

// leftOut says that the mapping has looked, and the topic is not on the secondary, where leftoff would not make it.
func (o *outputs) leftOut(m replicator.Mapping) bool {
	return o.foreign && m.Reason == replicator.TopicMissing && m.Topic != ""
}

// copied says that a record at or past an end was copied, or the frontier is there: the mirror keeps order, so what lies below was, too.
func (o *outputs) copied(e replicator.End) bool {
	pair, ok := o.index.Lookup(e.Topic)
	if !ok || e.Partition >= pair.Info().Partitions {
		return false
	}
	p := pair.Partition(e.Partition)
	if f, ok := p.Frontier(); ok && f.Primary >= e.End {
		return true
	}
	end, ok := p.End()
	return ok && end >= e.End
}
