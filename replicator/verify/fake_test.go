package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// entry is one offset of a fake log.
type entry struct {
	kafka.Record
	marker, abort, aborted bool
	producer               int64
	appended               bool
}

// log is a fake partition.
type log struct {
	entries []entry
	start   int64
	end     int64
}

func (l *log) put(e entry) int64 {
	e.Offset = l.end
	l.entries = append(l.entries, e)
	l.end++
	return e.Offset
}

// fake is a cluster in memory. Each fetch brings a few records only, so that windows are made of many.
type fake struct {
	mu      sync.Mutex
	logs    map[kafka.TopicPartition]*log
	groups  map[string]map[kafka.TopicPartition]int64
	batch   int
	broken  error                          // what fetches answer
	onFetch func()                         // called before each fetch of records
	hidden  map[kafka.TopicPartition]int64 // the last stable offset, where it is not the end
}

func newFake() *fake {
	return &fake{logs: map[kafka.TopicPartition]*log{}, groups: map[string]map[kafka.TopicPartition]int64{}, batch: 3, hidden: map[kafka.TopicPartition]int64{}}
}

func (f *fake) log(topic string) *log {
	tp := kafka.TopicPartition{Topic: topic}
	if f.logs[tp] == nil {
		f.logs[tp] = &log{}
	}
	return f.logs[tp]
}

func (f *fake) commit(group, topic string, at int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.groups[group] == nil {
		f.groups[group] = map[kafka.TopicPartition]int64{}
	}
	f.groups[group][kafka.TopicPartition{Topic: topic}] = at
}

func (f *fake) Topics(context.Context, []string) (map[string]kafka.TopicInfo, error) {
	all := map[string]kafka.TopicInfo{}
	for tp := range f.logs {
		all[tp.Topic] = kafka.TopicInfo{Name: tp.Topic, Partitions: make([]kafka.PartitionInfo, 1)}
	}
	return all, nil
}

func (f *fake) ListGroups(context.Context) (all []kafka.GroupInfo, err error) {
	for g := range f.groups {
		all = append(all, kafka.GroupInfo{Group: g})
	}
	return append(all, kafka.GroupInfo{Group: "shared", Type: "share"}), nil
}

func (f *fake) FetchOffsets(_ context.Context, groups map[string][]kafka.TopicPartition) (map[string]map[kafka.TopicPartition]kafka.CommittedOffset, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]map[kafka.TopicPartition]kafka.CommittedOffset{}
	for g := range groups {
		if g == "shared" {
			return nil, errors.New("asked for a share group")
		}
		all[g] = map[kafka.TopicPartition]kafka.CommittedOffset{}
		for tp, at := range f.groups[g] {
			all[g][tp] = kafka.CommittedOffset{Offset: at, LeaderEpoch: -1}
		}
	}
	return all, nil
}

func (f *fake) ListOffsets(_ context.Context, when kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	all := map[kafka.TopicPartition]kafka.OffsetResult{}
	for _, tp := range tps {
		l := f.logs[tp]
		r := kafka.OffsetResult{Offset: l.end}
		at, timed := when.Time()
		switch {
		case timed:
			r.Offset = -1
			for _, e := range l.entries {
				if e.Offset >= l.start && e.Timestamp >= at.UnixMilli() {
					r.Offset = e.Offset
					break
				}
			}
		case when == kafka.Earliest:
			r.Offset = l.start
		case when == kafka.Stable && f.hidden[tp] > 0:
			r.Offset = f.hidden[tp]
		}
		all[tp] = r
	}
	return all, nil
}

func (f *fake) FetchCommitted(_ context.Context, tp kafka.TopicPartition, offset int64, _ int32) (kafka.Fetched, error) {
	if f.onFetch != nil {
		f.onFetch()
	}
	l := f.logs[tp]
	if f.broken != nil {
		return kafka.Fetched{}, f.broken
	}
	if offset < l.start || offset > l.end {
		return kafka.Fetched{}, fmt.Errorf("%s: fetch %d of [%d, %d): %w", tp, offset, l.start, l.end, kafka.ErrOffsetOutOfRange)
	}
	got := kafka.Fetched{TopicPartition: tp, HighWatermark: l.end, LastStable: l.end, LogStart: l.start, Next: offset}
	i, _ := slices.BinarySearchFunc(l.entries, offset, func(e entry, at int64) int { return cmp.Compare(e.Offset, at) })
	for _, e := range l.entries[i:min(len(l.entries), i+f.batch)] {
		b := kafka.Batch{BaseOffset: e.Offset, LastOffset: e.Offset, ProducerID: e.producer, Transactional: e.producer > 0, Control: e.marker, LogAppendTime: e.appended, Records: []kafka.Record{e.Record}}
		if e.marker {
			b.Records[0].Key = []byte{0, 0, 0, 1}
			if e.abort {
				b.Records[0].Key = []byte{0, 0, 0, 0}
			}
		}
		if e.aborted {
			got.Aborted = append(got.Aborted, kafka.AbortedTxn{ProducerID: e.producer, FirstOffset: e.Offset})
		}
		got.Batches, got.Next = append(got.Batches, b), e.Offset+1
	}
	return got, nil
}

// record n of a kind: the same number is the same record.
func record(n int) kafka.Record {
	return kafka.Record{Timestamp: 1_700_000_000_000 + int64(n), Key: fmt.Append(nil, "k", n%7), Value: fmt.Append(nil, "v", n)}
}
