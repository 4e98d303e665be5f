package mirror

import (
	"context"
	"errors"
	"sync"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// fetcher is what feeds needs of kafka.Fetcher.
type fetcher interface {
	Assign(tp kafka.TopicPartition, offset int64)
	Unassign(tp kafka.TopicPartition)
	Pause(tp kafka.TopicPartition)
	Resume(tp kafka.TopicPartition)
	Poll(ctx context.Context) ([]kafka.Fetched, error)
}

// feeds shares the primary's fetcher between the partitions. One goroutine assigns and polls, so that what it delivers is
// known to belong to the last seek: a fetch of before would otherwise look like a hole in the log.
type feeds struct {
	fetcher fetcher

	mu        sync.Mutex
	wishes    []wish
	interrupt context.CancelFunc
	sinks     map[kafka.TopicPartition]sink // run's own
}

type sink struct {
	generation int
	put        func(delivery)
}

type wish struct {
	tp     kafka.TopicPartition
	kind   wishKind
	offset int64
	sink   sink
}

type wishKind uint8

const (
	wishStart wishKind = iota
	wishStop
	wishPause
	wishResume
)

func newFeeds(f fetcher) *feeds {
	return &feeds{fetcher: f, sinks: map[kafka.TopicPartition]sink{}}
}

func (f *feeds) wish(w wish) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wishes = append(f.wishes, w)
	if f.interrupt != nil {
		f.interrupt()
	}
}

// run delivers until ctx ends.
func (f *feeds) run(ctx context.Context) error {
	for {
		poll, cancel := context.WithCancel(ctx)
		f.grant(cancel)
		fetched, err := f.fetcher.Poll(poll)
		cancel()
		for i := range fetched {
			if s, ok := f.sinks[fetched[i].TopicPartition]; ok {
				s.put(delivery{Fetched: fetched[i], generation: s.generation})
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.Is(err, context.Canceled):
			return err
		}
	}
}

// grant does what was wished for, in order; a later wish interrupts the poll that follows.
func (f *feeds) grant(interrupt context.CancelFunc) {
	f.mu.Lock()
	wishes := f.wishes
	f.wishes, f.interrupt = nil, interrupt
	f.mu.Unlock()
	for _, w := range wishes {
		switch w.kind {
		case wishStart:
			f.sinks[w.tp] = w.sink
			f.fetcher.Assign(w.tp, w.offset)
		case wishStop:
			delete(f.sinks, w.tp)
			f.fetcher.Unassign(w.tp)
		case wishPause:
			f.fetcher.Pause(w.tp)
		case wishResume:
			f.fetcher.Resume(w.tp)
		}
	}
}

// port is one partition's feed.
type port struct {
	feeds *feeds
	tp    kafka.TopicPartition
	put   func(delivery)
}

func (p *port) Start(offset int64, generation int) {
	p.feeds.wish(wish{tp: p.tp, kind: wishStart, offset: offset, sink: sink{generation, p.put}})
}
func (p *port) Stop()   { p.feeds.wish(wish{tp: p.tp, kind: wishStop}) }
func (p *port) Pause()  { p.feeds.wish(wish{tp: p.tp, kind: wishPause}) }
func (p *port) Resume() { p.feeds.wish(wish{tp: p.tp, kind: wishResume}) }
