package judge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// page is what one fetch brought of one partition.
//
// It comes from raw fetches, not from a kgo consumer: a consumer does not tell how far it has read when the end of a log
// is a marker, an aborted batch or a compacted tail, and would be waited for in vain.
type page struct {
	partition     int32
	records       []*kgo.Record
	next          int64 // where to go on: holes and control batches are stepped over
	start, hw     int64
	err           error
	lastCommitted int64 // LSO
}

type fetchOptions struct {
	committed bool
	controls  bool
	wait      time.Duration
	maxBytes  int32
}

// fetch asks one broker for several partitions, once. A broken connection and a moved leader are errors of the page.
func fetch(ctx context.Context, cl *kgo.Client, broker int32, t topic, from map[int32]int64, o fetchOptions) ([]page, error) {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.SessionEpoch = -1, -1
	req.MinBytes, req.MaxBytes = 1, 16<<20
	req.MaxWaitMillis = int32(o.wait / time.Millisecond)
	if o.committed {
		req.IsolationLevel = 1
	}
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = t.name, t.id
	for p, offset := range from {
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p, offset, o.maxBytes
		rp.CurrentLeaderEpoch, rp.LogStartOffset = -1, -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := cl.Broker(int(broker)).Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s from broker %d: %w", t.name, broker, err)
	}
	answer := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return nil, fmt.Errorf("fetch %s from broker %d: %w", t.name, broker, err)
	}
	var pages []page
	for i := range answer.Topics {
		for j := range answer.Topics[i].Partitions {
			pages = append(pages, decodePage(&answer.Topics[i].Partitions[j], t, from, o))
		}
	}
	return pages, nil
}

func decodePage(rp *kmsg.FetchResponseTopicPartition, t topic, from map[int32]int64, o fetchOptions) page {
	isolation := kgo.ReadUncommitted()
	if o.committed {
		isolation = kgo.ReadCommitted()
	}
	fp, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		KeepControlRecords: o.controls,
		Offset:             from[rp.Partition],
		IsolationLevel:     isolation,
		Topic:              t.name,
		Partition:          rp.Partition,
	}, rp, kgo.DefaultDecompressor(), nil)
	p := page{partition: rp.Partition, records: fp.Records, next: next, start: fp.LogStartOffset, hw: fp.HighWatermark,
		lastCommitted: fp.LastStableOffset, err: fp.Err}
	if p.err != nil {
		p.err = fmt.Errorf("fetch %s/%d at %d: %w", t.name, rp.Partition, from[rp.Partition], p.err)
	}
	return p
}

// moved reports whether asking again after fresh metadata may help.
func moved(err error) bool {
	var ke *kerr.Error
	return errors.As(err, &ke) && (ke.Retriable || errors.Is(err, kerr.FencedLeaderEpoch))
}

// readTo reads every partition from its start to its end and hands the records to each, partition by partition in order.
func readTo(ctx context.Context, cl *kgo.Client, t topic, to map[int32]bounds, committed bool, each func(*kgo.Record)) error {
	at := make(map[int32]int64)
	for p, b := range to {
		if b.start < b.end {
			at[p] = b.start
		}
	}
	o := fetchOptions{committed: committed, wait: 500 * time.Millisecond, maxBytes: 4 << 20}
	for failures := 0; len(at) > 0; {
		progress, err := readSome(ctx, cl, t, to, at, o, each)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("read %s: %w with %d partitions to go", t.name, ctx.Err(), len(at))
		case err != nil && !moved(err) && failures > 20:
			return err
		case err != nil || !progress:
			failures++
			if t, err = describeAgain(ctx, cl, t); err != nil {
				return err
			}
		default:
			failures = 0
		}
	}
	return nil
}

// readSome does one round over the leaders.
func readSome(ctx context.Context, cl *kgo.Client, t topic, to map[int32]bounds, at map[int32]int64, o fetchOptions, each func(*kgo.Record)) (progress bool, err error) {
	byLeader := make(map[int32]map[int32]int64)
	for p, offset := range at {
		leader := t.leaders[p]
		if byLeader[leader] == nil {
			byLeader[leader] = make(map[int32]int64)
		}
		byLeader[leader][p] = offset
	}
	for leader, from := range byLeader {
		pages, ferr := fetch(ctx, cl, leader, t, from, o)
		if ferr != nil {
			err = ferr
			continue
		}
		for _, p := range pages {
			if p.err != nil {
				err = p.err
				continue
			}
			progress = progress || p.next > at[p.partition]
			for _, r := range p.records {
				if r.Offset < to[p.partition].end {
					each(r)
				}
			}
			at[p.partition] = p.next
			if p.next >= to[p.partition].end {
				delete(at, p.partition)
			}
		}
	}
	return progress, err
}

// describeAgain waits a little, so that a cluster that is electing leaders is not asked in a tight loop.
func describeAgain(ctx context.Context, cl *kgo.Client, t topic) (topic, error) {
	if err := pause(ctx, 100*time.Millisecond); err != nil {
		return t, err
	}
	return describe(ctx, cl, t.name)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
