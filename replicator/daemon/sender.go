package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// sender carries admitted requests to the secondary's coordinators.
type sender struct {
	committer committer
	intents   interface {
		PutIntents([]checkpoint.Intent) error
	}
	remover remover
}

// committer is kafka.Committer; its contract is there.
type committer interface {
	Commit(ctx context.Context, group string, retention time.Duration, offsets []kafka.CommitOffset) ([]error, error)
	CommitFirst(ctx context.Context, group string, retention time.Duration, offsets []kafka.CommitOffset) ([]error, error)
}

// Send never starts after the gate's answer expired, and gives up when it expires.
func (s *sender) Send(ctx context.Context, a replicator.Admitted) replicator.Result {
	ctx, cancel := context.WithDeadline(ctx, a.Deadline())
	defer cancel()
	if a.Removes() {
		return s.remove(ctx, a)
	}
	if err := s.intend(a); err != nil {
		return unanswered(a, err)
	}
	offsets := make([]kafka.CommitOffset, len(a.Offsets()))
	for i, o := range a.Offsets() {
		offsets[i] = kafka.CommitOffset{Topic: o.Topic, Partition: o.Partition, Offset: o.Offset, Metadata: o.Metadata}
	}
	commit := s.committer.Commit
	if a.First() {
		commit = s.committer.CommitFirst
	}
	errs, err := commit(ctx, a.Group(), a.Retention(), offsets)
	if err != nil {
		if kafka.Classify(err) == kafka.Canceled {
			err = errors.Join(errExpired, err)
		}
		return unanswered(a, err)
	}
	return result(a, errs)
}

var errExpired = errors.New("the secondary's coordinator did not answer in time")

// intend makes the values durable before they are written where no stamp will tell that they are ours.
func (s *sender) intend(a replicator.Admitted) error {
	if a.Retention() > 0 {
		return nil
	}
	all := make([]checkpoint.Intent, 0, len(a.Offsets()))
	for _, o := range a.Offsets() {
		all = append(all, checkpoint.Intent{
			OffsetKey: checkpoint.OffsetKey{Group: o.Key.Group, Topic: o.Key.Topic, Partition: o.Key.Partition},
			Offset:    o.Offset, At: time.Now(),
		})
	}
	return s.intents.PutIntents(all)
}

func unanswered(a replicator.Admitted, err error) replicator.Result {
	r := replicator.Result{Outcomes: make([]replicator.Outcome, len(a.Offsets())), Err: err}
	for i := range r.Outcomes {
		r.Outcomes[i] = replicator.Unanswered
	}
	return r
}

func result(a replicator.Admitted, errs []error) replicator.Result {
	r := replicator.Result{Outcomes: make([]replicator.Outcome, len(a.Offsets()))}
	for i, err := range errs {
		r.Outcomes[i] = outcome(err)
		if err != nil && r.Outcomes[i] != replicator.WrittenBare {
			r.Err = err
		}
	}
	return r
}

// outcome reads the answer for one offset (facts: OffsetCommit's error codes).
func outcome(err error) replicator.Outcome {
	switch {
	case err == nil:
		return replicator.Written
	case errors.Is(err, kafka.ErrMetadataDropped):
		return replicator.WrittenBare
	}
	switch kafka.Classify(err) {
	case kafka.Live:
		return replicator.RefusedLive
	case kafka.Share:
		return replicator.RefusedShare
	case kafka.Missing:
		return replicator.RefusedMissing
	case kafka.Unauthorized, kafka.Credentials:
		return replicator.RefusedAccess
	}
	return replicator.Unanswered
}
