package drill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/leftoff/leftoff/replicator/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a cluster in memory, with whatever is done to its groups.
type fake struct {
	mu      sync.Mutex
	id      string
	logs    map[kafka.TopicPartition]*log
	groups  map[string]*group
	touched map[string]bool // groups that were joined, committed, emptied or deleted
	down    error
	before  func(op, group string) error // called before each change of a group
}

// log is a fake partition: the offset of a record is its index.
type log struct {
	records []kafka.Record
	start   int64
}

type group struct {
	offsets map[kafka.TopicPartition]int64
	members []string
}

func newFake(id string) *fake {
	return &fake{id: id, logs: map[kafka.TopicPartition]*log{}, groups: map[string]*group{}, touched: map[string]bool{}}
}

// fill appends the records from to to−1; the same number is the same record.
func (f *fake) fill(topic string, partition int32, from, to int) {
	tp := kafka.TopicPartition{Topic: topic, Partition: partition}
	if f.logs[tp] == nil {
		f.logs[tp] = &log{}
	}
	for n := from; n < to; n++ {
		f.logs[tp].records = append(f.logs[tp].records, kafka.Record{
			Offset: int64(len(f.logs[tp].records)), Timestamp: 1_700_000_000_000 + 1000*int64(n), Key: fmt.Append(nil, "k", n), Value: fmt.Append(nil, "v", n),
		})
	}
}

func (f *fake) commits(name, topic string, partition int32, offset int64) {
	f.group(name).offsets[kafka.TopicPartition{Topic: topic, Partition: partition}] = offset
}

func (f *fake) group(name string) *group {
	if f.groups[name] == nil {
		f.groups[name] = &group{offsets: map[kafka.TopicPartition]int64{}}
	}
	return f.groups[name]
}

// state is everything about groups, to be compared.
func (f *fake) state() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all string
	for _, g := range slices.Sorted(maps.Keys(f.groups)) {
		all += fmt.Sprintln(g, f.groups[g].offsets, f.groups[g].members)
	}
	return all
}

func (f *fake) ClusterID(context.Context) (string, error) { return f.id, f.down }

func (f *fake) Topics(context.Context, []string) (map[string]kafka.TopicInfo, error) {
	all := map[string]kafka.TopicInfo{}
	for tp := range f.logs {
		t := all[tp.Topic]
		for len(t.Partitions) <= int(tp.Partition) {
			t.Partitions = append(t.Partitions, kafka.PartitionInfo{ID: int32(len(t.Partitions))})
		}
		t.Name = tp.Topic
		all[tp.Topic] = t
	}
	return all, f.down
}

func (f *fake) ListGroups(context.Context) (all []kafka.GroupInfo, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, g := range f.groups {
		state := "Empty"
		if len(g.members) > 0 {
			state = "Stable"
		}
		all = append(all, kafka.GroupInfo{Group: name, State: state})
	}
	return all, f.down
}

func (f *fake) DescribeGroup(_ context.Context, name string) (d kafka.GroupDescription, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if g := f.groups[name]; g != nil {
		for _, m := range g.members {
			d.Members = append(d.Members, kafka.GroupMember{ID: m})
		}
	}
	return d, f.down
}

func (f *fake) FetchOffsets(_ context.Context, groups map[string][]kafka.TopicPartition) (map[string]map[kafka.TopicPartition]kafka.CommittedOffset, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]map[kafka.TopicPartition]kafka.CommittedOffset{}
	for name := range groups {
		all[name] = map[kafka.TopicPartition]kafka.CommittedOffset{}
		if g := f.groups[name]; g != nil {
			for tp, at := range g.offsets {
				all[name][tp] = kafka.CommittedOffset{Offset: at}
			}
		}
	}
	return all, f.down
}

func (f *fake) ListOffsets(_ context.Context, when kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	all := map[kafka.TopicPartition]kafka.OffsetResult{}
	for _, tp := range tps {
		l := f.logs[tp]
		if l == nil {
			all[tp] = kafka.OffsetResult{Offset: -1, Err: kafka.ErrUnknownTopic}
			continue
		}
		r := kafka.OffsetResult{Offset: int64(len(l.records))}
		if at, timed := when.Time(); timed {
			i := slices.IndexFunc(l.records, func(r kafka.Record) bool { return r.Offset >= l.start && r.Timestamp >= at.UnixMilli() })
			r.Offset = int64(i)
		} else if when == kafka.Earliest {
			r.Offset = l.start
		}
		all[tp] = r
	}
	return all, f.down
}

func (f *fake) FetchCommitted(_ context.Context, tp kafka.TopicPartition, offset int64, _ int32) (kafka.Fetched, error) {
	l := f.logs[tp]
	if l == nil {
		return kafka.Fetched{}, kafka.ErrUnknownTopic
	}
	end := int64(len(l.records))
	if offset < l.start || offset > end {
		return kafka.Fetched{}, fmt.Errorf("%s at %d: %w", tp, offset, kafka.ErrOffsetOutOfRange)
	}
	const some = 7 // of a fetch, so that windows are made of several
	next := min(end, offset+some)
	got := kafka.Fetched{TopicPartition: tp, HighWatermark: end, LastStable: end, LogStart: l.start, Next: next}
	if next > offset {
		got.Batches = []kafka.Batch{{BaseOffset: offset, LastOffset: next - 1, ProducerID: -1, Records: l.records[offset:next]}}
	}
	return got, f.down
}

func (f *fake) change(ctx context.Context, op, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.before != nil {
		if err := f.before(op, name); err != nil {
			return err
		}
	}
	f.mu.Lock()
	f.touched[name] = true
	return nil
}

func (f *fake) Commit(ctx context.Context, name string, offsets []kafka.CommitOffset) ([]error, error) {
	if err := f.change(ctx, "commit", name); err != nil {
		return make([]error, len(offsets)), err
	}
	defer f.mu.Unlock()
	for _, o := range offsets {
		f.group(name).offsets[kafka.TopicPartition{Topic: o.Topic, Partition: o.Partition}] = o.Offset
	}
	return make([]error, len(offsets)), nil
}

func (f *fake) Join(ctx context.Context, name string, topics []string) (Member, error) {
	if err := f.change(ctx, "join", name); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	m := &member{f: f, group: name, id: fmt.Sprint("member-", len(f.touched))}
	f.group(name).members = append(f.group(name).members, m.id)
	for tp := range f.logs {
		if slices.Contains(topics, tp.Topic) {
			m.assigned = append(m.assigned, tp)
		}
	}
	return m, nil
}

func (f *fake) RemoveMembers(ctx context.Context, name string, ids []string) error {
	if err := f.change(ctx, "remove", name); err != nil {
		return err
	}
	defer f.mu.Unlock()
	g := f.group(name)
	g.members = slices.DeleteFunc(g.members, func(m string) bool { return slices.Contains(ids, m) })
	return nil
}

func (f *fake) Delete(ctx context.Context, name string) error {
	if err := f.change(ctx, "delete", name); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if g := f.groups[name]; g != nil && len(g.members) > 0 {
		return &kafka.Error{Class: kafka.Live, Err: errors.New("NON_EMPTY_GROUP")}
	}
	delete(f.groups, name)
	return nil
}

type member struct {
	f         *fake
	group, id string
	assigned  []kafka.TopicPartition
}

func (m *member) Assigned() []kafka.TopicPartition { return m.assigned }
func (m *member) Lost() error                      { return nil }
func (m *member) Leave(ctx context.Context) error {
	return m.f.RemoveMembers(ctx, m.group, []string{m.id})
}
