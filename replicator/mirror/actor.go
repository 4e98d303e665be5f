package mirror

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// newPair makes a partition of a topic with its connections to the outside.
func (s *Source) newPair(t *topic, n int32) *partitionPair {
	p := newPartition(t.name, n)
	pp := &partitionPair{partition: p, index: t.pair.Partition(n), done: make(chan struct{})}
	pp.on = [2]kafka.TopicPartition{{Topic: t.name, Partition: n}, {Topic: t.secondary, Partition: n}}
	pp.epochs[0].Store(-1)
	pp.epochs[1].Store(-1)
	p.log = s.log.With(zap.String("topic", t.name), zap.Int32("partition", n))
	p.options = rules{committed: !s.opt.ReadUncommitted, created: t.created, former: t.former, prefetch: s.share, classify: classify}
	first := newPrimaryLog(side{s.opt.Primary, pp.on[replicator.Primary], &pp.epochs[replicator.Primary]}, s.feeds)
	p.primary = first
	p.secondary = secondaryLog{side{s.opt.Secondary, pp.on[replicator.Secondary], &pp.epochs[replicator.Secondary]}}
	p.feed = &ownFeed{port{s.feeds, pp.on[replicator.Primary], p.inbox.fetch}, first}
	p.target = outlet{s.producer, pp.on[replicator.Secondary]}
	p.link = &tie{s, t, n}
	p.index = pp.index
	p.inbox.wake = make(chan struct{}, 1)
	return pp
}

// ownFeed gives the feed to the partition, away from the reader of a realignment.
type ownFeed struct {
	port
	reader *primaryLog
}

func (f *ownFeed) Start(offset int64, generation int) {
	f.reader.release()
	f.port.Start(offset, generation)
}

func (s *Source) start(ctx context.Context, p *partitionPair) {
	ctx, p.stop = context.WithCancel(ctx)
	s.active.Add(1)
	s.group.Go(func() error {
		defer s.active.Add(-1)
		defer close(p.done)
		p.loop(ctx)
		return nil
	})
}

func (p *partitionPair) cancel() { p.stop() }

// loop steps whenever something arrived, or is due.
func (p *partition) loop(ctx context.Context) {
	defer p.feed.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		at := p.step(ctx)
		wait := time.Hour
		if !at.IsZero() {
			wait = max(0, time.Until(at))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-p.inbox.wake:
		case <-timer.C:
		}
	}
}

// tie is a partition's link to the others.
type tie struct {
	source *Source
	topic  *topic
	number int32
}

// Same asks both clusters for the topics' ids. A primary that does not answer has not changed as far as anyone can know.
func (t *tie) Same(ctx context.Context) error {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	second, err := t.source.opt.Secondary.Topics(ask, []string{t.topic.secondary})
	if err != nil {
		return fmt.Errorf("secondary: %w", err)
	}
	if info, ok := second[t.topic.secondary]; !ok || info.ID != t.topic.secondaryID {
		t.source.lookAgain()
		return fmt.Errorf("%s on the secondary: %w", t.topic.secondary, errRecreated)
	}
	ask, cancel = context.WithTimeout(ctx, shortTimeout)
	defer cancel()
	first, err := t.source.opt.Primary.Topics(ask, []string{t.topic.name})
	if err != nil {
		return nil
	}
	if info, ok := first[t.topic.name]; !ok || info.ID != t.topic.primaryID {
		t.source.lookAgain()
		return fmt.Errorf("%s on the primary: %w", t.topic.name, errRecreated)
	}
	return nil
}

// Settings reads the topics' configuration; the primary's is missed least when it is away.
func (t *tie) Settings(ctx context.Context) (settings, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	second, err := t.source.opt.Secondary.TopicConfigs(ctx, t.topic.secondary)
	if err != nil {
		return settings{}, fmt.Errorf("settings of %s on the secondary: %w", t.topic.secondary, err)
	}
	first, err := t.source.opt.Primary.TopicConfigs(ctx, t.topic.name)
	if err != nil {
		first = nil
	}
	return readSettings(first, second), nil
}

func (t *tie) NewID(ctx context.Context, spent int64) (kafka.ProducerID, error) {
	return t.source.newID(ctx, spent)
}

func (t *tie) Flush() error { return t.source.flush.Flush() }

func (t *tie) Notify(all bool) {
	t.source.opt.Notify(replicator.Advance{Topic: t.topic.name, Partition: t.number, All: all})
}
