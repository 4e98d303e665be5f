package mirror

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// newPair makes a partition of a topic with its connections to the outside.
func (s *Source) newPair(ctx context.Context, t *topic, n int32) *partitionPair {
	p := newPartition(t.name, n)
	pp := &partitionPair{partition: p, index: t.pair.Partition(n), done: make(chan struct{})}
	pp.ctx, pp.cancel = context.WithCancel(ctx)
	pp.going, pp.fence = context.WithCancel(pp.ctx)
	pp.on = [2]kafka.TopicPartition{{Topic: t.name, Partition: n}, {Topic: t.secondary, Partition: n}}
	pp.epochs[0].Store(-1)
	pp.epochs[1].Store(-1)
	p.log = s.log.With(zap.String("topic", t.name), zap.Int32("partition", n))
	p.options = rules{committed: !s.opt.ReadUncommitted, created: t.created, former: t.former, prefetch: s.share, classify: classify, slots: s.slots,
		leftOut: spansOf(s.opt.LeftOut, t.primaryID, n), aside: spansOf(s.opt.Aside, t.secondaryID, n), skip: spansOf(s.opt.Skip, t.primaryID, n)}
	if s.opt.Known != nil {
		p.options.known = func() []translate.Run { return s.opt.Known(t.primaryID, t.secondaryID, n) }
	}
	first := newPrimaryLog(side{s.opt.Primary, pp.on[replicator.Primary], &pp.epochs[replicator.Primary]}, s.feeds)
	p.primary = first
	p.secondary = secondaryLog{side{s.opt.Secondary, pp.on[replicator.Secondary], &pp.epochs[replicator.Secondary]}}
	if c, ok := s.opt.Secondary.(ExtentCluster); ok {
		p.theirs = onceLog{p.secondary.(secondaryLog).side, c.FetchCommitted, nil}
	}
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

// start copies a partition that the others can see already: a fence either finds it, or is found here.
func (s *Source) start(p *partitionPair) {
	if s.isFenced(p.topic) {
		p.cancel()
		close(p.done)
		return
	}
	s.active.Add(1)
	s.group.Go(func() error {
		defer s.active.Add(-1)
		defer close(p.done)
		defer p.cancel()
		p.loop(p.ctx, p.going)
		return nil
	})
}

// loop steps whenever something arrived, or is due, until ctx ends. When going ends, nothing more is fetched: the loop ends once what
// was fetched is on the secondary, and never while something is on the wire.
func (p *partition) loop(ctx, going context.Context) {
	defer p.feed.Stop()
	ends, fenced := going.Done(), false
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		if !fenced && going.Err() != nil {
			fenced, ends = true, nil
			p.feed.Stop()
		}
		at := p.step(going)
		if fenced {
			p.generation++ // what is delivered from now on is of no seek
			if p.nothingToSend() {
				return
			}
		}
		wait := time.Hour
		if !at.IsZero() {
			wait = max(0, time.Until(at))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-ends:
		case <-p.inbox.wake:
		case <-timer.C:
		}
	}
}

// nothingToSend: all that was fetched is acknowledged; or there is a doubt, and nothing on the wire.
func (p *partition) nothingToSend() bool {
	if p.doubt != "" {
		return p.window.quiet()
	}
	return p.window.empty() && p.queue.empty()
}

// tie is a partition's link to the others.
type tie struct {
	source *Source
	topic  *topic
	number int32
}

func (t *tie) Same(context.Context) error {
	_, err := t.topic.same.get()
	return err
}

func (t *tie) Settings(context.Context) (settings, error) { return t.topic.settings.get() }

// sameTopics asks both clusters for the topics' ids. A primary that does not answer has not changed as far as anyone can know.
func (s *Source) sameTopics(ctx context.Context, t *topic) error {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	second, err := s.opt.Secondary.Topics(ask, []string{t.secondary})
	if err != nil {
		return fmt.Errorf("secondary: %w", err)
	}
	if info, ok := second[t.secondary]; !ok || info.ID != t.secondaryID {
		s.lookAgain()
		return fmt.Errorf("%s on the secondary: %w", t.secondary, errRecreated)
	}
	ask, cancel = context.WithTimeout(ctx, shortTimeout)
	defer cancel()
	first, err := s.opt.Primary.Topics(ask, []string{t.name})
	if err != nil {
		return nil
	}
	if info, ok := first[t.name]; !ok || info.ID != t.primaryID {
		s.lookAgain()
		return fmt.Errorf("%s on the primary: %w", t.name, errRecreated)
	}
	return nil
}

// settingsOf reads the topics' configuration; the primary's is missed least when it is away.
func (s *Source) settingsOf(ctx context.Context, t *topic) (settings, error) {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	second, err := s.opt.Secondary.TopicConfigs(ask, t.secondary)
	if err != nil {
		return settings{}, fmt.Errorf("settings of %s on the secondary: %w", t.secondary, err)
	}
	ask, cancel = context.WithTimeout(ctx, shortTimeout)
	defer cancel()
	first, err := s.opt.Primary.TopicConfigs(ask, t.name)
	if err != nil {
		first = nil
	}
	return readSettings(first, second), nil
}

func (t *tie) NewID(ctx context.Context, spent int64) (kafka.ProducerID, error) {
	return t.source.newID(ctx, spent)
}

func (t *tie) Flush() error {
	_, err := t.source.flush.get()
	return err
}

func (t *tie) Notify(all bool) {
	t.source.opt.Notify(replicator.Advance{Topic: t.topic.name, Partition: t.number, All: all})
}
