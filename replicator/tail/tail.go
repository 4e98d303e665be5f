package tail

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// Tail follows the offsets topic of one cluster. Make it with New, run it once.
type Tail struct {
	opt     Options
	cluster cluster
	log     *zap.Logger
	status  status

	// The rest belongs to run.
	parts   map[int32]*partition
	known   bool // the cluster has said which partitions there are, or that there are none
	behind  int  // partitions that have not reached their recorded end
	decoder decoder
	changes []replicator.Change
	told    bool // a batch was handed on
	toldUp  bool // and said this
	opener  *opener
	fetch   fetcher
}

// partition is one partition of the offsets topic.
type partition struct {
	id       int32
	reading  bool
	restart  bool // from the log start, when opened
	caughtUp bool
	next     int64 // position
	end      int64 // as recorded when the partition was opened
	high     int64 // high watermark, as last seen
	open     pending
	failed   error // why the fetcher gave it up, until something of it is read again
}

// maxChanges is how many changes are handed on at a time.
const maxChanges = 4096

// New returns a tail that has read nothing yet.
func New(o Options) *Tail { return newTail(realCluster{o.Cluster}, o) }

func newTail(c cluster, o Options) *Tail {
	o.setDefaults()
	t := &Tail{opt: o, cluster: c, log: o.Logger, parts: map[int32]*partition{}}
	t.decoder = decoder{names: newNames(o.Filter), emit: t.emit}
	return t
}

// emit is the decoder's: it collects, and flush hands on.
func (t *Tail) emit(c replicator.Change) { t.changes = append(t.changes, c) }

// Run reads until ctx ends, Out fails, or the topic is recreated.
func (t *Tail) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	t.fetch = t.cluster.NewFetcher(t.opt.Fetch)
	t.opener = newOpener(t.cluster, t.opt.Refresh, t.health)
	fetched := make(chan []kafka.Fetched)
	g.Go(func() error { return t.poll(ctx, fetched) })
	g.Go(func() error { return t.opener.run(ctx) })
	g.Go(func() error { return t.run(ctx, fetched) })
	err := g.Wait()
	return errors.Join(err, t.fetch.Close())
}

func (t *Tail) poll(ctx context.Context, out chan<- []kafka.Fetched) error {
	for {
		fs, err := t.fetch.Poll(ctx)
		if err != nil {
			return fmt.Errorf("tail %s: %w", t.opt.Side, err)
		}
		select {
		case out <- fs:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run owns the partitions and everything that is handed on.
func (t *Tail) run(ctx context.Context, fetched <-chan []kafka.Fetched) error {
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case fs := <-fetched:
			err = t.takeAll(ctx, fs)
		case e := <-t.opener.events:
			t.takeEvent(e)
			err = t.flush(ctx)
		}
		if err != nil {
			return err
		}
		t.publish()
	}
}

// takeAll decodes what a poll brought, and hands on as soon as there is enough. Only after the last change of a partition
// is handed on does reaching its end count.
func (t *Tail) takeAll(ctx context.Context, fs []kafka.Fetched) error {
	left := 0
	for i := range fs {
		left += fs[i].Records()
	}
	for i := range fs {
		f := &fs[i]
		p, ok := t.parts[f.Partition]
		for j := range f.Batches {
			n := len(f.Batches[j].Records)
			if !ok || !p.reading {
				left -= n
				continue
			}
			if err := t.reserve(ctx, n, left); err != nil {
				return err
			}
			t.decoder.batch(&f.Batches[j], p.open)
			left -= n
		}
		if ok && p.reading {
			t.moved(p, f)
		}
	}
	return t.flush(ctx)
}

// reserve makes room for the n changes of a batch, of left that this poll still brings, so that changes are not copied from
// one slice to a larger one. What does not fit is handed on first.
func (t *Tail) reserve(ctx context.Context, n, left int) error {
	if len(t.changes) > 0 && len(t.changes)+n > cap(t.changes) {
		if err := t.flush(ctx); err != nil {
			return err
		}
	}
	if len(t.changes) == 0 && cap(t.changes) < n {
		t.changes = make([]replicator.Change, 0, min(left, max(n, maxChanges)))
	}
	return nil
}

// moved takes note of a partition's new position.
func (t *Tail) moved(p *partition, f *kafka.Fetched) {
	if f.Err != nil {
		t.lost(p, f.Err)
		return
	}
	p.next, p.high, p.failed = f.Next, f.HighWatermark, nil
	if !p.caughtUp && p.next >= p.end {
		p.caughtUp = true
		t.behind--
	}
}

// lost: the fetcher gave a partition up. Nothing is written on what may be old: the tail has caught up again when the
// partition has. Where the log was cut, all of it is read again, and what open transactions had pending with it.
func (t *Tail) lost(p *partition, why error) {
	if p.caughtUp {
		t.behind++
	}
	p.reading, p.caughtUp, p.failed = false, false, why
	if errors.Is(why, kafka.ErrOffsetOutOfRange) {
		t.log.Warn("reading a partition again from its log start", zap.Int32("partition", p.id), zap.Int64("position", p.next), zap.Error(why))
		t.decoder.counts.Restarts++
		p.restart, p.open = true, pending{}
	}
	t.opener.again(p.id)
}

func (t *Tail) takeEvent(e event) {
	t.known = true
	for _, id := range e.found {
		if _, ok := t.parts[id]; !ok {
			t.parts[id] = &partition{id: id, restart: true, open: pending{}}
			t.behind++
		}
	}
	for _, o := range e.opened {
		p := t.parts[o.partition]
		if p.restart {
			p.next, p.restart = o.start, false
		}
		p.reading, p.end, p.high = true, o.end, o.end
		if p.next >= p.end && p.failed == nil { // one that could not be read (an ACL) has to be read first
			p.caughtUp = true
			t.behind--
		}
		t.fetch.Assign(kafka.TopicPartition{Topic: Topic, Partition: p.id}, p.next)
	}
}

// flush hands on what has been collected, and also that the tail has caught up, or no longer has.
func (t *Tail) flush(ctx context.Context) error {
	up := t.known && t.behind == 0
	if len(t.changes) == 0 && t.told && t.toldUp == up {
		return nil
	}
	b := replicator.Batch{Side: t.opt.Side, Changes: t.changes, CaughtUp: up}
	t.changes, t.told = nil, true
	if up && !t.toldUp {
		t.log.Info("caught up", zap.Int("partitions", len(t.parts)), zap.Int64("records", t.decoder.counts.Records))
	}
	t.toldUp = up
	if err := t.opt.Out(ctx, b); err != nil {
		return fmt.Errorf("tail %s: hand on: %w", t.opt.Side, err)
	}
	return nil
}
