package daemon

import (
	"context"
	"errors"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// remover is *kafka.Cluster.
type remover interface {
	DeleteOffsets(ctx context.Context, group string, tps []kafka.TopicPartition) ([]error, error)
}

// remove deletes the offsets of an admitted removal. The broker refuses those of topics that members are subscribed to.
func (s *sender) remove(ctx context.Context, a replicator.Admitted) replicator.Result {
	tps := make([]kafka.TopicPartition, len(a.Offsets()))
	for i, o := range a.Offsets() {
		tps[i] = kafka.TopicPartition{Topic: o.Topic, Partition: o.Partition}
	}
	errs, err := s.remover.DeleteOffsets(ctx, a.Group(), tps)
	if err == nil {
		return result(a, errs)
	}
	if kafka.Classify(err) == kafka.Canceled {
		err = errors.Join(errExpired, err)
	}
	r := unanswered(a, err)
	for i := range r.Outcomes {
		r.Outcomes[i] = outcome(err) // one for all: members, or a right that is missing
	}
	return r
}
