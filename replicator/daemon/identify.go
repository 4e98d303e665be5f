package daemon

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

const (
	identifyAgain = 500 * time.Millisecond // while a cluster does not answer
	identifyEvery = 10 * time.Second       // afterwards: somebody may put another cluster behind the same address
)

// identify asks a cluster who it is, again and again. Before it has answered once with the id that the index knows,
// nothing reads from it or writes to it.
func (l *link) identify(ctx context.Context, side replicator.Side) error {
	first := true
	for {
		wait := identifyEvery
		id, err := l.askID(ctx, side)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && first && kafka.Classify(err) == kafka.Credentials:
			return fmt.Errorf("%w: link %s: %w", ErrRefused, l.Name, err)
		case err != nil:
			wait = identifyAgain
			l.note(side, err)
		default:
			if err := l.recognise(side, id); err != nil {
				return err
			}
			l.note(side, nil)
			if first {
				first = false
				close(l.verified[side])
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (l *link) askID(ctx context.Context, side replicator.Side) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return l.clusters[side].ClusterID(ctx)
}

// recognise compares a cluster id with what the index has seen, and tells the index.
func (l *link) recognise(side replicator.Side, id string) error {
	var err error
	if side == replicator.Primary {
		err = l.index.Identify(id, "")
	} else {
		err = l.index.Identify("", id)
	}
	if err != nil {
		return fmt.Errorf("%w: link %s: the %s: %w", ErrRefused, l.Name, side, err)
	}
	l.mu.Lock()
	was, other := l.ids[side], l.ids[1-side]
	l.ids[side] = id
	l.mu.Unlock()
	if was != "" && was != id {
		return fmt.Errorf("%w: link %s: the %s was cluster %s, and is %s now. Try: clusters.*.brokers, or another data_dir for another pair of clusters",
			ErrRefused, l.Name, side, was, id)
	}
	if other == id {
		return fmt.Errorf("%w: link %s: primary and secondary are the same cluster (id %s). Try: check clusters.*.brokers", ErrRefused, l.Name, id)
	}
	return l.check()
}

// note keeps a side's error for status and logs its beginning and its end.
func (l *link) note(side replicator.Side, err error) {
	l.mu.Lock()
	was := l.errs[side]
	l.errs[side] = err
	l.mu.Unlock()
	switch {
	case err != nil && was == nil:
		l.log.Warn("a cluster does not answer; leftoff keeps trying", zap.Stringer("side", side), zap.Error(err))
	case err == nil && was != nil:
		l.log.Info("the cluster answers again", zap.Stringer("side", side))
	}
}
