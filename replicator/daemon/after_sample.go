package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// sampler is the loop, as far as outputs drive it.
type sampler interface {
	SampleBegins(ctx context.Context) error
	Sampled(ctx context.Context, left []replicator.End) error
	SampleFails(ctx context.Context, why string) error
}

const (
	// sampleAtMost is how often the ends are asked for while something waits; where that takes long, an idle time follows that is
	// sampleIdle times as long.
	sampleAtMost = 20 * time.Millisecond
	sampleIdle   = 3
	// listEvery is how often the primary's topics are listed, to tell which groups are Kafka Streams applications.
	listEvery  = time.Second
	sampleTrip = 5 * time.Second
)

// await returns when it is known which groups are Kafka Streams applications, or ctx ends: before that no commit may be read, or it
// would be taken for a plain one.
func (o *outputs) await(ctx context.Context) {
	if o == nil || !o.auto {
		return
	}
	select {
	case <-o.listed:
	case <-ctx.Done():
	}
}

// run samples when asked, and lists topics, until ctx ends.
func (o *outputs) run(ctx context.Context, loop sampler) error {
	tick := time.NewTicker(listEvery)
	defer tick.Stop()
	if o.auto {
		o.list(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if o.auto {
				o.list(ctx)
			}
		case <-o.wanted:
			began := time.Now()
			if err := o.sample(ctx, loop); err != nil {
				if ctx.Err() != nil || errors.Is(err, replicator.ErrEnded) {
					return nil
				}
				return err
			}
			pause(ctx, max(sampleAtMost, sampleIdle*time.Since(began)))
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// list lists the primary's topics. A cluster that does not answer is asked again.
func (o *outputs) list(ctx context.Context) (map[string]kafka.TopicInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, sampleTrip)
	defer cancel()
	topics, err := o.primary.Topics(ctx, nil)
	o.listing(err)
	if err != nil {
		return nil, err
	}
	var internal []string
	for t := range topics {
		if strings.HasSuffix(t, "-changelog") || strings.HasSuffix(t, "-repartition") {
			internal = append(internal, t)
		}
	}
	slices.Sort(internal)
	o.internal.Store(&internal)
	o.once.Do(func() { close(o.listed) })
	return topics, nil
}

// listing remembers for status why topics can't be listed.
func (o *outputs) listing(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.unlisted = ""; err != nil {
		o.unlisted = err.Error()
	}
}

// sample takes the ends for everything that the loop has seen by now. It goes on until it has every one of them: a partition that has
// no leader may hold outputs, too. Its error is the loop's, or that of ctx.
func (o *outputs) sample(ctx context.Context, loop sampler) error {
	if err := loop.SampleBegins(ctx); err != nil {
		return err
	}
	var left []replicator.End
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, sampleTrip) {
		all, err := o.ends(ctx)
		if err == nil {
			left = all
			break
		}
		if err := loop.SampleFails(ctx, err.Error()); err != nil {
			return err
		}
		if pause(ctx, wait); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return loop.Sampled(ctx, left)
}

// ends are the ends of all that is waited for, without those that have been reached.
func (o *outputs) ends(ctx context.Context) (left []replicator.End, err error) {
	topics, err := o.list(ctx)
	if err != nil {
		return nil, err
	}
	var tps []kafka.TopicPartition
	for name, t := range topics {
		if !o.chosen(name) {
			continue
		}
		for n := range t.Partitions {
			tps = append(tps, kafka.TopicPartition{Topic: name, Partition: int32(n)})
		}
	}
	o.note(tps)
	if len(tps) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sampleTrip)
	defer cancel()
	got, err := o.primary.ListOffsets(ctx, kafka.Latest, tps)
	if err != nil {
		return nil, err
	}
	for tp, r := range got {
		switch {
		case errors.Is(r.Err, kafka.ErrUnknownTopic): // deleted meanwhile
		case r.Err != nil:
			return nil, fmt.Errorf("the end of %s: %w", tp, r.Err)
		case r.Offset > 0:
			e := replicator.End{Topic: tp.Topic, Partition: tp.Partition, End: r.Offset}
			if ok, _ := o.Reached(e); !ok {
				left = append(left, e)
			}
		}
	}
	return left, nil
}

// note remembers for status which topics are left out.
func (o *outputs) note(tps []kafka.TopicPartition) {
	var absent []string
	for _, tp := range tps {
		if o.foreign && tp.Partition == 0 && o.leftOut(o.mapper.Forward(tp.Topic, [16]byte{}, 0, 0)) {
			absent = append(absent, tp.Topic)
		}
	}
	slices.Sort(absent)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.absent = absent
}
