package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// sideBySide is how many partitions of a group are read at once.
const sideBySide = 4

// resume has a consumer resume where a group would: under its shadow name, with the reset policy none.
func (r *run) resume(ctx context.Context, g *shadowed) {
	g.Shadow = shadow(r.guard.id, g.Group.Group)
	var offsets []kafka.CommitOffset
	var topics []string
	var held []*position
	for _, p := range g.positions {
		if p.Secondary == nil {
			p.Failure = "there is no offset on the secondary: auto.offset.reset would decide"
			continue
		}
		held = append(held, p)
		offsets = append(offsets, kafka.CommitOffset{Topic: p.There, Partition: p.Partition, Offset: *p.Secondary})
		if !slices.Contains(topics, p.There) {
			topics = append(topics, p.There)
		}
	}
	if len(held) == 0 {
		return
	}
	r.made(g.Shadow)
	results, err := r.guard.commit(ctx, g.Shadow, offsets)
	for i, p := range held {
		if err == nil && results[i] != nil && !errors.Is(results[i], kafka.ErrMetadataDropped) {
			p.Failure = fmt.Sprintf("the shadow group's offset can't be written: %v", results[i])
		}
	}
	if err == nil {
		err = r.join(ctx, g, topics, held)
	}
	for _, p := range held {
		if err != nil && p.Failure == "" {
			p.Failure, p.Resumed = err.Error(), false
		}
	}
}

// join is the consumer's life.
func (r *run) join(ctx context.Context, g *shadowed, topics []string, held []*position) (err error) {
	began := r.o.Now()
	m, err := r.guard.join(ctx, g.Shadow, topics)
	if err != nil {
		return err
	}
	defer func() {
		if left := m.Leave(ctx); left != nil && err == nil {
			r.problem("%s: the consumer could not leave: %v", g.Shadow, left)
		}
	}()
	g.JoinSeconds = seconds(r.o.Now().Sub(began))
	committed, err := r.secondary.FetchOffsets(ctx, map[string][]kafka.TopicPartition{g.Shadow: nil})
	if err != nil {
		return err
	}
	assigned := m.Assigned()
	var reading errgroup.Group
	reading.SetLimit(sideBySide)
	for _, p := range held {
		if p.Failure != "" {
			continue
		}
		at, ok := committed[g.Shadow][p.there]
		switch {
		case !slices.Contains(assigned, p.there):
			p.Failure = "the partition was assigned to nobody: it is not on the secondary"
		case !ok || at.Err != nil || at.Offset != *p.Secondary:
			p.Failure = fmt.Sprintf("the coordinator gave back another offset than was committed: %d (%v)", at.Offset, at.Err)
		default:
			reading.Go(func() error { r.poll(ctx, p, began); return nil })
		}
	}
	_ = reading.Wait() // poll says what went wrong
	for _, p := range held {
		g.ResumeSeconds = max(g.ResumeSeconds, p.ResumeSeconds)
	}
	return m.Lost()
}

// poll fetches at exactly the committed offset, and reads on for a while.
func (r *run) poll(ctx context.Context, p *position, began time.Time) {
	from := &reader{c: r.secondary, tp: p.there}
	got, end, err := from.above(ctx, *p.Secondary, r.o.Above, func() { p.ResumeSeconds = seconds(r.o.Now().Sub(began)) })
	switch {
	case errors.Is(err, kafka.ErrOffsetOutOfRange):
		p.Failure = fmt.Sprintf("offset %d is out of range on the secondary: auto.offset.reset would decide", *p.Secondary)
	case err != nil:
		p.Failure = err.Error()
	default:
		p.Resumed, p.got, p.end, p.appended = true, got, end, from.appended
		p.Read.Above, p.Read.First = len(got), sight(got)
	}
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}
