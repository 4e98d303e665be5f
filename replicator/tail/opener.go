package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// opener finds the partitions of the offsets topic, and where each begins and ends. It asks again every refresh: the topic
// does not exist before a cluster's first commit, and may get more partitions.
type opener struct {
	cluster cluster
	refresh time.Duration
	health  func(error)
	events  chan event

	mu   sync.Mutex
	redo map[int32]struct{} // to be opened, again or for the first time

	// The rest belongs to run.
	found   map[int32]struct{}
	id      [16]byte
	missing int // answers in a row that said the topic is not there
}

// event is what the opener tells run. One without anything says that the topic does not exist yet: nothing is missed by
// that, as it will be read from its beginning.
type event struct {
	found  []int32
	opened []opened
}

type opened struct {
	partition  int32
	start, end int64
}

const (
	// askTimeout lets a dead cluster show in State, although nothing gives up.
	askTimeout = 5 * time.Second
	// missingLimit is how many answers it takes to believe that the topic is not there: one broker may be behind, and
	// believing it too early opens the gate on an empty ledger.
	missingLimit = 3
)

var errMissing = errors.New(Topic + " was there and is not any more")

func newOpener(c cluster, refresh time.Duration, health func(error)) *opener {
	return &opener{cluster: c, refresh: refresh, health: health, events: make(chan event), redo: map[int32]struct{}{}, found: map[int32]struct{}{}}
}

// again asks for a partition to be opened once more, at the next step: what keeps failing is not tried hot.
func (o *opener) again(id int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.redo[id] = struct{}{}
}

func (o *opener) run(ctx context.Context) error {
	for {
		err := o.step(ctx)
		if errors.Is(err, ErrRecreated) || ctx.Err() != nil {
			return err
		}
		o.health(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.refresh):
		}
	}
}

// step asks once. Partitions that can't be opened now stay on the list.
func (o *opener) step(ctx context.Context) error {
	info, exists, err := o.ask(ctx)
	if err != nil {
		return err
	}
	if !exists {
		return o.absent(ctx)
	}
	if o.id != info.ID && o.id != [16]byte{} {
		return ErrRecreated
	}
	o.id, o.missing = info.ID, 0
	if found := o.add(info.Partitions); len(found) > 0 {
		if err := o.tell(ctx, event{found: found}); err != nil {
			return err
		}
	}
	list, listErr := o.open(ctx)
	if len(list) > 0 {
		if err := o.tell(ctx, event{opened: list}); err != nil {
			return err
		}
	}
	return listErr
}

func (o *opener) ask(ctx context.Context) (info kafka.TopicInfo, exists bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	all, err := o.cluster.Topics(ctx, []string{Topic})
	if err != nil {
		return info, false, fmt.Errorf("find %s: %w", Topic, err)
	}
	info, exists = all[Topic]
	if exists && info.Err != nil {
		return info, true, fmt.Errorf("find %s: %w", Topic, info.Err)
	}
	return info, exists, nil
}

// add takes partitions not seen before onto the list.
func (o *opener) add(partitions []kafka.PartitionInfo) (found []int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range partitions {
		id := partitions[i].ID
		if _, ok := o.found[id]; !ok {
			o.found[id], o.redo[id] = struct{}{}, struct{}{}
			found = append(found, id)
		}
	}
	return found
}

// absent: a cluster without a commit has no offsets topic. One that had it lost everything the ledger rests on.
func (o *opener) absent(ctx context.Context) error {
	seen := len(o.found) > 0
	o.missing++
	switch enough := o.missing >= missingLimit; {
	case enough && seen:
		return ErrRecreated
	case enough:
		return o.tell(ctx, event{})
	case seen:
		return errMissing
	}
	return nil
}

// open asks for the bounds of the listed partitions. The end is the high watermark: what is in the log now, open
// transactions included, is what catching up means.
func (o *opener) open(ctx context.Context) (list []opened, err error) {
	o.mu.Lock()
	tps := make([]kafka.TopicPartition, 0, len(o.redo))
	for id := range o.redo {
		tps = append(tps, kafka.TopicPartition{Topic: Topic, Partition: id})
	}
	o.mu.Unlock()
	if len(tps) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	starts, err := o.cluster.ListOffsets(ctx, kafka.Earliest, tps)
	if err != nil {
		return nil, fmt.Errorf("find where %s begins: %w", Topic, err)
	}
	ends, err := o.cluster.ListOffsets(ctx, kafka.Latest, tps)
	if err != nil {
		return nil, fmt.Errorf("find where %s ends: %w", Topic, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, tp := range tps {
		start, end := result(starts, tp), result(ends, tp)
		if e := errors.Join(start.Err, end.Err); e != nil {
			err = fmt.Errorf("find the bounds of %s: %w", tp, e)
			continue
		}
		delete(o.redo, tp.Partition)
		list = append(list, opened{partition: tp.Partition, start: start.Offset, end: end.Offset})
	}
	slices.SortFunc(list, func(a, b opened) int { return int(a.partition - b.partition) })
	return list, err
}

func result(m map[kafka.TopicPartition]kafka.OffsetResult, tp kafka.TopicPartition) kafka.OffsetResult {
	r, ok := m[tp]
	if !ok {
		r.Err = errors.New("no answer for the partition")
	}
	return r
}

func (o *opener) tell(ctx context.Context, e event) error {
	select {
	case o.events <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
