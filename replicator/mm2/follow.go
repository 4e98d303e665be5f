package mm2

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// cluster is what a follower needs of Kafka.
type cluster interface {
	// Topics leaves out topics that do not exist. Its error says why the cluster could not be asked.
	Topics(ctx context.Context, names []string) (map[string]kafka.TopicInfo, error)
	// ListOffsets answers each partition, with an error of its own where its leader did not.
	ListOffsets(ctx context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error)
	NewFetcher(kafka.FetchOptions) fetcher
}

// fetcher is kafka.Fetcher; its contract is there.
type fetcher interface {
	Assign(tp kafka.TopicPartition, offset int64)
	Unassign(tp kafka.TopicPartition)
	Poll(ctx context.Context) ([]kafka.Fetched, error)
	Problem() error
	Close() error
}

type realCluster struct{ *kafka.Cluster }

func (c realCluster) NewFetcher(o kafka.FetchOptions) fetcher { return c.Cluster.NewFetcher(o) }

// Position is how far a topic was read.
type Position struct {
	TopicID [16]byte // zero where the cluster has no topic ids
	Next    int64
}

// State is what a reader can say about itself at any time.
type State struct {
	Topic string
	// Exists is false while the cluster has no such topic, or was never reached.
	Exists bool
	// CaughtUp: what was in the topic when it was opened has been read; or there is no such topic.
	CaughtUp  bool
	Next, End int64 // position, and the last stable offset as last seen
	Records   int64 // read, without tombstones
	Malformed int64 // of those, the ones that do not decode
	Restarts  int   // times it was begun again at its log start: recreated, cut, or deleted from the front past the position
	// Problem is what a person has to know, with what to do; empty while nothing is wrong.
	Problem string
	// Error is what keeps the topic from being read, nil while nothing does.
	Error error
}

const (
	// askTimeout lets a dead cluster show in State, although nothing gives up.
	askTimeout = 5 * time.Second
	// missingLimit is how many answers it takes to believe that the topic is not there: one broker may be behind.
	missingLimit = 3
)

// follower reads partition 0 of one topic, for as long as it takes: through a cluster that is down, and through a topic that
// is deleted, recreated or cut.
//
//	look ── once a refresh: is the topic there, and the same one? ── open: its bounds, and where to begin
//	read ── until the next look ── take each record, then settle
type follower struct {
	cluster cluster
	tp      kafka.TopicPartition
	refresh time.Duration
	log     *zap.Logger
	from    Position
	take    func(*kafka.Record)
	settle  func(caughtUp bool) (problem string) // after the records of a fetch, and after each look
	restart func()                               // the topic's content is not a continuation of what was read

	fetch   fetcher
	id      [16]byte
	seen    bool // the topic was there once
	missing int  // answers in a row that say it is not
	reading bool
	opened  bool // at least once, so that next means something
	next    int64
	end     int64 // as recorded when it was opened
	failed  error // why the fetcher gave it up, until something of it is read again

	mu    sync.Mutex
	state State
	said  string // the last error logged
}

func (f *follower) run(ctx context.Context) error {
	f.fetch = f.cluster.NewFetcher(kafka.FetchOptions{Isolation: kafka.ReadCommitted})
	f.edit(func(s *State) { s.Topic = f.tp.Topic })
	for {
		err := f.look(ctx)
		if ctx.Err() == nil {
			f.health(err)
			err = f.read(ctx)
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), f.fetch.Close())
		}
		if err != nil {
			return errors.Join(fmt.Errorf("read %s: %w", f.tp.Topic, err), f.fetch.Close())
		}
	}
}

// look asks for the topic, and opens it where it is not being read.
func (f *follower) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	all, err := f.cluster.Topics(ctx, []string{f.tp.Topic})
	if err != nil {
		return fmt.Errorf("find %s: %w", f.tp.Topic, err)
	}
	info, ok := all[f.tp.Topic]
	switch {
	case !ok:
		f.absent()
		return nil
	case info.Err != nil:
		return fmt.Errorf("find %s: %w", f.tp.Topic, info.Err)
	case f.seen && info.ID != f.id:
		f.reading = false
		f.again("was deleted and created again")
	}
	if !f.seen && f.from.TopicID != [16]byte{} && f.from.TopicID != info.ID {
		f.from = Position{}
		f.again("was deleted and created again since it was read last")
	}
	f.seen, f.id, f.missing = true, info.ID, 0
	if f.reading {
		return nil
	}
	return f.open(ctx)
}

// absent: there is no such topic, or not any more. What was read of it stays.
func (f *follower) absent() {
	if f.missing++; f.missing < missingLimit {
		return
	}
	if f.reading {
		f.fetch.Unassign(f.tp)
		f.log.Warn("the topic was deleted", zap.String("topic", f.tp.Topic))
	}
	f.reading = false
	f.edit(func(s *State) {
		s.Exists, s.CaughtUp = false, true
		if s.Problem = "there is no topic " + f.tp.Topic; f.seen {
			s.Problem = fmt.Sprintf("%s was deleted. What was read of it is still used. Try: leftoff detect, for the topic that MirrorMaker 2 uses now", f.tp.Topic)
		}
	})
}

// open asks for the bounds, and goes on where reading stopped, or at the log start.
func (f *follower) open(ctx context.Context) error {
	start, err := f.bound(ctx, kafka.Earliest)
	if err != nil {
		return err
	}
	end, err := f.bound(ctx, kafka.Stable)
	if err != nil {
		return err
	}
	if !f.opened {
		f.next = f.from.Next
	}
	switch {
	case f.next > end:
		f.again(fmt.Sprintf("ends at %d, and was read up to %d", end, f.next))
		f.next = start
	case f.next < start && (f.opened || f.from.Next > 0):
		f.again(fmt.Sprintf("begins at %d now, and was read up to %d only: what was between is gone", start, f.next))
		f.next = start
	case f.next < start:
		f.next = start
	}
	f.opened, f.reading, f.end = true, true, end
	f.fetch.Assign(f.tp, f.next)
	f.edit(func(s *State) { s.Exists = true })
	f.publish(end)
	return nil
}

func (f *follower) bound(ctx context.Context, at kafka.When) (int64, error) {
	all, err := f.cluster.ListOffsets(ctx, at, []kafka.TopicPartition{f.tp})
	if err == nil {
		r, ok := all[f.tp]
		if err = r.Err; ok && err == nil {
			return r.Offset, nil
		}
		if !ok {
			err = errors.New("no answer")
		}
	}
	return 0, fmt.Errorf("find the bounds of %s: %w", f.tp, err)
}

// again: what comes is not a continuation.
func (f *follower) again(why string) {
	f.log.Warn("the topic is read again from its beginning: it "+why, zap.String("topic", f.tp.Topic))
	f.next = 0
	f.opened = false
	f.from.Next = 0
	f.restart()
	f.edit(func(s *State) { s.Restarts++ })
}

// read hands on what comes, until it is time to look again.
func (f *follower) read(ctx context.Context) error {
	brief, cancel := context.WithTimeout(ctx, f.refresh)
	defer cancel()
	for {
		fs, err := f.fetch.Poll(brief)
		switch {
		case brief.Err() != nil && len(fs) == 0:
			return nil
		case err != nil:
			return err
		}
		for i := range fs {
			f.taken(&fs[i])
		}
	}
}

func (f *follower) taken(got *kafka.Fetched) {
	if !f.reading || got.TopicPartition != f.tp {
		return
	}
	if got.Err != nil {
		f.reading = false // opened again at the next look: what keeps failing is not tried hot
		f.failed = got.Err
		f.health(nil)
		return
	}
	f.failed = nil
	got.Readable(true, func(b *kafka.Batch) {
		for i := range b.Records {
			f.take(&b.Records[i])
		}
	})
	f.next = got.Next
	f.publish(got.LastStable)
}

func (f *follower) publish(end int64) {
	up := f.next >= f.end
	problem := f.settle(up)
	f.edit(func(s *State) {
		s.CaughtUp, s.Next, s.End, s.Problem = up, f.next, end, problem
	})
}

// health takes note of what went wrong, and logs it once.
func (f *follower) health(err error) {
	if err == nil {
		err = f.failed
	}
	if err == nil {
		err = f.fetch.Problem()
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	f.edit(func(s *State) { s.Error = err })
	if text != f.said && err != nil {
		f.log.Warn("can't read; trying again", zap.String("topic", f.tp.Topic), zap.Error(err))
	}
	f.said = text
}

func (f *follower) edit(change func(*State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
}

func (f *follower) snapshot() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}
